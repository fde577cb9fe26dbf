// SPDX-License-Identifier: GPL-2.0

//! The decision, whoever asks for it: what the other properties hold of a plan is what the kernel
//! reads, and where memory ends, at whatever step, the module is left to the kernel.

mod random;

use std::cell::Cell;

use btfreloc_selftests::builder::Builder;
use btfreloc_selftests::kernel::Vmlinux;
use proptest::prelude::*;
use rust_btfreloc::elf;
use rust_btfreloc::reloc::decision::*;
use rust_btfreloc::reloc::funcs::MappedFuncs;
use rust_btfreloc::reloc::{standalone, Cause, CauseKind, Input, Policy, RelocationPlan};
use rust_btfreloc::reloc::{SuppliedName, Unread};

use random::{case, Case};

/// Memory as often as this.
struct Memory(Cell<usize>);

impl Memory {
    fn take<T>(&self, value: T) -> Result<T, Unread> {
        let left = self.0.get().checked_sub(1).ok_or(Unread::Memory)?;
        self.0.set(left);
        Ok(value)
    }
}

impl Shell for Memory {
    type List<T: Copy> = Vec<T>;
    type Boxed<T> = Box<T>;
    type Failure = Unread;
    // None: it was the shell.
    type Cause = Option<CauseKind>;
    type File = Vec<u8>;
    type Ids = Vec<u8>;
    type IdReport = ();
    type Report = ();
    type Funcs = ();

    fn list<T: Copy>(&self, item: T, len: usize) -> Result<Vec<T>, Unread> {
        self.take(vec![item; len])
    }
    fn words(&self, len: usize) -> Result<Vec<u32>, Unread> {
        self.list(0, len)
    }
    fn bytes(&self, len: usize) -> Result<Vec<u8>, Unread> {
        self.list(0, len)
    }
    fn boxed<T, E>(
        &self,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<Result<Box<T>, E>, Unread> {
        self.take(())?;
        Ok(make().map(Box::new))
    }
    fn cause(&self, cause: &Cause<'_>) -> Result<Option<CauseKind>, Unread> {
        self.take(Some(cause.kind()))
    }
    fn failed(&self, why: Unread) -> Option<CauseKind> {
        assert_eq!(why, Unread::Memory);
        None
    }
    fn unread(&self, _: SuppliedName<'_>, _: Unread) -> Option<CauseKind> {
        None
    }
    fn live(&self, _: &elf::Section<'_>, bytes: &[u8]) -> Result<Vec<u8>, Unread> {
        self.take(bytes.to_vec())
    }
    fn ids(&self, _: &elf::Section<'_>, bytes: Vec<u8>) -> Result<Vec<u8>, Unread> {
        self.take(bytes)
    }
    fn is_code(&self, _: u64) -> bool {
        true
    }
    fn funcs(&self, _: &MappedFuncs<'_, '_>) -> Result<(), Unread> {
        self.take(())
    }
    fn id_report(&self, _: &MappedIds<'_, '_>) {}
    fn relocated(
        &self,
        _: &RelocationPlan<'_>,
        _: Relocated<'_>,
        _: Option<()>,
    ) -> Result<(), Unread> {
        self.take(())
    }
    fn rebased(&self, _: &standalone::RebasePlan<'_>, _: Option<()>) -> Result<(), Unread> {
        self.take(())
    }
    fn reduced(&self, _: &[u8], _: Option<()>) -> Result<(), Unread> {
        self.take(())
    }
}

/// What is done, without what is kept of it.
#[derive(Debug, PartialEq, Eq)]
enum Done {
    LeftAlone,
    LeftToKernel(Option<CauseKind>),
    Dropped(Option<CauseKind>),
    Replaced(Vec<u8>),
}

fn decided(vmlinux: &Vmlinux, policy: Policy, input: Input<'_>, memory: usize) -> Done {
    let base = vmlinux.base();
    let sections = ModuleSections::new(input, ModuleFile::None);
    let shell = Memory(Cell::new(memory));
    match decide(&shell, &base, policy, Ok(&sections)) {
        Decision::LeaveAlone(_) => Done::LeftAlone,
        Decision::LeaveToKernel(cause) => Done::LeftToKernel(cause),
        Decision::Drop { cause, .. } => Done::Dropped(cause),
        Decision::Replace(replacement) => Done::Replaced(replacement.btf),
    }
}

/// With memory one time more at each try, up to all that is asked for.
fn with_ever_more_memory(vmlinux: &Vmlinux, input: Input<'_>) -> Result<(), TestCaseError> {
    let enough = decided(vmlinux, Policy::Opaque, input, usize::MAX);
    for memory in 0..100 {
        let done = decided(vmlinux, Policy::Opaque, input, memory);
        if done == enough {
            // Even to say why takes memory.
            prop_assert_ne!(memory, 0);
            return Ok(());
        }
        prop_assert_eq!(done, Done::LeftToKernel(None));
    }
    Err(TestCaseError::fail("there is no end to what is asked for"))
}

fn has_types(module: &Builder, base: &Builder) -> bool {
    module.next_id() != base.next_id()
}

/// The sections of a case, and what relocation makes of them.
struct Sections {
    vmlinux: Vmlinux,
    btf_base: Vec<u8>,
    btf: Vec<u8>,
    has_types: bool,
}

impl Sections {
    fn of(case: &Case) -> Self {
        let (distilled, module) = (case.distilled(), case.module());
        Sections {
            vmlinux: Vmlinux::new(case.vmlinux().bytes()),
            btf_base: distilled.bytes(),
            btf: module.bytes(),
            has_types: has_types(&module, &distilled),
        }
    }

    fn input(&self) -> Input<'_> {
        Input {
            btf: &self.btf,
            btf_base: Some(&self.btf_base),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_kernel_reads_what_the_plan_writes(case in case()) {
        let sections = Sections::of(&case);
        let done = decided(&sections.vmlinux, Policy::Opaque, sections.input(), usize::MAX);
        let planned = sections.vmlinux.relocate(&sections.btf_base, &sections.btf).unwrap();
        prop_assert_eq!(done, match sections.has_types {
            true => Done::Replaced(planned.btf),
            false => Done::Dropped(Some(CauseKind::NoTypes)),
        });
    }

    #[test]
    fn strict_leaves_to_the_kernel_what_it_refuses(case in case()) {
        let sections = Sections::of(&case);
        let done = decided(&sections.vmlinux, Policy::Strict, sections.input(), usize::MAX);
        let planned = sections.vmlinux.relocate(&sections.btf_base, &sections.btf).unwrap();
        prop_assert_eq!(done, match planned.strict {
            _ if !sections.has_types => Done::LeftAlone,
            Ok(()) => Done::Replaced(planned.btf),
            Err(_) => Done::LeftToKernel(Some(CauseKind::Unmatched)),
        });
    }

    #[test]
    fn without_memory_a_distilled_module_is_left_to_the_kernel(case in case()) {
        let sections = Sections::of(&case);
        with_ever_more_memory(&sections.vmlinux, sections.input())?;
    }

    #[test]
    fn without_memory_a_standalone_module_is_left_to_the_kernel(case in case()) {
        let vmlinux = Vmlinux::new(case.vmlinux().bytes());
        let btf = case.alone().bytes();
        with_ever_more_memory(&vmlinux, Input { btf: &btf, btf_base: None })?;
    }
}
