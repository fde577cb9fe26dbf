// SPDX-License-Identifier: GPL-2.0

//! The first look at a module, and the words that planning for it takes.

use super::by_name::ByName;
use super::pairs::Pairs;
use super::recognise::recognise;
use super::renamed::Renamed;
use super::reverse_refs::ReverseRefs;
use crate::btf::{to_usize, Bits, Blob, Btf, Error, Form, Section, Table};
use crate::reloc::tables::{RankSetBuilder, Words};

/// Standalone BTF, whose header holds and whose records can be walked.
///
/// # Examples
///
/// ```
/// # use rust_btfreloc::btf::{write_header, Blob, Form, Known, Section};
/// # use rust_btfreloc::reloc::{Base, BaseSize};
/// # fn btf(types: &[u32], strings: &[u8]) -> Vec<u8> {
/// #     let types: Vec<u8> = types.iter().flat_map(|word| word.to_ne_bytes()).collect();
/// #     let mut all = vec![0; 24];
/// #     write_header(&mut all, types.len() as u32, 0, strings.len() as u32).unwrap();
/// #     [all, types, strings.to_vec()].concat()
/// # }
/// const INT: u32 = 1 << 24;
/// use rust_btfreloc::reloc::standalone::{RebasePlan, StandaloneSurvey};
///
/// // vmlinux: [1] INT int
/// let vmlinux = btf(&[1, INT, 4, 32], b"\0int\0");
/// let blob = Blob::parse(Section::Vmlinux, Form::Base, &vmlinux)?;
/// let size = BaseSize::of(&blob, Known::HERE)?;
/// let (mut offsets, mut index) = (vec![0; size.offsets_len()], vec![0; size.index_len()]);
/// let base = Base::build(blob, size, &mut offsets, &mut index)?;
///
/// // The module: [1] INT int, [2] TYPEDEF mine of [1]
/// let module = btf(&[1, INT, 4, 32, 5, 8 << 24, 1], b"\0int\0mine\0");
/// let survey = StandaloneSurvey::recognised(&module).unwrap();
/// let mut scratch = vec![0; survey.scratch_len()];
/// let plan = RebasePlan::new(&base, &survey, &mut scratch)?;
/// assert_eq!([plan.new_id(1), plan.new_id(2)], [Some(1), Some(2)]);
/// # Ok::<(), rust_btfreloc::btf::Error>(())
/// ```
pub struct StandaloneSurvey<'a> {
    pub(super) blob: Blob<'a>,
    sizes: Sizes,
}

/// How much there is of what.
#[derive(Clone, Copy)]
struct Sizes {
    types: u32,
    /// Type ids in all types and elements.
    references: u32,
    /// Bytes of the string part.
    strings: u32,
}

/// The tables; see where each is used for what it holds.
pub(super) struct Tables<'a> {
    pub(super) offsets: &'a mut [u32],
    pub(super) identifiers: Bits<'a>,
    pub(super) pairs: Pairs<'a>,
    pub(super) reverse_refs: ReverseRefs<'a>,
    pub(super) names: ByName<'a>,
    pub(super) renamed: Renamed<'a>,
    pub(super) ids: &'a mut [u32],
    pub(super) kept: &'a mut [u32],
    pub(super) strings: RankSetBuilder<'a>,
}

impl<'a> StandaloneSurvey<'a> {
    /// Looks at `btf`, a whole `.BTF` section, where it is standalone.
    pub fn recognised(btf: &'a [u8]) -> Option<Self> {
        let _ = recognise(btf).ok()?;
        StandaloneSurvey::of(btf).ok()
    }

    /// Looks at `btf`, a whole `.BTF` section that [`super::recognise`] found to be standalone.
    ///
    /// # Errors
    ///
    /// A bad header, string part, or the first record that is cut short or of a kind not known.
    pub fn of(btf: &'a [u8]) -> Result<Self, Error> {
        let blob = Blob::parse(Section::Btf, Form::Base, btf)?;
        let mut references = 0u32;
        let types = Table::walk(&blob, 1, |_, record| {
            record.each_id(|_, _| {
                references = references.saturating_add(1);
                Ok(())
            })
        })?;
        let strings = blob.strings_len();
        let sizes = Sizes {
            types,
            references,
            strings,
        };
        Ok(StandaloneSurvey { blob, sizes })
    }

    /// Length in words of the scratch that [`super::RebasePlan::new`] needs: some twenty a type and two a
    /// reference, whatever the size of vmlinux.
    pub fn scratch_len(&self) -> usize {
        self.sizes.total()
    }

    /// Number of types.
    pub fn count(&self) -> u32 {
        self.sizes.types
    }

    /// The types in their order and the strings, without the table that finds a type by its id.
    pub(in crate::reloc) fn btf(&self) -> Btf<'a> {
        Btf::without_table(None, self.blob, self.sizes.types)
    }

    pub(super) fn cut<'w>(&self, words: &'w mut [u32]) -> Option<Tables<'w>> {
        self.sizes.cut(words)
    }
}

impl Sizes {
    fn total(&self) -> usize {
        let types = to_usize(self.types);
        (types.saturating_mul(3))
            .saturating_add(Table::needs(self.types, 0))
            .saturating_add(Bits::needs(self.strings))
            .saturating_add(Pairs::needs(self.types))
            .saturating_add(ReverseRefs::needs(self.types, self.references))
            .saturating_add(ByName::needs(self.types))
            .saturating_add(RankSetBuilder::needs(self.strings))
    }

    /// Cuts `words`; `None` where there are fewer than [`Sizes::total`].
    fn cut<'a>(&self, words: &'a mut [u32]) -> Option<Tables<'a>> {
        let mut rest = Words(words.get_mut(..self.total())?);
        let mut take = |len| rest.take(len);
        let types = to_usize(self.types);
        let reverse_refs = ReverseRefs::needs(self.types, self.references);
        Some(Tables {
            offsets: take(Table::needs(self.types, 0))?,
            identifiers: Bits::new(take(Bits::needs(self.strings))?),
            pairs: Pairs::new(take(Pairs::needs(self.types))?, self.types)?,
            reverse_refs: ReverseRefs::new(take(reverse_refs)?, self.types)?,
            names: ByName::new(take(ByName::needs(self.types))?, self.types)?,
            renamed: Renamed::new(take(types)?),
            ids: take(types)?,
            kept: take(types)?,
            strings: RankSetBuilder::new(take(RankSetBuilder::needs(self.strings))?, self.strings)?,
        })
    }
}
