// SPDX-License-Identifier: GPL-2.0

//! BTF as older kernels take it, which know less of the format than those that rust_btfreloc runs on.
//!
//! Kinds are the decision's ([`rust_btfreloc::btf::Known`]). What else came later, by
//! `kernel/bpf/btf.c`: the layout part and the header of 32 bytes that names it, a vlen of more than
//! 16 bits, kind_flag in tags and in enums, a type tag after another modifier, and names of sections
//! that are no identifiers; `.BTF.base` is ignored by kernels that do not know it. The kernel's own BTF
//! shows the length of its header; of the others, one that has an example in it knows them, and one
//! with a header of 24 bytes and none is taken not to.

use std::borrow::Cow;

use rust_btfreloc::btf::{
    len_u32, read_u32, to_usize, write_header, Blob, Btf, Form, Kind, Record, Section, HEADER_LEN,
    HEADER_LEN_LAYOUT,
};
use rust_btfreloc::reloc::{Base, Input};
use rust_btfreloc::text::Name;

use crate::input::Kernel;
use crate::resolve_ids::{alone, split_on};

/// `BTF_MAX_VLEN` where it has 16 bits.
const SHORT_VLEN: u32 = 0xffff;
/// The first release that takes printable names of sections (`btf_name_valid_section`).
const PRINTABLE_SECTIONS: (u32, u32) = (6, 12);

/// The member of `struct module` that points to a loading module's `.BTF.base`.
const BASE_DATA: &[u8] = b"btf_base_data";

/// The first release in which a module without BTF may register what its ids name
/// (`check_btf_kconfigs`).
const IDS_WITHOUT_BTF: (u32, u32) = (6, 6);

/// What in BTF a kernel does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The header has 24 bytes, and no layout.
    short_header: bool,
    /// A vlen has 16 bits.
    short_vlen: bool,
    /// Tags have no kind_flag.
    plain_tags: bool,
    /// Nor have enums.
    plain_enums: bool,
    /// Type tags come before all other modifiers.
    tags_first: bool,
    /// Names of sections are identifiers.
    named_sections: bool,
    /// A module that registers ids fails to load without BTF.
    ids_need_btf: bool,
    /// `.BTF.base` is not read.
    ignores_base: bool,
}

impl Limits {
    /// Those of `kernel`.
    pub fn of(kernel: &Kernel) -> Self {
        let base = kernel.base();
        let known = base.known();
        let short = known.header_len < HEADER_LEN_LAYOUT;
        let is_before = |release| version(kernel).is_none_or(|of| of < release);
        let mut limits = Limits {
            short_header: short,
            short_vlen: short,
            plain_tags: short,
            plain_enums: known.kind_max < Kind::Enum64 as u32,
            tags_first: short,
            named_sections: short && is_before(PRINTABLE_SECTIONS),
            ids_need_btf: short && is_before(IDS_WITHOUT_BTF),
            ignores_base: ignores_base(&base),
        };
        if short {
            for (_, record) in base.btf().own_records() {
                limits.learn(base.btf(), &record);
            }
        }
        limits
    }

    /// What the kernel has itself it knows.
    fn learn(&mut self, btf: &Btf<'_>, record: &Record<'_>) {
        self.short_vlen &= !is_long(record);
        self.plain_tags &= !is_flagged_tag(record);
        self.tags_first &= !has_late_tag(btf, record);
    }

