// SPDX-License-Identifier: GPL-2.0

//! The kernel's own verdict on a module's BTF, reached before the kernel looks.
//!
//! What is accepted here is what `btf_parse_module` in `kernel/bpf/btf.c` accepts: the header and
//! the string part ([`super::Blob::parse`]), each type by itself (the `check_meta` callbacks) and
//! the length of chains of modifiers. Like the kernel, it does not ask whether a reference is in
//! range; [`references`] does.

mod names;

use super::{Bits, Btf, Error, Kind, Reason, Record, MAX_TYPE};
use names::Names;

/// A reason, and the byte offset in the record it was found at.
type Found = (u32, Reason);

/// Checks every type that is not the base's, as the kernel does.
///
/// `identifiers` has room for each byte of the string part: it remembers which strings were found
/// to be identifiers, as most are used several times.
///
/// # Errors
///
/// The first type that the kernel would refuse, with the byte it would stop at.
pub fn kernel_verdict(btf: &Btf<'_>, identifiers: &mut Bits<'_>) -> Result<(), Error> {
    let mut names = Names { btf, identifiers };
    for (id, record) in btf.own_records() {
        check_type(&mut names, &record)
            .map_err(|(at, reason)| btf.error(id, &record, at, reason))?;
    }
    chains(btf)
}

/// Checks that every reference of the types that are not the base's names a type or void.
///
/// # Errors
///
/// The first reference that does not.
pub fn references(btf: &Btf<'_>) -> Result<(), Error> {
    let end = btf.end_id();
    for (id, record) in btf.own_records() {
        record.each_id(|at, target| {
            if target < end {
                return Ok(());
            }
            let reason = Reason::ReferenceOutOfRange { id: target, end };
            Err(btf.error(id, &record, at, reason))
        })?;
    }
    Ok(())
}

/// `btf_check_modifier_chain_length`: a chain may not be longer than 32, nor loop.
fn chains(btf: &Btf<'_>) -> Result<(), Error> {
    let mut good_id = btf.start_id().saturating_sub(1);
    for (id, record) in btf.own_records() {
        if record.kind().is_modifier() {
            chain(btf, id, record, good_id).map_err(|reason| btf.error(id, &record, 8, reason))?;
            good_id = id;
        }
    }
    Ok(())
}

fn chain(btf: &Btf<'_>, id: u32, record: Record<'_>, good_id: u32) -> Result<(), Reason> {
    const CHAIN_LIMIT: u32 = 32;
    let end = btf.end_id();
    let (mut id, mut record) = (id, record);
    for steps in 1..=CHAIN_LIMIT {
        if id <= good_id || !record.kind().is_modifier() {
            break;
        }
        id = record.type_id();
        // Nothing ahead of the last good modifier is walked again.
        if id == 0 || (id <= good_id && steps < CHAIN_LIMIT) {
            break;
        }
        record = btf
            .record(id)
            .ok_or(Reason::ReferenceOutOfRange { id, end })?;
        if steps == CHAIN_LIMIT && record.kind().is_modifier() {
            return Err(Reason::ChainTooLong);
        }
    }
    Ok(())
}

fn check_type(names: &mut Names<'_, '_>, record: &Record<'_>) -> Result<(), Found> {
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
    }
}

