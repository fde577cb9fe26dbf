// SPDX-License-Identifier: GPL-2.0

//! The output that is one file: what is kept of vmlinux and of all modules, side by side.
//!
//! A reader of it finds candidates for a name in all modules at once. Where they differ, the file can be of
//! use for one of the modules only.

use std::collections::HashSet;

use anyhow::{Error, Result};

use super::asked::{Asked, Differ, Shown, Tried};
use super::candidates::Key;
use super::matching::Answer;
use super::relocation::{About, RelocationKind};
use super::resolved::{Question, Resolved};
use super::split::All;
use super::write::{Ids, Writer};

/// The one file, and for each module, by its place, the new ids of its types and of vmlinux's.
pub struct Merged {
    /// The file.
    pub bytes: Vec<u8>,
    /// Of vmlinux.
    pub base: Ids,
    /// Of modules.
    pub modules: Vec<Ids>,
    /// For each relocation the place of the module whose type it finds, and what it becomes.
    pub expected: Vec<Option<(Option<usize>, u32, Answer)>>,
}

/// What a relocation finds where it may look at all modules.
struct Choice {
    /// The module, what was found in it, and what that is.
    found: Option<(Option<usize>, u32, Answer)>,
    /// Only the preferred module's candidate may be there.
    only_preferred: bool,
}

