// SPDX-License-Identifier: GPL-2.0

//! The BTF sections of a file, and of which kind they are.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use rust_btfreloc::btf::{self, walk_any, Blob, Error, Form, Layout, Table};
use rust_btfreloc::reloc::standalone::recognise;
use serde::Serialize;

use super::{FuncTable, Ids};
use crate::input::{Content, Image, Kernel};
use crate::plain::contradiction;

/// A file, and the BTF in it.
#[derive(Debug, Serialize)]
pub struct File {
    /// The file.
    pub file: String,
    /// ELF or raw BTF.
    pub content: Content,
    /// How it was wrapped, from the outside in.
    pub wrapping: Vec<&'static str>,
    /// Bytes of it when unpacked.
    pub size: usize,
    /// The kind of its BTF.
    pub sort: FileKind,
    /// What in plain split BTF contradicts the kernel it was held against.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale: Option<String>,
    /// Its BTF sections, those that are not there left out.
    pub sections: Vec<SectionReport>,
    /// Its `.BTF_ids`.
    pub ids: Option<Ids>,
    /// Its `.BTF.funcs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub funcs: Option<FuncTable>,
}

/// What BTF is split off, if anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// There is none.
    None,
    /// Off nothing.
    Standalone,
    /// Off a distilled base that comes with it.
    Distilled,
    /// Off the vmlinux that it was built for.
    PlainSplit,
    /// Off nothing, as it has no types: what kbuild makes of a module in which pahole finds none.
    Empty,
}

/// A BTF section.
#[derive(Debug, Serialize)]
pub struct SectionReport {
    /// Its name; that of raw BTF is empty.
    pub name: &'static str,
    /// Its size in bytes.
    pub size: usize,
    /// What is in it.
    #[serde(flatten)]
    pub content: Parsed,
}

/// What is in a section.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Parsed {
    /// Its parts.
    Parts(Parts),
    /// What is wrong with it.
    Malformed(String),
}

/// The parts of a section; sizes in bytes.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct Parts {
    pub header: u32,
    pub types: usize,
    pub strings: usize,
    pub layout: usize,
    pub layout_kinds: usize,
    pub count: u32,
    pub kinds: BTreeMap<String, u32>,
}

impl File {
    /// Looks at a file, and holds plain split BTF against `kernel`.
    ///
    /// # Errors
    ///
    /// Its symbols, which identify what is in `.BTF_ids`, are damaged.
    pub fn of(image: &Image, kernel: Option<&Kernel>) -> Result<Self> {
        let elf = image.elf().context(image.label.clone())?;
        let data = |name: &[u8]| elf.and_then(|elf| elf.data(&elf.section(name)?));
        let (btf, btf_base) = match image.content {
            Content::RawBtf => (Some(&*image.bytes), None),
            Content::Elf => (data(b".BTF"), data(b".BTF.base")),
        };
        // As the kernel does it, an empty section is taken for none.
        let btf = btf.filter(|btf| !btf.is_empty());
        let inline = data(b".BTF.inline").filter(|inline| !inline.is_empty());
        let sort = FileKind::of(btf, btf_base);
        let own = match (image.content, sort) {
            (Content::RawBtf, _) => "",
            _ => ".BTF",
        };
        let form = match sort {
            FileKind::Standalone => Form::Base,
            _ => Form::Split,
        };
        let sections = [
            btf.map(|bytes| SectionReport::of(own, btf::Section::Btf, form, bytes)),
            btf_base.map(|bytes| {
                SectionReport::of(".BTF.base", btf::Section::BtfBase, Form::Base, bytes)
            }),
            inline.map(|bytes| {
                SectionReport::of(".BTF.inline", btf::Section::BtfInline, Form::Split, bytes)
            }),
        ];
        Ok(File {
            file: image.label.clone(),
            content: image.content,
            wrapping: image.wrapping.clone(),
            size: image.bytes.len(),
            sort,
            stale: match (sort, btf, kernel) {
                // What cannot be surveyed is shown as malformed.
                (FileKind::PlainSplit, Some(btf), Some(kernel)) => {
                    contradiction(&kernel.base(), btf).ok().flatten()
                }
                _ => None,
            },
            sections: sections.into_iter().flatten().collect(),
            ids: elf.as_ref().and_then(Ids::of),
            funcs: elf.and_then(|elf| FuncTable::of(&image.bytes, &elf)),
        })
    }

    /// Whether nothing in it is damaged or stale.
    pub fn is_sound(&self) -> bool {
        let mut sections = self.sections.iter();
        let ids = self.ids.as_ref().and_then(|ids| ids.malformed.as_ref());
        let funcs = self.funcs.as_ref();
        let funcs = funcs.and_then(|funcs| funcs.malformed.as_ref());
        !sections.any(|section| matches!(section.content, Parsed::Malformed(_)))
            && ids.or(funcs).is_none()
            && self.stale.is_none()
    }
}

impl FileKind {
    /// The kind of `btf`, which comes with `btf_base`.
    pub fn of(btf: Option<&[u8]>, btf_base: Option<&[u8]>) -> Self {
        match (btf, btf_base) {
            (None, _) => FileKind::None,
            (Some(_), Some(_)) => FileKind::Distilled,
            (Some(btf), None) if has_no_types(btf) => FileKind::Empty,
            (Some(btf), None) if recognise(btf).is_ok() => FileKind::Standalone,
            (Some(_), None) => FileKind::PlainSplit,
        }
    }
}

fn has_no_types(btf: &[u8]) -> bool {
    let blob = Blob::parse(btf::Section::Btf, Form::Split, btf);
    blob.is_ok_and(|blob| blob.types().is_empty())
}

impl SectionReport {
    fn of(name: &'static str, section: btf::Section, form: Form, bytes: &[u8]) -> Self {
        let content = match Parts::of(section, form, bytes) {
            Ok(parts) => Parsed::Parts(parts),
            Err(error) => Parsed::Malformed(error.to_string()),
        };
        SectionReport {
            name,
            size: bytes.len(),
            content,
        }
    }
}

impl Parts {
    fn of(section: btf::Section, form: Form, bytes: &[u8]) -> Result<Self, Error> {
        let blob = Blob::parse(section, form, bytes)?;
        let layout = Layout::of(&blob)?;
        let mut kinds = BTreeMap::new();
        // Only its base says what the ids of split BTF start with.
        let count = match &layout {
            None => Table::walk(&blob, 1, |_, record| {
                *kinds.entry(record.kind().to_string()).or_insert(0) += 1;
                Ok(())
            })?,
            Some(_) => walk_any(&blob, layout.as_ref(), |_, any| {
                let known = any.record.map(|record| record.kind().to_string());
                let kind = known.unwrap_or_else(|| format!("kind {}", any.kind));
                *kinds.entry(kind).or_insert(0) += 1;
                Ok(())
            })?,
        };
        Ok(Parts {
            header: blob.header_len(),
            types: blob.types().len(),
            strings: blob.strings().len(),
            layout: blob.layout().len(),
            layout_kinds: layout.map_or(0, |layout| layout.kinds().count()),
            count,
            kinds,
        })
    }
}
