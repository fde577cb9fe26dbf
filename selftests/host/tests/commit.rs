// SPDX-License-Identifier: GPL-2.0

//! Plan, then commit: each step made to fail in turn leaves the input as it was and the output
//! untouched, and what failed can be tried again in the same buffers.

use btfreloc_selftests::builder::{put, Builder, SIGNED};
use btfreloc_selftests::kernel::Vmlinux;
use rust_btfreloc::btf::{Blob, Error, Form, Kind, Known, Reason, Section, MAX_TYPE};
use rust_btfreloc::reloc::{Base, BaseSize, Input, Policy, RelocationPlan, Survey, Why};

/// The step that failed.
#[derive(Debug, PartialEq, Eq)]
enum Failed {
    Survey(Error),
    Verify(Error),
    Plan(Error),
    Policy(u32, Why),
    Write(Error),
}

/// All that a load has: the module's sections and the buffers that the caller hands over.
struct Load {
    btf: Vec<u8>,
    btf_base: Option<Vec<u8>>,
    policy: Policy,
    /// Words taken from the scratch of either step, bytes from or added to the output.
    words_short: usize,
    scratch_short: usize,
    output_off: isize,
    scratch: Vec<u32>,
    output: Vec<u8>,
}

const UNTOUCHED: u8 = 0xa5;

impl Load {
    fn new(btf_base: &Builder, btf: &Builder) -> Self {
        Load {
            btf: btf.bytes(),
            btf_base: Some(btf_base.bytes()),
            policy: Policy::Opaque,
            words_short: 0,
            scratch_short: 0,
            output_off: 0,
            scratch: vec![0x5555_5555; 4096],
            output: vec![UNTOUCHED; 4096],
        }
    }

    /// All steps; gives the length of what was written.
    fn run(&mut self, base: &Base<'_>) -> Result<usize, Failed> {
        let btf_base = self.btf_base.as_deref();
        let input = Input {
            btf: &self.btf,
            btf_base,
        };
        let survey = Survey::of(base, &input).map_err(Failed::Survey)?;
        let (words, scratch) = self.scratch.split_at_mut(2048);
        let words = &mut words[..survey.verify_len() - self.words_short];
        let verified = survey.verify(words).map_err(Failed::Verify)?;
        let scratch = &mut scratch[..verified.scratch_len() - self.scratch_short];
        let plan = RelocationPlan::new(base, &verified, scratch).map_err(Failed::Plan)?;
        plan.obeys(self.policy)
            .map_err(|unmatched| Failed::Policy(unmatched.type_id, unmatched.why))?;
        let len = plan
            .output_len()
            .checked_add_signed(self.output_off)
            .unwrap();
        plan.write(&mut self.output[..len]).map_err(Failed::Write)?;
        Ok(len)
    }

    /// Runs, and finds the input and, where a step failed, the output as they were.
    #[track_caller]
    fn run_checked(&mut self, vmlinux: &Vmlinux) -> Result<usize, Failed> {
        let before = (
            self.btf.clone(),
            self.btf_base.clone(),
            vmlinux.bytes().to_vec(),
        );
        let done = self.run(&vmlinux.base());
        let after = (
            self.btf.clone(),
            self.btf_base.clone(),
            vmlinux.bytes().to_vec(),
        );
        assert_eq!(before, after);
        let written = *done.as_ref().unwrap_or(&0);
        assert!(self.output[written..].iter().all(|byte| *byte == UNTOUCHED));
        done
    }
}

fn vmlinux() -> Builder {
    let mut b = Builder::base();
    b.int("int", 4, SIGNED);
    b.structure("task", 128, &[("state", [1, 0])]);
    b
}

/// One type that the kernel has, one that it has not.
fn distilled() -> Builder {
    let mut b = Builder::base();
    b.structure("task", 128, &[]);
    b.structure("gone", 8, &[]);
    b
}

fn module(base: &Builder) -> Builder {
    let mut b = Builder::split(base);
    b.ptr(1);
    b.structure("own", 136, &[("task", [1, 0]), ("gone", [2, 1024])]);
    b
}

fn good() -> Load {
    let base = distilled();
    Load::new(&base, &module(&base))
}

/// A module with a type that the distilled base gets, and one that its own BTF gets.
fn with<T, U>(
    base_type: impl FnOnce(&mut Builder) -> T,
    own_type: impl FnOnce(&mut Builder) -> U,
) -> Load {
    let mut base = distilled();
    base_type(&mut base);
    let mut module = module(&base);
    own_type(&mut module);
    Load::new(&base, &module)
}

