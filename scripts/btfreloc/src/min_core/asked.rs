// SPDX-License-Identifier: GPL-2.0

//! What each relocation of each program finds in vmlinux, or where that has no candidate, in modules.

use std::collections::HashSet;
use std::fmt::{self, Display, Formatter};

use anyhow::{Context, Error, Result};
use rust_btfreloc::btf::Btf;

use super::candidates::{Candidates, Key};
use super::matching::{self, Answer, Found};
use super::object::Object;
use super::relocation::{Relocation, RelocationKind};
use super::spec::Spec;

/// A relocation, understood.
pub struct Asked<'o> {
    /// The program.
    pub object: &'o Object,
    /// The relocation as it is there.
    pub relocation: &'o Relocation,
    /// What it asks for.
    pub spec: Spec,
    /// What candidates have; `None` where there can be none.
    pub key: Option<Key>,
}

/// A candidate, and what was found in it.
pub type Tried = (u32, Option<Found>);

/// Two candidates in which different things were found, and what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Differ(pub (u32, Answer), pub (u32, Answer));

impl Display for Asked<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Relocation {
            section,
            instruction,
            access,
            kind,
            ..
        } = self.relocation;
        let name = match &self.key {
            Some(key) => String::from_utf8_lossy(&key.name).into_owned(),
            None => format!("type [{}]", self.spec.type_id),
        };
        let label = self.object.label();
        write!(
            f,
            "{label}: {section} offset {instruction}: {} of {name} {access}",
            kind.name()
        )
    }
}

impl<'o> Asked<'o> {
    /// All relocations of `object` that look for something.
    ///
    /// # Errors
    ///
    /// One does not fit the program's own types.
    pub fn all(object: &'o Object) -> Result<Vec<Self>> {
        let btf = object.btf();
        let relocations = object.relocations().iter();
        let relocations =
            relocations.filter(|relocation| relocation.kind != RelocationKind::TypeIdLocal);
        let asked = relocations.map(|relocation| {
            let record = btf.record(relocation.type_id);
            let asked = |spec| Asked {
                object,
                relocation,
                spec,
                key: record.and_then(|record| Key::of(&btf, &record)),
            };
            Spec::of(&btf, relocation).map(asked).with_context(|| {
                let (label, section) = (object.label(), &relocation.section);
                format!("{label}: {section} offset {}", relocation.instruction)
            })
        });
        asked.collect()
    }

    /// The candidates of `target` among `candidates`, and what is found in them.
    ///
    /// # Errors
    ///
    /// What libbpf refuses to load a program for.
    pub fn try_all(&self, target: &Btf<'_>, candidates: &Candidates) -> Result<Vec<Tried>> {
        let ids = self.key.as_ref().and_then(|key| candidates.get(key));
        let btf = self.object.btf();
        let tried = ids.into_iter().flatten().map(|id| {
            let found = matching::find(&btf, &self.spec, target, *id);
            found
                .map(|found| (*id, found))
                .with_context(|| format!("{self}: type [{id}]"))
        });
        tried.collect()
    }

    /// What the relocation becomes with these candidates, and the first of them that has it.
    ///
    /// # Errors
    ///
    /// They differ.
    pub fn answer<'t>(
        &self,
        tried: impl IntoIterator<Item = &'t Tried>,
    ) -> Result<Option<(u32, Answer)>, Differ> {
        let mut first: Option<(u32, Answer)> = None;
        let found = tried.into_iter();
        for (id, answer) in found.filter_map(|(id, found)| Some((*id, found.as_ref()?.answer))) {
            match first {
                None => first = Some((id, answer)),
                Some((_, before)) if before == answer => {}
                Some(before) => return Err(Differ(before, (id, answer))),
            }
        }
        Ok(first)
    }

    /// The error that two types of one BTF, `of`, make it ambiguous.
    pub fn ambiguous(&self, of: &str, Differ(a, b): Differ) -> Error {
        Error::msg(format!(
            "{self}: ambiguous in {of}: {} in type [{}], {} in [{}]",
            Shown(a.1),
            a.0,
            Shown(b.1),
            b.0
        ))
    }
}

/// What a relocation becomes, in words.
pub struct Shown(pub Answer);

impl Display for Shown {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.value {
            Some(value) => write!(f, "{value}"),
            None => f.write_str("nothing"),
        }
    }
}

/// The keys of all of them.
pub fn keys(asked: &[Asked<'_>]) -> HashSet<Key> {
    asked.iter().filter_map(|asked| asked.key.clone()).collect()
}
