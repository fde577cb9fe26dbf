// SPDX-License-Identifier: GPL-2.0

//! Stands for the kernel module in tests: owns vmlinux's tables and the buffers of a relocation.

use rust_btfreloc::btf::{verify, Blob, Btf, Error, Form, Known, Section, Table};
use rust_btfreloc::reloc::{
    check_plain, fits_plain, fits_plain_throughout, Base, BaseSize, Fate, Input, Policy,
    RelocationCounts, RelocationPlan, Survey, Why,
};

/// A check of plain split BTF against a base, with its scratch.
type PlainCheck = fn(&Base<'_>, &Survey<'_>, &mut [u32]) -> Result<(), Error>;

/// BTF of a kernel, with the tables that are built when the module is loaded.
pub struct Vmlinux {
    bytes: Vec<u8>,
    size: BaseSize,
    offsets: Vec<u32>,
    index: Vec<u32>,
}

impl Vmlinux {
    /// Builds the tables of `bytes`, which are right.
    pub fn new(bytes: Vec<u8>) -> Self {
        Vmlinux::read(bytes).unwrap()
    }

    /// Builds the tables of `bytes`.
    pub fn read(bytes: Vec<u8>) -> Result<Self, Error> {
        let blob = Blob::parse(Section::Vmlinux, Form::Base, &bytes)?;
        let size = BaseSize::of(&blob, Known::LINUX_7_3)?;
        let mut offsets = vec![0; size.offsets_len()];
        let mut index = vec![0; size.index_len()];
        Base::build(blob, size, &mut offsets, &mut index)?;
        Ok(Vmlinux {
            bytes,
            size,
            offsets,
            index,
        })
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn base(&self) -> Base<'_> {
        let blob = Blob::parse(Section::Vmlinux, Form::Base, &self.bytes).unwrap();
        Base::from_parts(blob, self.size, &self.offsets, &self.index)
    }

    /// What the kernel would say to plain split BTF.
    pub fn check_plain(&self, btf: &[u8]) -> Result<(), Error> {
        self.plain(btf, check_plain)
    }

    /// Whether plain split BTF was made for this kernel.
    pub fn fits(&self, btf: &[u8]) -> Result<(), Error> {
        self.plain(btf, fits_plain)
    }

    /// Whether all of plain split BTF was made for this kernel.
    pub fn fits_throughout(&self, btf: &[u8]) -> Result<(), Error> {
        self.plain(btf, fits_plain_throughout)
    }

    fn plain(&self, btf: &[u8], check: PlainCheck) -> Result<(), Error> {
        let base = self.base();
        let input = Input {
            btf,
            btf_base: None,
        };
        let survey = Survey::of(&base, &input)?;
        check(&base, &survey, &mut vec![0; survey.verify_len()])
    }

    /// What the kernel would say to split BTF, and whether its references hold.
    pub fn verify(&self, btf: &[u8]) -> Result<(), Error> {
        self.check_plain(btf)?;
        let base = self.base();
        let blob = Blob::parse(Section::Btf, Form::Split, btf)?;
        let first_id = base.btf().end_id();
        let mut offsets = vec![0; Table::needs(Table::count(&blob, first_id)?, 0)];
        let table = Table::build(&blob, first_id, &mut offsets, 0)?;
        verify::references(&Btf::split(base.btf(), blob, table))
    }

    /// Relocates a module; what the scratch and the output held before is not to matter.
    pub fn relocate(&self, btf_base: &[u8], btf: &[u8]) -> Result<Relocated, Error> {
        let base = self.base();
        let input = Input {
            btf,
            btf_base: Some(btf_base),
        };
        let survey = Survey::of(&base, &input)?;
        let mut scratch = vec![0xdead_beef; survey.verify_len()];
        let verified = survey.verify(&mut scratch)?;
        let mut scratch = vec![0xdead_beef; verified.scratch_len()];
        let plan = RelocationPlan::new(&base, &verified, &mut scratch)?;
        let mut output = vec![0xa5; plan.output_len()];
        plan.write(&mut output)?;
        let end = survey.distilled_count() + survey.split_count() + 1;
        Ok(Relocated {
            btf: output,
            fates: plan.fates().map(|(_, fate)| fate).collect(),
            new_ids: (0..end).map(|id| plan.new_id(id).unwrap()).collect(),
            counts: plan.counts(),
            strict: plan
                .obeys(Policy::Strict)
                .map_err(|unmatched| (unmatched.type_id, unmatched.why)),
        })
    }
}

/// A relocation that was carried out.
#[derive(Debug, PartialEq, Eq)]
pub struct Relocated {
    pub btf: Vec<u8>,
    /// By distilled id, less 1.
    pub fates: Vec<Fate>,
    /// By id before relocation, void included.
    pub new_ids: Vec<u32>,
    pub counts: RelocationCounts,
    /// What policy strict says: the first type without a match, and why.
    pub strict: Result<(), (u32, Why)>,
}