fn nothing(_: &mut Builder) {}

/// A kind, and what adds a type of it.
type Add = (Kind, fn(&mut Builder) -> u32);

#[track_caller]
fn fails(mut load: Load, expected: Failed) {
    let vmlinux = Vmlinux::new(vmlinux().bytes());
    assert_eq!(load.run_checked(&vmlinux), Err(expected));
    // The same buffers, in which the step that failed may have left anything, serve again.
    let mut again = Load {
        scratch: load.scratch,
        output: load.output,
        ..good()
    };
    let len = again.run_checked(&vmlinux).unwrap();
    let expected = vmlinux
        .relocate(&again.btf_base.unwrap(), &again.btf)
        .unwrap()
        .btf;
    assert_eq!(again.output[..len], expected);
}

fn error(section: Section, offset: u32, type_id: u32, reason: Reason) -> Error {
    Error {
        section,
        offset,
        type_id,
        reason,
    }
}

#[test]
fn nothing_fails() {
    let vmlinux = Vmlinux::new(vmlinux().bytes());
    assert!(good().run_checked(&vmlinux).is_ok());
}

#[test]
fn survey_of_a_bad_header() {
    let mut load = good();
    put(&mut load.btf, 0, 0);
    let reason = Reason::BadMagic(0);
    fails(load, Failed::Survey(error(Section::Btf, 0, 0, reason)));
    let mut load = good();
    load.btf_base.as_mut().unwrap().truncate(9);
    let reason = Reason::HeaderTruncated { len: 9, needed: 24 };
    fails(load, Failed::Survey(error(Section::BtfBase, 0, 0, reason)));
}

#[test]
fn survey_of_a_base_with_nothing_in_it() {
    let mut load = good();
    load.btf_base = Some([&[0x9f, 0xeb, 1, 0, 24, 0, 0, 0][..], &[0; 16]].concat());
    fails(
        load,
        Failed::Survey(error(Section::BtfBase, 24, 0, Reason::NoData)),
    );
}

#[test]
fn survey_of_an_unknown_kind() {
    let unknown = |b: &mut Builder| b.raw(&[0, 23 << 24, 0]);
    let reason = Reason::BadKind(23);
    let place = error(Section::BtfBase, 24 + 24, 3, reason);
    fails(with(unknown, nothing), Failed::Survey(place));
    let place = error(Section::Btf, 24 + 12 + 36, 5, reason);
    fails(with(nothing, unknown), Failed::Survey(place));
}

#[test]
fn survey_of_a_record_cut_short() {
    let short = |b: &mut Builder| b.raw(&[0, 0]);
    let reason = Reason::RecordTruncated {
        left: 8,
        needed: 12,
    };
    let place = error(Section::BtfBase, 24 + 24, 3, reason);
    fails(with(short, nothing), Failed::Survey(place));
    let place = error(Section::Btf, 24 + 12 + 36, 5, reason);
    fails(with(nothing, short), Failed::Survey(place));
}

#[test]
fn survey_of_more_types_than_ids() {
    let mut full = Builder::base();
    for _ in 0..MAX_TYPE {
        full.ptr(0);
    }
    let vmlinux = Vmlinux::new(full.bytes());
    let mut load = good();
    load.btf_base = None;
    let reason = Reason::TooManyTypes(MAX_TYPE + 1);
    let place = error(Section::Btf, 24, MAX_TYPE + 1, reason);
    assert_eq!(load.run_checked(&vmlinux), Err(Failed::Survey(place)));
}

#[test]
fn verify_without_a_distilled_base() {
    let mut load = good();
    load.btf_base = None;
    fails(
        load,
        Failed::Verify(error(Section::Btf, 0, 0, Reason::NoData)),
    );
}

#[test]
fn verify_with_scratch_of_every_length_that_is_too_short() {
    let vmlinux = Vmlinux::new(vmlinux().bytes());
    let base = vmlinux.base();
    let load = good();
    let input = Input {
        btf: &load.btf,
        btf_base: load.btf_base.as_deref(),
    };
    let needed = Survey::of(&base, &input).unwrap().verify_len();
    for words_short in 1..=needed {
        let place = error(Section::BtfBase, 0, 0, Reason::ShortBuffer);
        fails(
            Load {
                words_short,
                ..good()
            },
            Failed::Verify(place),
        );
    }
}