fn check_int(record: &Record<'_>) -> Result<(), Found> {
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

fn check_reference(record: &Record<'_>) -> Result<(), Found> {
    no_vlen(record)?;
    if record.kind() != Kind::TypeTag {
        no_kflag(record)?;
    }
    match record.type_id() {
        0..=MAX_TYPE => Ok(()),
        id => Err(bad_reference(record, 8, id)),
    }
}

fn check_array(record: &Record<'_>) -> Result<(), Found> {
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

fn check_composite(names: &mut Names<'_, '_>, record: &Record<'_>) -> Result<(), Found> {
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

fn check_enum(names: &mut Names<'_, '_>, record: &Record<'_>) -> Result<(), Found> {
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

fn check_fwd(names: &mut Names<'_, '_>, record: &Record<'_>) -> Result<(), Found> {
    no_vlen(record)?;
    match record.type_id() {
        0 => identifier(names, record),
        id => Err((8, Reason::FwdHasType(id))),
    }
}

fn check_func(names: &mut Names<'_, '_>, record: &Record<'_>) -> Result<(), Found> {
    const GLOBAL: u32 = 1;
    identifier(names, record)?;
    // The kernel, unlike libbpf, refuses BTF_FUNC_EXTERN here.
    if record.vlen() > GLOBAL {
        return Err(bad_linkage(record, 4, record.vlen()));
    }
    no_kflag(record)
}

fn check_var(names: &mut Names<'_, '_>, record: &Record<'_>) -> Result<(), Found> {
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

fn check_datasec(names: &mut Names<'_, '_>, record: &Record<'_>) -> Result<(), Found> {
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
        let word = |at| super::read_u32(element, at).unwrap_or(0);
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

fn check_float(record: &Record<'_>) -> Result<(), Found> {
    no_vlen(record)?;
    no_kflag(record)?;
    match record.size() {
        2 | 4 | 8 | 12 | 16 => Ok(()),
        _ => Err(bad_size(record)),
    }
}

fn check_decl_tag(names: &mut Names<'_, '_>, record: &Record<'_>) -> Result<(), Found> {
    some_name(names, record)?;
    no_vlen(record)?;
    let component = i32::from_ne_bytes(record.extra().to_ne_bytes());
    if component < -1 {
        return Err((12, Reason::BadComponent(component)));
    }
    Ok(())
}

fn is_type(id: u32) -> bool {
    (1..=MAX_TYPE).contains(&id)
}

fn bad_reference(record: &Record<'_>, at: u32, id: u32) -> Found {
    (
        at,
        Reason::BadReference {
            kind: record.kind(),
            id,
        },
    )
}

fn bad_size(record: &Record<'_>) -> Found {
    (
        8,
        Reason::BadSize {
            kind: record.kind(),
            size: record.size(),
        },
    )
}

fn bad_name(record: &Record<'_>) -> Found {
    (
        0,
        Reason::BadName {
            kind: record.kind(),
            name_off: record.name_off(),
        },
    )
}

fn bad_linkage(record: &Record<'_>, at: u32, linkage: u32) -> Found {
    (
        at,
        Reason::BadLinkage {
            kind: record.kind(),
            linkage,
        },
    )
}

fn no_vlen(record: &Record<'_>) -> Result<(), Found> {
    match record.vlen() {
        0 => Ok(()),
        vlen => Err((
            4,
            Reason::BadVlen {
                kind: record.kind(),
                vlen,
            },
        )),
    }
}

fn no_kflag(record: &Record<'_>) -> Result<(), Found> {
    match record.kflag() {
        false => Ok(()),
        true => Err((4, Reason::BadKflag(record.kind()))),
    }
}

fn no_name(record: &Record<'_>) -> Result<(), Found> {
    match record.name_off() {
        0 => Ok(()),
        name_off => Err((
            0,
            Reason::NameUnexpected {
                kind: record.kind(),
                name_off,
            },
        )),
    }
}

fn name_offset(names: &Names<'_, '_>, name_off: u32) -> Result<(), Reason> {
    match names.has(name_off) {
        true => Ok(()),
        false => Err(Reason::NameOffset(name_off)),
    }
}

fn needs_name(record: &Record<'_>) -> Result<(), Found> {
    match record.name_off() {
        0 => Err((0, Reason::NameMissing(record.kind()))),
        _ => Ok(()),
    }
}

fn some_name(names: &Names<'_, '_>, record: &Record<'_>) -> Result<(), Found> {
    match names.is_empty(record.name_off()) {
        true => Err((0, Reason::NameMissing(record.kind()))),
        false => Ok(()),
    }
}

fn identifier(names: &mut Names<'_, '_>, record: &Record<'_>) -> Result<(), Found> {
    needs_name(record)?;
    match names.is_identifier(record.name_off()) {
        true => Ok(()),
        false => Err(bad_name(record)),
    }
}

fn identifier_or_none(names: &mut Names<'_, '_>, record: &Record<'_>) -> Result<(), Found> {
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
