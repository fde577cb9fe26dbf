// SPDX-License-Identifier: GPL-2.0

//! What becomes of `.BTF_ids`.

use super::shell::AskedList;
use super::verdict::Obstacle;
use super::{Deciding, DroppedIds, ModuleFile, Original, Shell, Step};
use crate::btf::{self, to_usize, Blob};
use crate::elf::{Section, Symbols};
use crate::reloc::btf_ids::{self, BtfIds, Form, IdEntry, GONE};
use crate::reloc::{Base, Cause};
use core::convert::Infallible;

/// `.BTF_ids` as it is to be.
pub struct Patched<S: Shell> {
    /// What is to be written; `None` where that is there already.
    pub ids: Option<S::Ids>,
    /// What is reported.
    pub report: S::IdReport,
}

/// The ids of `.BTF_ids`, before and after.
pub struct MappedIds<'r, 'n> {
    /// How many become others.
    pub changed: u32,
    /// How many sets and set8s there are.
    pub sets: u32,
    /// How many of them are sorted again.
    pub sorted: u32,
    section: &'r IdsSection<'n>,
    /// As they were.
    ids: &'r BtfIds<'r>,
    /// The section as it is to be.
    bytes: &'r [u8],
    new_id: &'r NewId<'r>,
}

impl<'n> MappedIds<'_, 'n> {
    /// Calls `visit` with each id as it was, those that are 0 included.
    pub fn each(&self, visit: &mut dyn FnMut(IdEntry<'n>)) {
        each(self.ids, self.section, visit);
    }

    /// What becomes of an id: one of a list may have been filled in by name, one of a set has moved.
    pub fn new_id(&self, entry: &IdEntry<'_>) -> Option<u32> {
        match entry.form {
            Form::Id { .. } => btf::read_u32(self.bytes, to_usize(entry.offset)),
            Form::Set(_) | Form::Set8 { .. } => match (self.new_id)(entry.id) {
                Some(GONE) => Some(0),
                id => id,
            },
        }
    }
}

/// What gives an id another one; `None` for one that has none.
pub(super) type NewId<'f> = dyn Fn(u32) -> Option<u32> + 'f;

/// The section in the file.
struct IdsSection<'a> {
    section: Section<'a>,
    bytes: &'a [u8],
    symbols: Symbols<'a>,
}

impl<'a> IdsSection<'a> {
    /// Offset and name of the symbols in it.
    fn names(&self) -> impl Iterator<Item = (u64, &'a [u8])> + Clone + 'a {
        self.symbols.in_section(&self.section)
    }

    /// Finds out what the words of the section are.
    #[inline(never)]
    fn read<'b>(&self, live: &'b [u8], output: &'b mut [u8]) -> Result<BtfIds<'b>, btf_ids::Error>
    where
        'a: 'b,
    {
        BtfIds::read(self.bytes, self.names(), output)?.in_place(live)
    }
}

/// Why the ids cannot be mapped, put into words only outside of the frames that found it.
pub(super) enum Stopped<S: Shell> {
    Ids(btf_ids::Error),
    Symbols,
    NoImage,
    Inline,
    Failed(S::Failure),
}

/// What a step gives, or why the ids cannot be mapped.
type IdsStep<T, S> = Result<T, Stopped<S>>;

impl<'a, S: Shell> Deciding<'_, 'a, S> {
    /// Maps the ids along with BTF whose original the kernel would treat as `original`.
    #[inline(never)]
    pub(super) fn moved_ids(
        &self,
        original: Original,
        new_id: &NewId<'_>,
        out: &mut Option<Patched<S>>,
    ) -> Step<(), S> {
        let new_id = |id| self.of_file(new_id, id);
        let moved = self
            .can_move()
            .and_then(|()| self.patch_ids(Some(self.base), &new_id, out));
        moved.map_err(|why| self.stopped(why).known(original))
    }

    /// What becomes of an id of the module's file, where `new_id` gives those of `sections` others.
    pub(super) fn of_file(&self, new_id: &NewId<'_>, id: u32) -> Option<u32> {
        match self
            .renumbered
            .map_or(Some(id), |renumbered| renumbered(id))?
        {
            GONE => Some(GONE),
            id => new_id(id),
        }
    }