#[test]
fn plan_with_scratch_of_every_length_that_is_too_short() {
    let vmlinux = Vmlinux::new(vmlinux().bytes());
    let base = vmlinux.base();
    let load = good();
    let input = Input {
        btf: &load.btf,
        btf_base: load.btf_base.as_deref(),
    };
    let survey = Survey::of(&base, &input).unwrap();
    let mut words = vec![0; survey.verify_len()];
    let needed = survey.verify(&mut words).unwrap().scratch_len();
    for scratch_short in 1..=needed {
        let place = error(Section::Btf, 0, 0, Reason::ShortBuffer);
        fails(
            Load {
                scratch_short,
                ..good()
            },
            Failed::Plan(place),
        );
    }
}

#[test]
fn verify_of_a_base_that_the_kernel_refuses() {
    let bad = |b: &mut Builder| b.float("float", 3);
    let reason = Reason::BadSize {
        kind: Kind::Float,
        size: 3,
    };
    fails(
        with(bad, nothing),
        Failed::Verify(error(Section::BtfBase, 24 + 24 + 8, 3, reason)),
    );
}

#[test]
fn verify_of_a_base_with_kinds_that_have_no_place_there() {
    let rows: [Add; 13] = [
        (Kind::Ptr, |b| b.ptr(1)),
        (Kind::Array, |b| b.array(1, 1, 1)),
        (Kind::Typedef, |b| b.typedef("t", 1)),
        (Kind::Volatile, |b| b.refer(Kind::Volatile, 1)),
        (Kind::Const, |b| b.constant(1)),
        (Kind::Restrict, |b| b.refer(Kind::Restrict, 1)),
        (Kind::Func, |b| b.func("f", 1, 1)),
        (Kind::FuncProto, |b| b.func_proto(0, &[])),
        (Kind::Var, |b| b.var("v", 1, 1)),
        (Kind::Datasec, |b| b.datasec(".data", 1, &[])),
        (Kind::DeclTag, |b| b.decl_tag("t", 1, -1)),
        (Kind::TypeTag, |b| b.type_tag("t", 1)),
        (Kind::Enum64, |b| b.enum64("e", 8, false, &[])),
    ];
    for (kind, add) in rows {
        let place = error(Section::BtfBase, 24 + 24 + 4, 3, Reason::NotDistilled(kind));
        fails(with(add, nothing), Failed::Verify(place));
    }
}

#[test]
fn verify_of_a_base_with_a_type_that_has_no_name() {
    let rows: [Add; 5] = [
        (Kind::Int, |b| b.int("", 4, 0)),
        (Kind::Float, |b| b.float("", 4)),
        (Kind::Struct, |b| b.structure("", 4, &[])),
        (Kind::Union, |b| b.union("", 4, &[])),
        (Kind::Enum, |b| b.enumeration("", 4, &[])),
    ];
    for (kind, add) in rows {
        let place = error(Section::BtfBase, 24 + 24, 3, Reason::NameMissing(kind));
        fails(with(add, nothing), Failed::Verify(place));
    }
}

#[test]
fn verify_of_a_module_that_the_kernel_refuses() {
    let bad = |b: &mut Builder| b.typedef("not a name", 1);
    let name_off = with(nothing, nothing)
        .btf_base
        .map(|base| base.len() - 24 - 24)
        .unwrap();
    // Behind the base's strings and `own`.
    let name_off = u32::try_from(name_off).unwrap() + 4;
    let reason = Reason::BadName {
        kind: Kind::Typedef,
        name_off,
    };
    fails(
        with(nothing, bad),
        Failed::Verify(error(Section::Btf, 24 + 48, 5, reason)),
    );
}

#[test]
fn verify_of_a_module_with_a_reference_out_of_range() {
    let bad = |b: &mut Builder| b.ptr(77);
    let reason = Reason::ReferenceOutOfRange { id: 77, end: 6 };
    fails(
        with(nothing, bad),
        Failed::Verify(error(Section::Btf, 24 + 48 + 8, 5, reason)),
    );
}

#[test]
fn plan_of_a_result_that_cannot_be_numbered() {
    let mut full = Builder::base();
    for _ in 0..MAX_TYPE - 2 {
        full.ptr(0);
    }
    let vmlinux = Vmlinux::new(full.bytes());
    let place = error(Section::Btf, 0, 0, Reason::OutputTooLarge);
    assert_eq!(good().run_checked(&vmlinux), Err(Failed::Plan(place)));
}

