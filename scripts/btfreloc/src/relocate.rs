// SPDX-License-Identifier: GPL-2.0

//! `btfreloc relocate`: the BTF that would be registered.

use anyhow::{Context, Error, Result};
use rust_btfreloc::reloc::Policy;

use crate::cli;
use crate::decide::{decide, Decision, Other, Rebase, Relocation};
use crate::input::{self, Kernel, Module};
use crate::output;
use crate::status::{complain, Status};

/// Writes the BTF of a module as it would be on a kernel.
///
/// # Errors
///
/// The module or the kernel cannot be read, or the output cannot be written.
pub fn run(args: &cli::Relocate) -> Result<Status> {
    input::once_only([&*args.module, &*args.against])?;
    let kernel = Kernel::read(&args.against)?;
    let module = Module::read(&args.module)?;
    match registered(&kernel, &module, args.strict)? {
        Ok(btf) => {
            output::write(&args.output, &btf)?;
            Ok(Status::True)
        }
        Err(reason) => {
            let (module, kernel) = (module.label(), kernel.label());
            complain(&Error::msg(format!("{module}: {kernel}: {reason}")));
            Ok(Status::NotTrue)
        }
    }
}

/// The BTF that would be registered, or why there would be none.
fn registered(kernel: &Kernel, module: &Module, strict: bool) -> Result<Result<Vec<u8>, String>> {
    let policy = match strict {
        true => Policy::Strict,
        false => Policy::Opaque,
    };
    let sections = module
        .sections()
        .with_context(|| module.label().to_owned())?;
    let decision = decide(&kernel.base(), &sections, policy, |other| match other {
        Other::Relocation(Relocation { plan, .. }) => {
            let mut btf = vec![0; plan.output_len()];
            plan.write(&mut btf).map(|()| btf)
        }
        Other::Rebase(Rebase { plan, .. }) => {
            let mut btf = vec![0; plan.output_len()];
            plan.write(&mut btf).map(|()| btf)
        }
    });
    Ok(match decision {
        Decision::Relocate(btf) => btf.map_err(|error| format!("cannot be relocated: {error}")),
        Decision::LeftAlone => Ok(sections.btf.map_or(Vec::new(), |input| input.btf.to_vec())),
        Decision::NoBtf => Err("no BTF".to_owned()),
        Decision::Drop(cause) => Err(format!("dropped: {cause}")),
        Decision::LeftToKernel(cause) => Err(format!("left to the kernel: {cause}")),
    })
}
