// SPDX-License-Identifier: GPL-2.0

//! Before anything is written, every relocation is computed again with the result: it has to become
//! what it became with all of the BTF.

use anyhow::{ensure, Context, Result};
use rust_btfreloc::btf::{verify, Bits, Btf, Known};

use super::asked::Asked;
use super::candidates::{find, Candidates};
use super::matching::Answer;
use super::merged::Merged;
use super::owned::{damaged, OwnedBtf};
use super::relocation::RelocationKind;
use super::resolved::Resolved;
use super::split::Files;
use super::write::Ids;

/// Reads `bytes` that were written, with the kernel's eyes, and calls `visit` with them.
fn read<T>(
    bytes: &[u8],
    base: Option<&Btf<'_>>,
    visit: impl FnOnce(&Btf<'_>) -> Result<T>,
) -> Result<T> {
    let owned = OwnedBtf::read(bytes.to_vec(), base)?;
    let btf = owned.btf(base);
    let mut identifiers = vec![0; Bits::needs(btf.blob().strings_len())];
    let mut identifiers = Bits::new(&mut identifiers);
    verify::kernel_verdict(&btf, &Known::LINUX_7_3, &mut identifiers).map_err(damaged)?;
    verify::references(&btf).map_err(damaged)?;
    visit(&btf)
}

/// That `asked` becomes the same in `btf`, with the same type by its new id.
fn same(
    asked: &Asked<'_>,
    btf: &Btf<'_>,
    there: &Candidates,
    before: Option<(u32, Answer)>,
    ids: &Ids,
) -> Result<()> {
    let tried = asked.try_all(btf, there)?;
    let after = asked
        .answer(&tried)
        .map_err(|differ| asked.ambiguous("the result", differ))?;
    let nothing = Answer::nothing(asked.spec.kind);
    let [mut before_answer, after_answer] =
        [before, after].map(|found| found.map_or(nothing, |(_, answer)| answer));
    if let (RelocationKind::TypeIdTarget, Some((id, _))) = (asked.spec.kind, before) {
        before_answer.value = ids.get(&id).map(|id| u64::from(*id));
    }
    ensure!(
        before_answer == after_answer && before.is_some() == after.is_some(),
        "{asked}: would become something else with the result: please report this"
    );
    Ok(())
}

/// Proves the files of a folder.
///
/// # Errors
///
/// A relocation becomes something else, or the kernel would refuse the BTF.
pub fn files(resolved: &Resolved<'_>, files: &Files) -> Result<()> {
    read(&files.base.0, None, |base| {
        let in_base = find(base, &resolved.keys);
        for question in &resolved.questions {
            let asked = &question.asked;
            let before = asked.answer(&question.base).ok().flatten();
            let has = asked
                .key
                .as_ref()
                .is_some_and(|key| in_base.contains_key(key));
            ensure!(
                has != question.base.is_empty(),
                "{asked}: would be looked for elsewhere with the result: please report this"
            );
            same(asked, base, &in_base, before, &files.base.1)?;
        }
        for (place, bytes, ids) in &files.modules {
            read(bytes, Some(base), |module| {
                let there = find(module, &resolved.keys);
                for question in &resolved.questions {
                    if !question.base.is_empty() {
                        continue;
                    }
                    let tried = question.modules.iter().find(|(at, _)| at == place);
                    let tried = tried.map_or(&[][..], |(_, tried)| tried);
                    let before = question.asked.answer(tried).ok().flatten();
                    same(&question.asked, module, &there, before, ids)?;
                }
                Ok(())
            })
            .with_context(|| {
                resolved
                    .targets
                    .get(*place)
                    .map_or(String::new(), |target| target.name.clone())
            })?;
        }
        Ok(())
    })
}

/// Proves the one file.
///
/// # Errors
///
/// As [`files`].
pub fn merged(resolved: &Resolved<'_>, merged: &Merged) -> Result<()> {
    read(&merged.bytes, None, |btf| {
        let there = find(btf, &resolved.keys);
        for (question, expected) in resolved.questions.iter().zip(&merged.expected) {
            let place = expected.and_then(|(place, ..)| place);
            let ids = place
                .and_then(|place| merged.modules.get(place))
                .unwrap_or(&merged.base);
            let before = expected.map(|(_, id, answer)| (id, answer));
            same(&question.asked, btf, &there, before, ids)?;
        }
        Ok(())
    })
}
