// SPDX-License-Identifier: GPL-2.0

//! Where instructions went, from a file of callgrind.
//!
//! `callgrind_annotate` does not read files that were dumped amid a run: they hold calls that were
//! counted 0 times. The format is described in the manual of valgrind, "Callgrind Format
//! Specification".

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Serialize;

/// How many parts are worth a look.
const LARGEST: usize = 4;

/// What a function executes itself, what was inlined into it included.
#[derive(Clone, Debug, Serialize)]
pub struct Part {
    pub function: String,
    pub percent: f64,
}

/// The largest parts of a file, the largest first.
pub fn largest(text: &str) -> Result<Vec<Part>> {
    let sums = sums(text)?;
    let total: u64 = sums.values().sum();
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by_key(|(_, sum)| std::cmp::Reverse(*sum));
    let part = |(function, sum): (String, u64)| Part {
        function: short(&function),
        percent: 100.0 * sum as f64 / total as f64,
    };
    let parts = sums.into_iter().take(LARGEST).map(part);
    Ok(parts.filter(|part| part.percent >= 1.0).collect())
}

/// Instructions by function.
fn sums(text: &str) -> Result<BTreeMap<String, u64>> {
    let (mut names, mut function) = (Names::default(), String::new());
    let mut sums = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        match line.split_once('=') {
            Some(("fn", name)) => function = names.get(name),
            // A name may be given in full at a call first.
            Some(("cfn", name)) => drop(names.get(name)),
            // The line after a call counts what the function called executes.
            Some(("calls", _)) => drop(lines.next()),
            None if line.starts_with(|c: char| c.is_ascii_digit() || "+-*".contains(c)) => {
                let (_, count) = line.split_once(' ').context("a position without a count")?;
                *sums.entry(function.clone()).or_insert(0) += count.trim().parse::<u64>()?;
            }
            _ => {}
        }
    }
    Ok(sums)
}

/// Names are given in full once, `(3) name`, and as `(3)` from then on.
#[derive(Default)]
struct Names(BTreeMap<String, String>);

impl Names {
    fn get(&mut self, name: &str) -> String {
        match name.split_once(' ') {
            Some((number, name)) => self.0.insert(number.to_owned(), name.to_owned()),
            None => None,
        };
        let number = name.split(' ').next().unwrap_or_default();
        self.0.get(number).map_or(name, String::as_str).to_owned()
    }
}

/// A function's name as one says it: its type or module, and itself.
fn short(name: &str) -> String {
    // What follows an apostrophe is the depth of a recursion.
    let name = name.split('\'').next().unwrap_or(name);
    let name = name.replace("::{{closure}}", "").replace('>', "");
    let name = name.rsplit("<impl ").next().unwrap_or_default();
    let mut last: Vec<_> = name.rsplit("::").take(2).collect();
    last.reverse();
    last.join("::")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_left_out_and_names_short() {
        let text = "\
totals: 60
fn=(1) rust_btfreloc::reloc::write::<impl rust_btfreloc::reloc::plan::Plan>::write
4 10
fi=(2) b/names.rs
+2 30
cfn=(2) memcmp
calls=0 0
5 999
fn=(2)
1 20
";
        let parts = largest(text).unwrap();
        let shown = |part: &Part| format!("{} {:.1}", part.function, part.percent);
        let shown: Vec<_> = parts.iter().map(shown).collect();
        assert_eq!(shown, ["Plan::write 66.7", "memcmp 33.3"]);
    }
}