/// Writes all of it as one.
///
/// # Errors
///
/// It is ambiguous, one finding for each relocation that is, or is too long for BTF.
pub fn merged(resolved: &Resolved<'_>, prefer: Option<&str>) -> Result<Merged, Vec<Error>> {
    let preferred = match prefer {
        None => None,
        Some(name) => {
            let place = resolved
                .targets
                .iter()
                .position(|target| target.name == name.replace('-', "_"));
            let none = || {
                vec![Error::msg(format!(
                    "--prefer {name}: no relocation finds anything in that module"
                ))]
            };
            Some(place.ok_or_else(none)?)
        }
    };
    let chosen = resolved
        .questions
        .iter()
        .map(|question| choose(resolved, question, preferred));
    let (mut choices, mut wrong) = (Vec::new(), Vec::new());
    for choice in chosen {
        match choice {
            Ok(choice) => choices.push(choice),
            Err(error) => wrong.push(error),
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let only = only_preferred(resolved, &choices);
    for (question, choice) in resolved.questions.iter().zip(&choices) {
        let of = choice.found.and_then(|(place, ..)| place);
        let key = question
            .asked
            .key
            .as_ref()
            .filter(|key| only.contains(*key));
        if let (Some(_), Some(of), Some(preferred)) = (key, of, preferred) {
            let has = |(place, tried): &&(usize, Vec<Tried>)| {
                *place == preferred && tried.iter().any(|(_, found)| found.is_some())
            };
            if of != preferred && !question.modules.iter().any(|tried| has(&tried)) {
                wrong.push(elsewhere(resolved, &question.asked, of, preferred));
            }
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    write(resolved, choices, &only, preferred).map_err(|error| vec![error])
}

/// The keys of which the preferred module's types alone may be there.
fn only_preferred(resolved: &Resolved<'_>, choices: &[Choice]) -> HashSet<Key> {
    let questions = resolved.questions.iter().zip(choices);
    let only = questions.filter(|(_, choice)| choice.only_preferred);
    only.filter_map(|(question, _)| question.asked.key.clone())
        .collect()
}

fn choose(
    resolved: &Resolved<'_>,
    question: &Question<'_>,
    preferred: Option<usize>,
) -> Result<Choice> {
    let asked = &question.asked;
    // Each BTF was found to agree with itself.
    let in_base = asked.answer(&question.base).ok().flatten();
    if !question.base.is_empty() {
        return Ok(Choice {
            found: in_base.map(|(id, answer)| (None, id, answer)),
            only_preferred: false,
        });
    }
    let answers = question.modules.iter().filter_map(|(place, tried)| {
        let (id, answer) = asked.answer(tried).ok().flatten()?;
        Some((*place, id, answer))
    });
    let answers: Vec<_> = answers.collect();
    let Some(first) = answers.first() else {
        return Ok(Choice {
            found: None,
            only_preferred: false,
        });
    };
    let differs = |answer: &&(usize, u32, Answer)| {
        // The id of a type is another in each module.
        answer.2 != first.2
            || asked.spec.kind == RelocationKind::TypeIdTarget && answer.0 != first.0
    };
    let other = answers.iter().find(differs);
    let wanted = answers.iter().find(|(place, ..)| Some(*place) == preferred);
    match (other, wanted) {
        (None, _) => Ok(Choice {
            found: Some((Some(first.0), first.1, first.2)),
            only_preferred: false,
        }),
        (Some(_), Some((place, id, answer))) => Ok(Choice {
            found: Some((Some(*place), *id, *answer)),
            only_preferred: asked.spec.kind.about() == About::Type,
        }),
        (Some(other), None) => Err(ambiguous(resolved, asked, first, other)),
    }
}

fn name<'r>(resolved: &'r Resolved<'_>, place: usize) -> &'r str {
    resolved
        .targets
        .get(place)
        .map_or("vmlinux", |target| &target.name)
}

fn ambiguous(
    resolved: &Resolved<'_>,
    asked: &Asked<'_>,
    a: &(usize, u32, Answer),
    b: &(usize, u32, Answer),
) -> Error {
    let (first, second) = (name(resolved, a.0), name(resolved, b.0));
    let Differ(x, y) = Differ((a.1, a.2), (b.1, b.2));
    Error::msg(format!(
        "{asked}: ambiguous in one file: {} in {first}, {} in {second}: choose one with --prefer, or write a file for each \
         module with --output",
        Shown(x.1),
        Shown(y.1)
    ))
}

fn elsewhere(resolved: &Resolved<'_>, asked: &Asked<'_>, of: usize, preferred: usize) -> Error {
    let (of, preferred) = (name(resolved, of), name(resolved, preferred));
    Error::msg(format!(
        "{asked}: found in {of} and not in {preferred}, and another relocation leaves room for {preferred} alone: \
         write a file for each module with --output"
    ))
}

fn write(
    resolved: &Resolved<'_>,
    choices: Vec<Choice>,
    only: &HashSet<Key>,
    preferred: Option<usize>,
) -> Result<Merged> {
    let all = kept(resolved, &choices, only, preferred);
    let mut writer = Writer::base();
    let mut base = Ids::new();
    writer.add(&resolved.base, &all.base, &mut base, |_, _| true)?;
    let mut modules = Vec::new();
    for (target, kept) in resolved.targets.iter().zip(&all.modules) {
        let btf = target.btf(&resolved.base);
        let mut ids = base.clone();
        // What is only embedded somewhere must not be a candidate: nothing asks for its name.
        writer.add(&btf, kept, &mut ids, |record, need| {
            let key = Key::of(&btf, record);
            need.is_candidate
                || !record.kind().is_composite()
                || key.is_some_and(|key| !resolved.keys.contains(&key))
        })?;
        modules.push(ids);
    }
    Ok(Merged {
        bytes: writer.bytes()?,
        base,
        modules,
        expected: choices.into_iter().map(|choice| choice.found).collect(),
    })
}

fn kept(
    resolved: &Resolved<'_>,
    choices: &[Choice],
    only: &HashSet<Key>,
    preferred: Option<usize>,
) -> All {
    let base = &resolved.base;
    let mut all = All::none(resolved.targets.len());
    for (question, choice) in resolved.questions.iter().zip(choices) {
        let kind = question.asked.spec.kind;
        for (id, found) in &question.base {
            all.of_base(base, |keep| keep.candidate(kind, *id, found.as_ref()));
        }
        let is_only = question
            .asked
            .key
            .as_ref()
            .is_some_and(|key| only.contains(key));
        for (place, tried) in &question.modules {
            let Some(target) = resolved.targets.get(*place) else {
                continue;
            };
            let is_preferred = preferred == Some(*place);
            if is_only && !is_preferred {
                continue;
            }
            for (id, found) in tried {
                // Of a module that is not meant, the candidate stays without what differs.
                let meant = |found: &&super::matching::Found| {
                    choice
                        .found
                        .is_some_and(|(_, _, answer)| answer == found.answer)
                };
                let found = found.as_ref().filter(meant);
                all.of_module(base, *place, &target.btf(base), |keep| {
                    keep.candidate(kind, *id, found)
                });
            }
        }
    }
    all
}