    /// `btf`, the `.BTF` of a module split off that kernel's, as the kernel takes it.
    ///
    /// # Errors
    ///
    /// What in it the kernel does not know, in words.
    pub fn apply<'b>(&self, kernel: &Kernel, btf: &'b [u8]) -> Result<Cow<'b, [u8]>, String> {
        if self.finds_nothing() {
            return Ok(btf.into());
        }
        let blob =
            Blob::parse(Section::Btf, Form::Split, btf).map_err(|error| error.to_string())?;
        let unknown = split_on(kernel.base().btf(), btf, |split| {
            Ok(self.first_unknown(split))
        });
        if let Some(what) = unknown.map_err(|error| error.to_string())? {
            return Err(what);
        }
        match self.short_header && blob.header_len() > HEADER_LEN {
            true => Ok(shortened(&blob).into()),
            false => Ok(btf.into()),
        }
    }

    /// What in a module's BTF, as it is, the kernel refuses, as it does not know it; in words.
    pub fn refuses(&self, kernel: &Kernel, input: &Input<'_>) -> Option<String> {
        if self.finds_nothing() {
            return None;
        }
        let btf_base = input.btf_base.filter(|_| !self.ignores_base);
        let sections = [
            Some((".BTF", input.btf)),
            btf_base.map(|base| (".BTF.base", base)),
        ];
        let mut sections = sections.into_iter().flatten();
        let longer = sections.find(|(_, bytes)| self.short_header && names_layout(bytes));
        if let Some((name, _)) = longer {
            return Some(format!(
                "{name} offset {HEADER_LEN}: the header names a layout, which this kernel does not know"
            ));
        }
        let find = |btf: &Btf<'_>| Ok(self.first_unknown(btf));
        let mut offsets = Vec::new();
        let found = match btf_base {
            Some(bytes) => {
                let base = alone(Section::BtfBase, bytes, &mut offsets).ok()?;
                split_on(&base, input.btf, find)
            }
            None => split_on(kernel.base().btf(), input.btf, find),
        };
        // What is damaged is refused for that.
        found.ok().flatten()
    }

    /// The first type that has something in it that the kernel does not know.
    fn first_unknown(&self, split: &Btf<'_>) -> Option<String> {
        split.own_records().find_map(|(id, record)| {
            let what = self.unknown(split, &record)?;
            let (kind, name) = (record.kind(), split.name(record.name_off()));
            let name = Name(name.unwrap_or_default());
            Some(format!("[{id}] {kind} {name}: {what}"))
        })
    }

    /// Whether a module may fail to load where its BTF is dropped, though it has ids to register.
    pub fn needs_btf_for_ids(&self) -> bool {
        self.ids_need_btf
    }

    /// Whether they are those of a kernel that is older than any on which rust_btfreloc runs.
    pub fn are_older(&self) -> bool {
        self.short_header
    }

    /// Whether the kernel takes BTF that was split off a distilled base for BTF that was split off its own.
    pub fn ignores_base(&self) -> bool {
        self.ignores_base
    }

    fn finds_nothing(&self) -> bool {
        let none = Limits {
            short_header: false,
            short_vlen: false,
            plain_tags: false,
            plain_enums: false,
            tags_first: false,
            named_sections: false,
            ..*self
        };
        *self == none
    }

    /// What in a type the kernel does not know.
    fn unknown(&self, btf: &Btf<'_>, record: &Record<'_>) -> Option<&'static str> {
        let is_enum = matches!(record.kind(), Kind::Enum | Kind::Enum64);
        if self.short_vlen && is_long(record) {
            Some("more than 65535 elements, which this kernel cannot count")
        } else if self.plain_tags && is_flagged_tag(record) {
            Some("an attribute (kind_flag), which this kernel does not know")
        } else if self.plain_enums && is_enum && record.kflag() {
            Some("signed values (kind_flag), which this kernel does not know")
        } else if self.tags_first && has_late_tag(btf, record) {
            Some("a type tag after another modifier, which this kernel does not allow")
        } else if self.named_sections && !is_identifier(btf, record) {
            Some("a name that is no identifier, which this kernel does not allow")
        } else {
            None
        }
    }
}

/// Whether `struct module` has no place for `.BTF.base`; of a kernel that shows none, nothing is known.
fn ignores_base(base: &Base<'_>) -> bool {
    let mut modules = base.named(b"module");
    let module = modules.find(|(_, record)| record.kind() == Kind::Struct);
    module.is_some_and(|(_, module)| {
        let blob = base.btf().blob();
        let mut members = module.members();
        !members.any(|member| blob.string_is(member.name_off, BASE_DATA))
    })
}

fn is_long(record: &Record<'_>) -> bool {
    record.vlen() > SHORT_VLEN
}

fn is_flagged_tag(record: &Record<'_>) -> bool {
    matches!(record.kind(), Kind::DeclTag | Kind::TypeTag) && record.kflag()
}

/// Whether the next of a chain of modifiers is a type tag, and this one is none
/// (`btf_check_type_tags`).
fn has_late_tag(btf: &Btf<'_>, record: &Record<'_>) -> bool {
    let is_other = record.kind().is_modifier() && record.kind() != Kind::TypeTag;
    let is_tag = |next: Record<'_>| next.kind() == Kind::TypeTag;
    is_other && btf.record(record.type_id()).is_some_and(is_tag)
}

/// Whether it is no section, or has the name of one that is an identifier.
fn is_identifier(btf: &Btf<'_>, record: &Record<'_>) -> bool {
    let name = btf.name(record.name_off()).unwrap_or_default();
    let may_be = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.".contains(byte);
    record.kind() != Kind::Datasec
        || name.iter().all(may_be) && !name.first().is_some_and(u8::is_ascii_digit)
}

/// Whether a header has a field after those of 24 bytes that is not 0 (`btf_parse_hdr`).
fn names_layout(bytes: &[u8]) -> bool {
    let len = read_u32(bytes, 4).map_or(0, to_usize);
    let more = bytes.get(to_usize(HEADER_LEN)..len);
    more.is_some_and(|more| more.iter().any(|byte| *byte != 0))
}

/// The same with a header of 24 bytes, types and strings.
fn shortened(blob: &Blob<'_>) -> Vec<u8> {
    let lengths = [blob.types(), blob.strings()].map(|part| len_u32(part).unwrap_or(u32::MAX));
    let mut header = vec![0; HEADER_LEN as usize];
    // It has room for what it names without a layout.
    let written = write_header(&mut header, lengths[0], 0, lengths[1]);
    debug_assert!(written.is_some());
    [&header, blob.types(), blob.strings()].concat()
}

/// The first two numbers of the kernel's release.
fn version(kernel: &Kernel) -> Option<(u32, u32)> {
    let mut numbers = kernel
        .release()?
        .split(|c: char| !c.is_ascii_digit())
        .map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}
