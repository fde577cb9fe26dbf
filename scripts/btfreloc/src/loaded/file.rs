// SPDX-License-Identifier: GPL-2.0

//! What is in the file of a module, and what would become of it if it were loaded now.

use std::path::{Path, PathBuf};

use rust_btfreloc::reloc::{CauseKind, Policy};

use super::in_place::{InPlace, Needs};
use super::machine::Machine;
use crate::check::{self, answer, Answer, Detail, KernelAlone, Outcome};
use crate::input::{regular, Module};

/// The module that a file is of, as it is on this machine.
pub(super) struct OfModule<'a> {
    pub(super) machine: &'a Machine<'a>,
    pub(super) name: &'a str,
    /// The BTF that the kernel has registered, where that can be read.
    pub(super) registered: Option<&'a [u8]>,
}

/// A module's file, judged.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    /// Why it cannot be judged.
    pub(super) unread: Option<String>,
    pub(super) has_btf: bool,
    /// With rust_btfreloc, where it can be loaded, the BTF would be valid and complete.
    pub(super) clean: bool,
    /// The kernel takes its BTF and makes other types of it.
    pub(super) misread: bool,
    /// It is what was loaded.
    pub(super) loaded_from: Option<bool>,
    /// It was changed since: it is of the same build, and has other BTF than what was loaded.
    pub(super) is_changed: bool,
    /// The kernel takes it as it is, and rust_btfreloc leaves it alone.
    pub(super) fits: bool,
    /// The kernel alone takes it for what it is, or it has no BTF.
    pub(super) accepted: bool,
    /// What the kernel alone would do.
    pub(super) reason: Option<String>,
    /// What rust_btfreloc would do, in the words of its log.
    pub(super) would: Option<String>,
    /// The policy forbids what rust_btfreloc would do.
    pub(super) is_strict: bool,
    /// How the file gets valid BTF, where rust_btfreloc cannot be loaded.
    pub(super) in_place: Option<InPlace>,
}

impl Found {
    /// Judges the file `path` of a module on `target` by this `policy`; where rust_btfreloc cannot be
    /// loaded, with what changing the file `needs`.
    pub(super) fn read(
        of: &OfModule<'_>,
        path: &Path,
        target: &check::Target<'_>,
        policy: Policy,
        needs: Option<&Needs<'_>>,
    ) -> Self {
        match judged(of, path, target, policy, needs) {
            Ok(found) => found,
            Err(error) => Found {
                unread: Some(format!("{error:#}")),
                ..Found::of(path)
            },
        }
    }

    fn of(path: &Path) -> Self {
        Found {
            path: path.to_owned(),
            unread: None,
            has_btf: false,
            clean: false,
            misread: false,
            loaded_from: None,
            is_changed: false,
            fits: false,
            accepted: false,
            reason: None,
            would: None,
            is_strict: false,
            in_place: None,
        }
    }
}

fn judged(
    of: &OfModule<'_>,
    path: &Path,
    target: &check::Target<'_>,
    policy: Policy,
    needs: Option<&Needs<'_>>,
) -> anyhow::Result<Found> {
    regular(path)?;
    let module = Module::read(path)?;
    let sections = module.sections()?;
    let loaded_from = sections.elf.as_ref();
    let loaded_from = loaded_from.and_then(|elf| of.machine.is_loaded_from(of.name, elf));
    let row = check::Row::new(&module, &sections, target, policy, Detail::Opaque);
    let alone = row.kernel_alone.as_ref();
    let alone = alone.filter(|_| row.outcome != Outcome::LeftAlone);
    let accepts = |unknown| alone.map_or(unknown, |alone| alone.answer == Answer::Accepts);
    let clean = match needs {
        None => row.outcome.is_clean(false),
        Some(_) => accepts(true),
    };
    let in_place = match needs.filter(|_| !clean) {
        // Where it cannot be changed, no command is of use.
        Some(needs) => needs.command(path, &sections).unwrap_or(None),
        None => None,
    };
    let fits = row.outcome == Outcome::LeftAlone;
    // A file that is changed in place keeps the id of its build.
    let registered = of.registered.filter(|_| fits && loaded_from != Some(false));
    let is_changed = match (&sections.btf, registered) {
        (Some(own), Some(registered)) => own.btf_base.is_none() && own.btf != registered,
        _ => false,
    };
    let is_strict = policy == Policy::Strict && row.cause == Some(CauseKind::Unmatched);
    let would = row.log.as_deref().and_then(|log| log.strip_prefix("BTF "));
    Ok(Found {
        has_btf: row.outcome != Outcome::NoBtf,
        clean,
        misread: alone.is_some_and(|alone| alone.answer == Answer::Misreads),
        loaded_from: match is_changed {
            true => Some(false),
            false => loaded_from,
        },
        is_changed,
        fits,
        accepted: accepts(matches!(row.outcome, Outcome::LeftAlone | Outcome::NoBtf)),
        reason: alone.map(reason),
        would: would.map(str::to_owned),
        is_strict,
        in_place,
        ..Found::of(path)
    })
}

/// What the kernel alone makes of it, in words.
fn reason(alone: &KernelAlone) -> String {
    let answer = answer(alone);
    match &alone.reason {
        Some(reason) => format!("the kernel alone {answer}: {reason}"),
        None => format!("the kernel alone {answer}"),
    }
}
