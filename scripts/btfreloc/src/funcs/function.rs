// SPDX-License-Identifier: GPL-2.0

//! A function as it is listed.

use std::collections::HashMap;

use rust_btfreloc::reloc::funcs::FuncFlags;
use serde::{Serialize, Serializer};

use super::symbol::func_name;

/// A function, and where it is.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Function {
    /// Its module; `vmlinux` for the kernel itself.
    pub module: String,
    /// Name of its FUNC.
    pub name: String,
    /// Name of its symbol, where that is known.
    pub symbol: Option<String>,
    /// Where it is in memory; none in a file, after init, and where addresses are hidden.
    #[serde(serialize_with = "hexadecimal")]
    pub address: Option<u64>,
    /// Where it is in its file: the section, and the offset in that.
    pub section: Option<String>,
    pub offset: Option<u64>,
    /// Its size in bytes; of a loaded one the distance to the next symbol.
    pub size: Option<u64>,
    /// The object that it was linked from (`STT_FILE`).
    pub object: Option<String>,
    /// File and line, from DWARF.
    pub line: Option<String>,
    /// Id of its FUNC; none where several FUNCs have the name.
    pub btf_id: Option<u32>,
    #[serde(serialize_with = "words")]
    pub flags: FuncFlags,
    /// How many functions of the module have that name.
    pub same_named: usize,
}

impl Function {
    /// Whether `name` is that of its FUNC or of its symbol.
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.name == name || self.symbol.as_deref() == Some(name)
    }
}

/// Counts the functions of one name in each of `functions`, which are those of one module.
pub(super) fn count_same_named(functions: &mut [Function]) {
    let mut counts = HashMap::<String, usize>::new();
    for function in functions.iter() {
        *counts.entry(function.name.clone()).or_default() += 1;
    }
    for function in functions {
        function.same_named = counts[&function.name];
        if function.same_named > 1 {
            function.flags = function.flags.with(FuncFlags::SAME_NAMED);
        }
    }
}

/// Name of the FUNC that a symbol is of, as text.
pub(super) fn named(symbol: &str) -> Option<(&str, FuncFlags)> {
    let (name, flags) = func_name(symbol.as_bytes())?;
    Some((symbol.get(..name.len())?, flags))
}

/// As 64 bits are no number of JSON's.
fn hexadecimal<S: Serializer>(address: &Option<u64>, to: S) -> Result<S::Ok, S::Error> {
    let address = address.map(|address| format!("{address:#x}"));
    address.serialize(to)
}

/// The words of flags, one by one.
pub(crate) fn words<S: Serializer>(flags: &FuncFlags, to: S) -> Result<S::Ok, S::Error> {
    let words = FuncFlags::WORDS.iter();
    let words = words.filter(|(flag, _)| flags.has(*flag));
    to.collect_seq(words.map(|(_, word)| word))
}
