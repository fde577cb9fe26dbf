// SPDX-License-Identifier: GPL-2.0

//! What was resolved, for people: a line for each module.

use std::fmt::{self, Display, Formatter};
use std::io::Write;

use anyhow::Result;

use super::{Edited, Missing, Resolved, Several};
use crate::terminal::shown;

pub(super) fn write(out: &mut impl Write, edited: &[Edited]) -> Result<()> {
    for Edited {
        module, resolved, ..
    } in edited
    {
        writeln!(out, "{}: {resolved}", shown(module))?;
    }
    Ok(())
}

impl Display for Resolved {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Resolved {
            ids,
            sets,
            changed,
            missing,
            ..
        } = self;
        if *ids == 0 && *sets == 0 {
            return f.write_str("no ids");
        }
        let missing = missing.len();
        write!(f, "{ids} ids, {sets} sets, {missing} not found")?;
        match changed {
            true => Ok(()),
            false => f.write_str(", nothing to change"),
        }
    }
}

impl Display for Missing {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Missing { symbol, kind, name } = self;
        write!(
            f,
            "{symbol}: no {kind} {name} in the module's BTF: its id is 0"
        )
    }
}

impl Display for Several {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Several { kind, name, ids } = self;
        let ids: Vec<_> = ids.iter().map(|id| format!("[{id}]")).collect();
        let (first, others) = ids.split_first().unzip();
        let others = others.map_or(String::new(), |others| others.join(", "));
        let first = first.map_or("", String::as_str);
        write!(
            f,
            "{kind} {name} is {first}, and also {others}: the first is taken"
        )
    }
}
