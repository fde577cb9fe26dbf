// SPDX-License-Identifier: GPL-2.0

//! Goes on without the types of kinds that the kernel does not know, where the rest of the BTF can do
//! without them.

use super::verdict::Obstacle;
use super::{Deciding, ModuleSections, Original, Replacement, Shell, Step};
use crate::btf::{copy, Form};
use crate::reloc::btf_ids::GONE;
use crate::reloc::reduced::{Becomes, Place, Reduction};
use crate::reloc::{standalone, CauseKind, Input, Policy};
use core::convert::Infallible;

impl<S: Shell> Deciding<'_, '_, S> {
    /// Puts into `out` what the kernel reads instead of BTF that `obstacle` stands in the way of, where
    /// that is only that it does not know the kinds of some types.
    ///
    /// # Errors
    ///
    /// `obstacle`, where something else is in the way, too.
    #[inline(never)]
    pub(super) fn reduce(
        &self,
        obstacle: Obstacle<S>,
        out: &mut Option<Replacement<S>>,
    ) -> Step<(), S> {
        // No policy but that one makes do with less than there is.
        if obstacle.kind() != Some(CauseKind::Malformed) || self.policy != Policy::Opaque {
            return Err(obstacle);
        }
        // What has a base is not standalone.
        let has_base = self.sections.input.btf_base.is_some();
        let forms = [Form::Base, Form::Split];
        for form in forms.into_iter().skip(usize::from(has_base)) {
            match self.reduced(form, out) {
                Ok(()) if out.is_some() => return Ok(()),
                Err(Obstacle::Failed(why)) => return Err(Obstacle::Failed(why)),
                _ => {}
            }
        }
        Err(obstacle)
    }

    /// The same for BTF that is taken for standalone or split; `out` stays `None` where it is not
    /// that, or where the kernel knows all kinds.
    #[inline(never)]
    fn reduced(&self, form: Form, out: &mut Option<Replacement<S>>) -> Step<(), S> {
        let input = &self.sections.input;
        let place = self.boxed(|| Place::of(self.base, input, form))?;
        let Ok(place) = place else {
            return Ok(());
        };
        let mut scratch = self.words(place.scratch_len())?;
        let reduction = self.boxed(|| Reduction::new(&place, &mut scratch))?;
        let Ok(Some(reduction)) = reduction.as_deref() else {
            return Ok(());
        };
        let mut btf = self.bytes(reduction.output_len())?;
        if reduction.write(&mut btf).is_err() {
            return Ok(());
        }
        // Standalone BTF shows only when all of it can be read.
        let is_alone = input.btf_base.is_none() && standalone::recognise(&btf).is_ok();
        if is_alone != (form == Form::Base) {
            return Ok(());
        }
        self.go_on(reduction, &btf, out)
    }

    /// Decides on the reduced `btf`.
    #[inline(never)]
    fn go_on(
        &self,
        reduction: &Reduction<'_>,
        btf: &[u8],
        out: &mut Option<Replacement<S>>,
    ) -> Step<(), S> {
        let renumbered = |id| match reduction.becomes(id)? {
            Becomes::Kept(id) => Some(id),
            Becomes::LeftOut => Some(GONE),
        };
        let sections = self.reduced_sections(btf)?;
        let reduced = Deciding {
            sections: &sections,
            renumbered: Some(&renumbered),
            ..*self
        };
        reduced.replace_own(out)?;
        if out.is_none() {
            reduced.as_it_is(out)?;
        }
        if let Some(replacement) = out {
            replacement.left_out = Some(reduction.left_out());
        }
        Ok(())
    }

    /// The module's sections with `btf` for its own, in memory of their own.
    #[inline(never)]
    fn reduced_sections<'r>(&'r self, btf: &'r [u8]) -> Step<S::Boxed<ModuleSections<'r>>, S> {
        let sections = self.boxed(|| {
            Ok::<_, Infallible>(ModuleSections {
                input: Input {
                    btf,
                    btf_base: self.sections.input.btf_base,
                },
                ..*self.sections
            })
        })?;
        Ok(sections.unwrap_or_else(|never| match never {}))
    }

    /// The kernel takes what is left as it is.
    #[inline(never)]
    fn as_it_is(&self, out: &mut Option<Replacement<S>>) -> Step<(), S> {
        let btf = self.sections.input.btf;
        let mut copied = self.bytes(btf.len())?;
        copy(&mut copied, btf);
        let report = |ids| self.shell.reduced(btf, ids);
        self.by(copied, Original::Refused, &Some, report, out)
    }
}
