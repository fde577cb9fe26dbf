// SPDX-License-Identifier: GPL-2.0

//! The size of a type in bytes: `btf__resolve_size` in `tools/lib/bpf/btf.c`.

use rust_btfreloc::btf::{Btf, Kind};

/// Most types between an array and what it is of (`MAX_RESOLVE_DEPTH`).
const DEPTH: u32 = 32;
/// Bytes of a pointer, of BPF programs and of the kernels that have them here.
const POINTER: u32 = 8;

/// The size of the type `id`; `None` where it has none.
pub fn of(btf: &Btf<'_>, mut id: u32) -> Option<u32> {
    let mut count = 1u32;
    for _ in 0..DEPTH {
        let record = btf.record(id)?;
        let size = match record.kind() {
            Kind::Int
            | Kind::Struct
            | Kind::Union
            | Kind::Enum
            | Kind::Enum64
            | Kind::Float
            | Kind::Datasec => record.size(),
            Kind::Ptr => POINTER,
            Kind::Array => {
                let (element, _, elements) = record.array();
                count = count.checked_mul(elements)?;
                id = element;
                continue;
            }
            kind if kind.is_modifier() || matches!(kind, Kind::Var | Kind::DeclTag) => {
                id = record.type_id();
                continue;
            }
            _ => return None,
        };
        return size.checked_mul(count);
    }
    None
}
