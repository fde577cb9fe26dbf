// SPDX-License-Identifier: GPL-2.0

//! All relocations with all that was found for them in vmlinux and in modules.

use std::collections::HashSet;

use anyhow::Result;
use rust_btfreloc::btf::Btf;

use super::asked::{Asked, Tried};
use super::candidates::{find, Candidates, Key};
use super::object::Object;
use super::targets::{self, Target};
use crate::cli;
use crate::input::Kernel;

/// All that is asked, and where the answers are.
pub struct Resolved<'a> {
    /// vmlinux.
    pub base: Btf<'a>,
    /// The modules that have a candidate.
    pub targets: Vec<Target>,
    /// The relocations, each with its answers.
    pub questions: Vec<Question<'a>>,
    /// The keys that are asked for.
    pub keys: HashSet<Key>,
}

/// A relocation, and the candidates for it.
pub struct Question<'a> {
    /// The relocation.
    pub asked: Asked<'a>,
    /// Those in vmlinux.
    pub base: Vec<Tried>,
    /// Those in modules, by the module's place; empty where vmlinux has one.
    pub modules: Vec<(usize, Vec<Tried>)>,
}

impl Question<'_> {
    /// Whether no BTF that was named has a candidate.
    pub fn finds_nothing(&self) -> bool {
        self.base.is_empty() && self.modules.is_empty()
    }
}

/// Finds for each relocation of `objects` what it becomes.
///
/// # Errors
///
/// A module cannot be read. What libbpf would refuse is in the second list.
pub fn resolve<'a>(
    args: &cli::MinCore,
    kernel: &'a Kernel,
    objects: &'a [Object],
) -> Result<(Resolved<'a>, Vec<anyhow::Error>)> {
    let mut wrong = Vec::new();
    let mut all = Vec::new();
    for object in objects {
        match Asked::all(object) {
            Ok(asked) => all.extend(asked),
            Err(error) => wrong.push(error),
        }
    }
    let keys = super::asked::keys(&all);
    let base = *kernel.base().btf();
    let in_base = find(&base, &keys);
    // Modules are looked at for what vmlinux has no candidate for.
    let missing = keys.iter().filter(|key| !in_base.contains_key(*key));
    let missing: HashSet<_> = missing.cloned().collect();
    let paths: Vec<_> = args.modules.iter().chain(&args.module).cloned().collect();
    let targets = match missing.is_empty() {
        true => Vec::new(),
        false => targets::read(&paths, kernel, &missing)?,
    };
    let views: Vec<_> = targets.iter().map(|target| target.btf(&base)).collect();
    let mut questions = Vec::new();
    for asked in all {
        match question(asked, &base, &in_base, &targets, &views) {
            Ok(question) => questions.push(question),
            Err(error) => wrong.push(error),
        }
    }
    drop(views);
    let resolved = Resolved {
        base,
        targets,
        questions,
        keys,
    };
    Ok((resolved, wrong))
}

fn question<'a>(
    asked: Asked<'a>,
    base: &Btf<'_>,
    in_base: &Candidates,
    targets: &[Target],
    views: &[Btf<'_>],
) -> Result<Question<'a>> {
    let in_vmlinux = asked.try_all(base, in_base)?;
    asked
        .answer(&in_vmlinux)
        .map_err(|differ| asked.ambiguous("vmlinux", differ))?;
    let mut modules = Vec::new();
    if in_vmlinux.is_empty() {
        for (place, (target, view)) in targets.iter().zip(views).enumerate() {
            let tried = asked.try_all(view, &target.candidates)?;
            asked
                .answer(&tried)
                .map_err(|differ| asked.ambiguous(&target.name, differ))?;
            if !tried.is_empty() {
                modules.push((place, tried));
            }
        }
    }
    Ok(Question {
        asked,
        base: in_vmlinux,
        modules,
    })
}
