// SPDX-License-Identifier: GPL-2.0

//! Functions for people: a line each.

use std::io::Write;

use anyhow::Result;

use super::function::Function;
use crate::terminal::shown;

pub(super) fn write(out: &mut impl Write, functions: &[Function]) -> Result<()> {
    let row = |function| row(function).map(|cell| shown(&cell));
    let rows: Vec<_> = functions.iter().map(row).collect();
    let mut widths = [0; 5];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.len().max(*width);
        }
    }
    for row in &rows {
        let cells = row.iter().zip(widths.map(Some).into_iter().chain([None]));
        let mut line = String::new();
        for (cell, width) in cells {
            line += &format!("{cell:<width$}  ", width = width.unwrap_or(0));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Address, size, id, module, name, and what else there is to say.
fn row(function: &Function) -> [String; 6] {
    let or_none = |cell: Option<String>| cell.unwrap_or("-".to_owned());
    let place = function.section.as_ref().zip(function.offset);
    let address = function.address.map(|address| format!("{address:#x}"));
    let address = address.or(place.map(|(section, offset)| format!("{section}+{offset:#x}")));
    let symbol = function.symbol.as_deref();
    let symbol = symbol.filter(|symbol| *symbol != function.name);
    let flags = function.flags.to_string();
    let count = match function.same_named {
        0 | 1 => None,
        count => Some(format!("{count} of this name")),
    };
    let rest = [
        (flags != "-").then_some(flags),
        symbol.map(str::to_owned),
        count,
        function.line.clone().or(function.object.clone()),
    ];
    let rest: Vec<_> = rest.into_iter().flatten().collect();
    [
        or_none(address),
        or_none(function.size.map(|size| size.to_string())),
        or_none(function.btf_id.map(|id| format!("[{id}]"))),
        function.module.clone(),
        function.name.clone(),
        rest.join("; "),
    ]
}
