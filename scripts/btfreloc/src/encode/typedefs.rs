// SPDX-License-Identifier: GPL-2.0

//! Typedefs that a module has and its base has too.
//!
//! libbpf 1.7 puts those of the base into its table under another hash than it looks them up by, so
//! that a module keeps its own, and all that refers to them.

use std::collections::HashMap;

use rust_btfreloc::btf::{Btf, Kind, Record};

use super::renumber::renumbered;

/// `btf` without typedefs that its base, `base`, has with the same name and type; `None` where there
/// is none.
pub(super) fn fold(base: &Btf<'_>, btf: &Btf<'_>) -> Option<Vec<u8>> {
    let is_typedef = |record: &Record<'_>| record.kind() == Kind::Typedef;
    let key = |btf: &Btf<'_>, record: &Record<'_>| {
        let name = btf.string(record.name_off()).unwrap_or(&[]);
        (name.to_vec(), record.type_id())
    };
    let own = btf.own_records().filter(|(_, record)| is_typedef(record));
    let wanted: HashMap<_, _> = own.map(|(id, record)| (key(btf, &record), id)).collect();
    let theirs = base.own_records().filter(|(_, record)| is_typedef(record));
    let theirs = theirs.filter_map(|(id, record)| Some((*wanted.get(&key(base, &record))?, id)));
    // Of several the first, as when libbpf finds them.
    let mut folded = HashMap::new();
    for (own, id) in theirs {
        folded.entry(own).or_insert(id);
    }
    if folded.is_empty() {
        return None;
    }
    let own = btf.start_id()..btf.end_id();
    let kept: Vec<_> = own.filter(|id| !folded.contains_key(id)).collect();
    renumbered(btf, &kept, &folded)
}