    /// Whether nothing but `.BTF` and `.BTF_ids` would have to be relocated with them.
    ///
    /// `.BTF.inline` would, where the kernel reads it. How it takes that, and from where, no released
    /// kernel says: nothing is handed to it by guess.
    fn can_move(&self) -> IdsStep<(), S> {
        match (self.base.known().reads_inline, self.sections.file) {
            (true, ModuleFile::NotFound) => Err(Stopped::NoImage),
            (true, _) if self.sections.has_inline => Err(Stopped::Inline),
            _ => Ok(()),
        }
    }

    /// Leaves the module's code no ids of types that nobody knows, where its BTF is dropped for
    /// `cause`.
    #[inline(never)]
    pub(super) fn dropped_ids(&self, cause: &Obstacle<S>) -> Option<DroppedIds<S>> {
        if self.names_vmlinux_alone() {
            return None;
        }
        let mut patched = None;
        match self.patch_ids(None, &|_| Some(0), &mut patched) {
            Ok(()) => patched.map(DroppedIds::Cleared),
            Err(why) => {
                let why = self.stopped(why);
                // That `.BTF_ids` is at fault need not be said twice.
                let again = why.kind() == cause.kind();
                let why = (!again).then(|| why.into_cause(self.shell));
                Some(DroppedIds::Kept(why))
            }
        }
    }

    /// Whether the ids of the module are vmlinux's, whose they stay where its BTF is not shown: it has
    /// no type of its own, and no base to number them otherwise.
    fn names_vmlinux_alone(&self) -> bool {
        let input = &self.sections.input;
        let split = Blob::parse(btf::Section::Btf, btf::Form::Split, input.btf);
        input.btf_base.is_none() && split.is_ok_and(|split| split.types().is_empty())
    }