#[test]
fn policy_strict() {
    let why = Why::Absent;
    let load = Load {
        policy: Policy::Strict,
        ..good()
    };
    fails(load, Failed::Policy(2, why));
}

#[test]
fn write_to_an_output_of_another_length() {
    for output_off in [-50, -1, 1, 50] {
        let place = error(Section::Btf, 0, 0, Reason::ShortBuffer);
        fails(
            Load {
                output_off,
                ..good()
            },
            Failed::Write(place),
        );
    }
}

#[test]
fn every_byte_of_the_input_made_wrong() {
    let vmlinux = Vmlinux::new(vmlinux().bytes());
    let len = good().btf.len();
    let base_len = good().btf_base.unwrap().len();
    for at in 0..len + base_len {
        for wrong in [0, 1, 0x7f, 0x80, 0xff] {
            let mut load = good();
            match at.checked_sub(len) {
                Some(at) => load.btf_base.as_mut().unwrap()[at] ^= wrong,
                None => load.btf[at] ^= wrong,
            }
            if let Ok(len) = load.run_checked(&vmlinux) {
                assert_eq!(vmlinux.verify(&load.output[..len]), Ok(()), "{at} {wrong}");
            }
        }
    }
}

#[test]
fn input_cut_off_at_every_byte() {
    let vmlinux = Vmlinux::new(vmlinux().bytes());
    for len in 0..good().btf.len() {
        let mut load = good();
        load.btf.truncate(len);
        assert!(matches!(load.run_checked(&vmlinux), Err(Failed::Survey(_))));
    }
    for len in 0..good().btf_base.unwrap().len() {
        let mut load = good();
        load.btf_base.as_mut().unwrap().truncate(len);
        assert!(matches!(load.run_checked(&vmlinux), Err(Failed::Survey(_))));
    }
}

#[test]
fn tables_of_the_base_in_buffers_that_are_too_short() {
    let bytes = vmlinux().bytes();
    let blob = Blob::parse(Section::Vmlinux, Form::Base, &bytes).unwrap();
    let size = BaseSize::of(&blob, Known::LINUX_7_3).unwrap();
    let build = |offsets: usize, index: usize| {
        let (mut offsets, mut index) = (vec![0; offsets], vec![0; index]);
        Base::build(blob, size, &mut offsets, &mut index).map(|_| ())
    };
    let (offsets, index) = (size.offsets_len(), size.index_len());
    assert_eq!(build(offsets, index), Ok(()));
    let short = |offset, type_id| {
        Err(error(
            Section::Vmlinux,
            offset,
            type_id,
            Reason::ShortBuffer,
        ))
    };
    assert_eq!(build(offsets - 1, index), short(24, 1));
    for index in 0..index {
        assert_eq!(build(offsets, index), short(0, 0));
    }
}

#[test]
fn plain_split_btf_with_too_little_scratch() {
    let vmlinux = Vmlinux::new(vmlinux().bytes());
    let base = vmlinux.base();
    let module = module(&self::vmlinux()).bytes();
    let survey = Survey::of(
        &base,
        &Input {
            btf: &module,
            btf_base: None,
        },
    )
    .unwrap();
    let mut scratch = vec![0; survey.verify_len()];
    let check = |scratch: &mut [u32]| rust_btfreloc::reloc::check_plain(&base, &survey, scratch);
    assert_eq!(check(&mut scratch), Ok(()));
    let short = error(Section::Btf, 0, 0, Reason::ShortBuffer);
    scratch.pop();
    assert_eq!(check(&mut scratch), Err(short));
}

/// A supplied base is not searched by name, so that names made to collide cost nothing.
#[test]
fn a_base_without_names_has_its_types_by_id_alone() {
    let mut base = Builder::base();
    let int = base.int("int", 4, 0);
    let bytes = base.bytes();
    let blob = Blob::parse(Section::Supplied, Form::Base, &bytes).unwrap();
    let size = BaseSize::of(&blob, Known::LINUX_7_3)
        .unwrap()
        .without_names();
    let mut offsets = vec![0; size.offsets_len()];
    let mut index = vec![0; size.index_len()];
    let built = Base::build(blob, size, &mut offsets, &mut index).unwrap();
    assert_eq!(built.btf().record(int).unwrap().size(), 4);
    assert_eq!(built.named(b"int").count(), 0);
    let again = Base::from_parts(blob, size, &offsets, &index);
    assert_eq!(again.btf().end_id(), 2);
    assert_eq!(again.named(b"int").count(), 0);
}
