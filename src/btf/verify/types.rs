// SPDX-License-Identifier: GPL-2.0

//! What the kernel asks of one type by itself, kind by kind (the `check_meta` callbacks).

use super::fault::{
    bad_linkage, bad_name, bad_reference, bad_size, is_type, no_kflag, no_name, no_vlen,
};
use super::names::Names;
use crate::btf::{read_u32, Fault, Kind, Reason, Record, MAX_TYPE};

pub(super) fn check_type(names: &mut Names<'_, '_>, record: &Record<'_>) -> Result<(), Fault> {
    name_offset(names, record.name_off()).map_err(|reason| (0, reason))?;
    match record.kind() {
        Kind::Int => check_int(record),
        Kind::Ptr | Kind::Volatile | Kind::Const | Kind::Restrict => {
            check_reference(record)?;
            no_name(record)
        }
        Kind::Typedef => {
            check_reference(record)?;
            identifier(names, record)
        }
        Kind::TypeTag => {
            check_reference(record)?;
            some_name(names, record)
        }
        Kind::Array => check_array(record),
        Kind::Struct | Kind::Union => check_composite(names, record),
        Kind::Enum | Kind::Enum64 => check_enum(names, record),
        Kind::Fwd => check_fwd(names, record),
        Kind::Func => check_func(names, record),
        Kind::FuncProto => {
            no_name(record)?;
            no_kflag(record)
        }
        Kind::Var => check_var(names, record),
        Kind::Datasec => check_datasec(names, record),
        Kind::Float => check_float(record),
        Kind::DeclTag => check_decl_tag(names, record),
        // No kernel that knows them is released: what it asks of them is left to it.
        Kind::LocParam | Kind::LocProto | Kind::Locsec => Ok(()),
    }
}

fn check_int(record: &Record<'_>) -> Result<(), Fault> {
    const UNUSED: u32 = !0x0fff_ffff;
    const MAX_BITS: u32 = 128;
    no_vlen(record)?;
    no_kflag(record)?;
    let data = record.extra();
    if data & UNUSED != 0 {
        return Err((12, Reason::IntUnusedBits(data & UNUSED)));
    }
    let bits = (data & 0xff).saturating_add((data >> 16) & 0xff);
    let size = record.size();
    if bits > MAX_BITS || bits.div_ceil(8) > size {
        return Err((12, Reason::IntBits { bits, size }));
    }
    match (data >> 24) & 0xf {
        0 | 1 | 2 | 4 => Ok(()),
        encoding => Err((12, Reason::IntEncoding(encoding))),
    }
}

fn check_reference(record: &Record<'_>) -> Result<(), Fault> {
    no_vlen(record)?;
    if record.kind() != Kind::TypeTag {
        no_kflag(record)?;
    }
    match record.type_id() {
        0..=MAX_TYPE => Ok(()),
        id => Err(bad_reference(record, 8, id)),
    }
}

fn check_array(record: &Record<'_>) -> Result<(), Fault> {
    no_name(record)?;
    no_vlen(record)?;
    no_kflag(record)?;
    if record.size() != 0 {
        return Err(bad_size(record));
    }
    let (elem, index, _) = record.array();
    for (at, id) in [(12, elem), (16, index)] {
        if !is_type(id) {
            return Err(bad_reference(record, at, id));
        }
    }
    Ok(())
}

fn check_composite(names: &mut Names<'_, '_>, record: &Record<'_>) -> Result<(), Fault> {
    identifier_or_none(names, record)?;
    let size = record.size();
    let mut previous = 0;
    let mut at = 12u32;
    for (index, member) in (0..u32::MAX).zip(record.members()) {
        element_name(names, index, member.name_off, true).map_err(|reason| (at, reason))?;
        if !is_type(member.type_id) {
            let id = member.type_id;
            return Err((
                at.saturating_add(4),
                Reason::ElementReference { element: index, id },
            ));
        }
        let bits = member.bit_offset;
        let place = if record.kind() == Kind::Union && bits != 0 {
            Some(Reason::UnionMemberOffset {
                member: index,
                bits,
            })
        } else if previous > bits {
            Some(Reason::MemberOrder {
                member: index,
                bits,
                previous,
            })
        } else if bits.div_ceil(8) > size {
            Some(Reason::MemberOutside {
                member: index,
                bits,
                size,
            })
        } else {
            None
        };
        if let Some(reason) = place {
            return Err((at.saturating_add(8), reason));
        }
        previous = bits;
        at = at.saturating_add(12);
    }
    Ok(())
}

fn check_enum(names: &mut Names<'_, '_>, record: &Record<'_>) -> Result<(), Fault> {
    if record.size() > 8 || !record.size().is_power_of_two() {
        return Err(bad_size(record));
    }
    identifier_or_none(names, record)?;
    let mut index = 0u32;
    record.each_string(|at, name_off| {
        // The first string is the type's own name.
        if at == 0 {
            return Ok(());
        }
        element_name(names, index, name_off, false).map_err(|reason| (at, reason))?;
        index = index.saturating_add(1);
        Ok(())
    })
}