    /// The section, in memory of its own; `None` where the module has none, or an empty one.
    #[inline(never)]
    fn found_ids(&self) -> IdsStep<S::Boxed<Option<IdsSection<'a>>>, S> {
        let room = self.shell.boxed(|| Ok::<_, Infallible>(None));
        let room = room.map_err(Stopped::Failed)?;
        let mut room = room.unwrap_or_else(|never| match never {});
        self.find_ids(&mut room).map(|()| room)
    }

    #[inline(never)]
    fn find_ids(&self, room: &mut Option<IdsSection<'a>>) -> IdsStep<(), S> {
        let elf = match self.sections.file {
            ModuleFile::Found(elf) => elf,
            ModuleFile::NotFound => return Err(Stopped::NoImage),
            ModuleFile::None => return Ok(()),
        };
        let found = elf
            .section(b".BTF_ids")
            .and_then(|found| Some((found, elf.data(&found)?)));
        let Some((section, bytes)) = found.filter(|(_, bytes)| !bytes.is_empty()) else {
            return Ok(());
        };
        let symbols = elf.symbols().map_err(|_| Stopped::Symbols)?;
        *room = Some(IdsSection {
            section,
            bytes,
            symbols,
        });
        Ok(())
    }

    /// All ids in the section.
    #[inline(never)]
    pub(super) fn all_ids(&self) -> IdsStep<S::List<u32>, S> {
        let found = self.found_ids()?;
        let Some(section) = &*found else {
            return self.shell.words(0).map_err(Stopped::Failed);
        };
        let mut bytes = self
            .shell
            .bytes(section.bytes.len())
            .map_err(Stopped::Failed)?;
        let ids = BtfIds::read(section.bytes, section.names(), &mut bytes).map_err(Stopped::Ids)?;
        let mut count = 0_usize;
        each(&ids, section, &mut |_| count = count.saturating_add(1));
        let mut all = self.shell.words(count).map_err(Stopped::Failed)?;
        let mut free = all.iter_mut();
        each(&ids, section, &mut |entry| {
            if let Some(id) = free.next() {
                *id = entry.id;
            }
        });
        Ok(all)
    }

    /// Maps the ids in the section, and finds in `base` what has none; `out` stays `None` where the
    /// module has no such section.
    #[inline(never)]
    fn patch_ids(
        &self,
        base: Option<&Base<'_>>,
        new_id: &NewId<'_>,
        out: &mut Option<Patched<S>>,
    ) -> IdsStep<(), S> {
        let found = self.found_ids()?;
        let Some(section) = &*found else {
            return Ok(());
        };
        let live = self.shell.live(&section.section, section.bytes);
        let live = live.map_err(Stopped::Failed)?;
        let mut bytes = self
            .shell
            .bytes(section.bytes.len())
            .map_err(Stopped::Failed)?;
        let done = self.patch(section, &live, &mut bytes, base, new_id)?;
        let report = self.report(section, &live, &bytes, done, new_id)?;
        let ids = match *bytes == *live {
            true => None,
            false => {
                let ids = self.shell.ids(&section.section, bytes);
                Some(ids.map_err(Stopped::Failed)?)
            }
        };
        *out = Some(Patched { ids, report });
        Ok(())
    }

    /// Makes the patched copy in `bytes`.
    #[inline(never)]
    fn patch(
        &self,
        section: &IdsSection<'_>,
        live: &[u8],
        bytes: &mut [u8],
        base: Option<&Base<'_>>,
        new_id: &NewId<'_>,
    ) -> IdsStep<Done, S> {
        let ids = section.read(live, bytes).map_err(Stopped::Ids)?;
        let asked = self.asked(&ids, section)?;
        let patched = ids.patch(new_id).map_err(Stopped::Ids)?;
        let mut done = Done {
            changed: patched.changed,
            sets: patched.sets,
            sorted: patched.sorted,
        };
        if let (Some(base), Some(mut asked)) = (base, asked) {
            let filled = btf_ids::fill(bytes, &mut asked, base.btf());
            done.changed = done.changed.saturating_add(filled);
        }
        Ok(done)
    }

    /// What is reported of the ids that became those in `bytes`.
    #[inline(never)]
    fn report(
        &self,
        section: &IdsSection<'_>,
        live: &[u8],
        bytes: &[u8],
        done: Done,
        new_id: &NewId<'_>,
    ) -> IdsStep<S::IdReport, S> {
        let mut again = self
            .shell
            .bytes(section.bytes.len())
            .map_err(Stopped::Failed)?;
        let ids = section.read(live, &mut again);
        let ids = ids.map_err(Stopped::Ids)?;
        Ok(self.shell.id_report(&MappedIds {
            changed: done.changed,
            sets: done.sets,
            sorted: done.sorted,
            section,
            ids: &ids,
            bytes,
            new_id,
        }))
    }

    /// What the lists of `ids` in `section` ask for; `None` where that is nothing.
    #[inline(never)]
    fn asked<'n>(
        &self,
        ids: &BtfIds<'_>,
        section: &IdsSection<'n>,
    ) -> IdsStep<Option<AskedList<'n, S>>, S> {
        let (mut last, mut count) = (None, 0_usize);
        ids.asked(section.names(), |asked| {
            last = Some(asked);
            count = count.saturating_add(1);
        });
        let Some(last) = last else {
            return Ok(None);
        };
        let mut all = self.shell.list(last, count).map_err(Stopped::Failed)?;
        let mut free = all.iter_mut();
        ids.asked(section.names(), |asked| {
            if let Some(free) = free.next() {
                *free = asked;
            }
        });
        Ok(Some(all))
    }

    /// The same as an obstacle.
    #[inline(never)]
    pub(super) fn stopped(&self, why: Stopped<S>) -> Obstacle<S> {
        let cause = match why {
            Stopped::Ids(error) => Cause::Ids(error),
            Stopped::Symbols => Cause::Symbols,
            Stopped::NoImage => Cause::NoImage,
            Stopped::Inline => Cause::Inline,
            Stopped::Failed(why) => return Obstacle::Failed(why),
        };
        self.found(&cause)
    }
}

/// Figures of a patched section.
#[derive(Clone, Copy)]
struct Done {
    changed: u32,
    sets: u32,
    sorted: u32,
}

/// Calls `visit` with each id of `ids` in `section`.
#[inline(never)]
fn each<'n>(ids: &BtfIds<'_>, section: &IdsSection<'n>, visit: &mut dyn FnMut(IdEntry<'n>)) {
    let visited: Result<(), Infallible> = ids.each(section.names(), |entry| {
        visit(entry);
        Ok(())
    });
    let Ok(()) = visited;
}
