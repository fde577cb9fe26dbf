// SPDX-License-Identifier: GPL-2.0

//! Why a distilled type became what it did: each type of its name in vmlinux, and how it stands.

use std::fmt::{self, Display, Formatter};

use rust_btfreloc::btf::{Blob, Form, Kind, Record, Section};
use rust_btfreloc::reloc::{allows_kind, Base, DistilledType, Fate, Why};
use serde::Serialize;

/// A type of vmlinux that has the name of a distilled type.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// Its id.
    pub id: u32,
    /// Its kind.
    pub kind: String,
    /// Its size in bytes; 0 for a forward declaration.
    pub size: u32,
    /// Whether it was taken, or why not.
    pub standing: Standing,
}

/// How a candidate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It is what the type becomes.
    Taken,
    /// It is of a kind that the type may not become.
    OtherKind,
    /// It is of another size, and the size counts.
    OtherSize,
    /// It is an integer of another encoding.
    OtherEncoding,
    /// It fits, and so do others that differ from it in layout.
    Differs,
    /// It fits as well as the one that was taken.
    NotNeeded,
}

/// The candidates for the distilled type of `entry`, which `record` is.
pub fn candidates(
    base: &Base<'_>,
    record: &Record<'_>,
    entry: &DistilledType<'_>,
) -> Vec<Candidate> {
    let named = base.named(entry.name);
    let candidate = |(id, candidate): (u32, Record<'_>)| Candidate {
        id,
        kind: candidate.kind().to_string(),
        size: candidate.size(),
        standing: standing(record, entry.fate, id, &candidate),
    };
    named.map(candidate).collect()
}

fn standing(record: &Record<'_>, fate: Fate, id: u32, candidate: &Record<'_>) -> Standing {
    if fate == Fate::Mapped(id) {
        return Standing::Taken;
    }
    if !allows_kind(record, candidate) {
        return Standing::OtherKind;
    }
    // The size of what is only declared is not known.
    if record.kind() != Kind::Fwd {
        if candidate.size() != record.size() {
            return Standing::OtherSize;
        }
        if record.kind() == Kind::Int && record.int_encoding() != candidate.int_encoding() {
            return Standing::OtherEncoding;
        }
    }
    match fate {
        Fate::Opaque(Why::Ambiguous(_)) => Standing::Differs,
        _ => Standing::NotNeeded,
    }
}

/// The types of the distilled base `btf_base`, which was read before, in the order of their ids.
pub fn distilled(btf_base: &[u8]) -> impl Iterator<Item = Record<'_>> {
    let blob = Blob::parse(Section::BtfBase, Form::Base, btf_base);
    blob.into_iter().flat_map(|blob| blob.records())
}

impl Display for Standing {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Standing::Taken => "taken",
            Standing::OtherKind => "another kind",
            Standing::OtherSize => "another size",
            Standing::OtherEncoding => "another encoding",
            Standing::Differs => "fits, but others that differ in layout fit too",
            Standing::NotNeeded => "fits, but another serves",
        })
    }
}

impl Display for Candidate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Candidate {
            id,
            kind,
            size,
            standing,
        } = self;
        write!(f, "vmlinux [{id}] {kind} size {size}: {standing}")
    }
}