fn check_fwd(names: &mut Names<'_, '_>, record: &Record<'_>) -> Result<(), Fault> {
    no_vlen(record)?;
    match record.type_id() {
        0 => identifier(names, record),
        id => Err((8, Reason::FwdHasType(id))),
    }
}

fn check_func(names: &mut Names<'_, '_>, record: &Record<'_>) -> Result<(), Fault> {
    const GLOBAL: u32 = 1;
    identifier(names, record)?;
    // The kernel, unlike libbpf, refuses BTF_FUNC_EXTERN here.
    if record.vlen() > GLOBAL {
        return Err(bad_linkage(record, 4, record.vlen()));
    }
    no_kflag(record)
}

fn check_var(names: &mut Names<'_, '_>, record: &Record<'_>) -> Result<(), Fault> {
    const GLOBAL_ALLOCATED: u32 = 1;
    no_vlen(record)?;
    no_kflag(record)?;
    identifier(names, record)?;
    if !is_type(record.type_id()) {
        return Err(bad_reference(record, 8, record.type_id()));
    }
    match record.extra() {
        0..=GLOBAL_ALLOCATED => Ok(()),
        linkage => Err(bad_linkage(record, 12, linkage)),
    }
}

fn check_datasec(names: &mut Names<'_, '_>, record: &Record<'_>) -> Result<(), Fault> {
    let total = record.size();
    if total == 0 {
        return Err(bad_size(record));
    }
    no_kflag(record)?;
    needs_name(record)?;
    if !names.is_section(record.name_off()) {
        return Err(bad_name(record));
    }
    let (mut end, mut sum, mut at) = (0u32, 0u64, 12u32);
    for (index, element) in (0..u32::MAX).zip(record.elements()) {
        let word = |at| read_u32(element, at).unwrap_or(0);
        let (id, offset, size) = (word(0), word(4), word(8));
        if !is_type(id) {
            return Err((at, Reason::ElementReference { element: index, id }));
        }
        if offset < end || offset >= total {
            let reason = Reason::VarOffset {
                element: index,
                offset,
            };
            return Err((at.saturating_add(4), reason));
        }
        // The kernel adds in 32 bits here.
        end = offset.wrapping_add(size);
        if size == 0 || size > total || end > total {
            return Err((
                at.saturating_add(8),
                Reason::VarSize {
                    element: index,
                    size,
                },
            ));
        }
        sum = sum.saturating_add(u64::from(size));
        at = at.saturating_add(12);
    }
    if u64::from(total) < sum {
        return Err(bad_size(record));
    }
    Ok(())
}

fn check_float(record: &Record<'_>) -> Result<(), Fault> {
    no_vlen(record)?;
    no_kflag(record)?;
    match record.size() {
        2 | 4 | 8 | 12 | 16 => Ok(()),
        _ => Err(bad_size(record)),
    }
}

fn check_decl_tag(names: &mut Names<'_, '_>, record: &Record<'_>) -> Result<(), Fault> {
    some_name(names, record)?;
    no_vlen(record)?;
    let component = i32::from_ne_bytes(record.extra().to_ne_bytes());
    if component < -1 {
        return Err((12, Reason::BadComponent(component)));
    }
    Ok(())
}

fn name_offset(names: &Names<'_, '_>, name_off: u32) -> Result<(), Reason> {
    match names.has(name_off) {
        true => Ok(()),
        false => Err(Reason::NameOffset(name_off)),
    }
}

fn needs_name(record: &Record<'_>) -> Result<(), Fault> {
    match record.name_off() {
        0 => Err((0, Reason::NameMissing(record.kind()))),
        _ => Ok(()),
    }
}

fn some_name(names: &Names<'_, '_>, record: &Record<'_>) -> Result<(), Fault> {
    match names.is_empty(record.name_off()) {
        true => Err((0, Reason::NameMissing(record.kind()))),
        false => Ok(()),
    }
}

fn identifier(names: &mut Names<'_, '_>, record: &Record<'_>) -> Result<(), Fault> {
    needs_name(record)?;
    match names.is_identifier(record.name_off()) {
        true => Ok(()),
        false => Err(bad_name(record)),
    }
}

fn identifier_or_none(names: &mut Names<'_, '_>, record: &Record<'_>) -> Result<(), Fault> {
    match record.name_off() {
        0 => Ok(()),
        _ => identifier(names, record),
    }
}

#[inline]
fn element_name(
    names: &mut Names<'_, '_>,
    element: u32,
    name_off: u32,
    or_none: bool,
) -> Result<(), Reason> {
    if name_off == 0 && or_none {
        return Ok(());
    }
    name_offset(names, name_off)?;
    match name_off != 0 && names.is_identifier(name_off) {
        true => Ok(()),
        false => Err(Reason::ElementName { element, name_off }),
    }
}
