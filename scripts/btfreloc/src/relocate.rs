// SPDX-License-Identifier: GPL-2.0

//! `btfreloc relocate`: the BTF that would be registered.

use anyhow::{bail, Context, Error, Result};
use rust_btfreloc::btf;
use rust_btfreloc::reloc::{Inline, RelocationPlan};

use crate::cli;
use crate::decide::{decide, policy, Decision, RebasedBtf, ReducedBtf, Registered, RelocatedBtf};
use crate::in_place;
use crate::input::{self, Kernel, Module};
use crate::older::Limits;
use crate::output;
use crate::status::{complain, Status};

/// Writes the BTF of a module as it would be on a kernel.
///
/// # Errors
///
/// The module or the kernel cannot be read, or the output cannot be written.
pub fn run(args: &cli::Relocate) -> Result<Status> {
    let Some(output) = &args.output else {
        return in_place::run(args);
    };
    let [module] = &args.modules[..] else {
        bail!(
            "one output for {} modules: name one module, or let them be changed in place",
            args.modules.len()
        );
    };
    input::once_only([&**module, &*args.against])?;
    let kernel = Kernel::read(&args.against)?;
    let module = Module::read(module)?;
    match registered(&kernel, &module, args.strict, args.inline.is_some())? {
        Ok(made) => {
            output::write(output, &made.btf)?;
            if let Some((path, inline)) = args.inline.as_ref().zip(made.inline) {
                output::write(path, &inline)?;
            }
            Ok(Status::Clean)
        }
        Err(reason) => {
            let (module, kernel) = (module.label(), kernel.label());
            complain(&Error::msg(format!("{module}: {kernel}: {reason}")));
            Ok(Status::Findings)
        }
    }
}

/// What is made of a module's BTF.
struct Made {
    btf: Vec<u8>,
    /// Its `.BTF.inline`, where that was asked for.
    inline: Option<Vec<u8>>,
}

impl Made {
    /// The same as `kernel` knows the format.
    fn known_to(self, kernel: &Kernel) -> Result<Self, String> {
        let btf = Limits::of(kernel).apply(kernel, &self.btf)?.into_owned();
        Ok(Made { btf, ..self })
    }
}

/// The BTF that would be registered for `module` on `kernel`, or why there would be none.
///
/// # Errors
///
/// The module cannot be read.
pub fn registered_btf(kernel: &Kernel, module: &Module) -> Result<Result<Vec<u8>, String>> {
    let made = registered(kernel, module, false, false)?;
    Ok(made.map(|made| made.btf))
}

/// The same, `with_inline` together with `.BTF.inline`.
fn registered(
    kernel: &Kernel,
    module: &Module,
    strict: bool,
    with_inline: bool,
) -> Result<Result<Made, String>> {
    let mut sections = module
        .sections()
        .with_context(|| module.label().to_owned())?;
    // Asked for, it is made here, whatever stands in the way where the module loads.
    let inline = match with_inline {
        true => match sections.inline.take() {
            None => return Ok(Err("no .BTF.inline".to_owned())),
            inline => {
                if let Some(module) = &mut sections.module {
                    module.has_inline = false;
                }
                inline
            }
        },
        false => None,
    };
    let decision = decide(&kernel.base(), &sections, policy(strict), |other| {
        made(other, inline).map_err(|error| format!("cannot be relocated: {error}"))
    });
    let made = match decision {
        Decision::Relocate(made) => made.report,
        Decision::LeftAlone(_) => Ok(Made {
            btf: sections.btf.map_or(Vec::new(), |input| input.btf.to_vec()),
            inline: inline.map(<[u8]>::to_vec),
        }),
        Decision::NoBtf => Err("no BTF".to_owned()),
        Decision::Drop(dropped) => Err(format!("dropped: {}", dropped.cause)),
        Decision::LeftToKernel(cause) => Err(format!("left to the kernel: {cause}")),
    };
    Ok(made.and_then(|made| made.known_to(kernel)))
}

fn made(other: &Registered<'_, '_>, inline: Option<&[u8]>) -> Result<Made, String> {
    let words = |error: btf::Error| error.to_string();
    match (other, inline) {
        (Registered::Relocated(RelocatedBtf { plan, .. }), inline) => {
            let mut btf = vec![0; plan.output_len()];
            plan.write(&mut btf).map_err(words)?;
            let inline = inline.map(|bytes| moved(plan, bytes).map_err(words));
            let inline = inline.transpose()?;
            Ok(Made { btf, inline })
        }
        (Registered::Reduced(ReducedBtf { btf, .. }), inline) => Ok(Made {
            btf: btf.to_vec(),
            inline: inline.map(<[u8]>::to_vec),
        }),
        // Its types are put in another order, and some are left out.
        (Registered::Rebased(_), Some(_)) => {
            Err("its BTF is standalone, and .BTF.inline on that".to_owned())
        }
        (Registered::Rebased(RebasedBtf { plan, .. }), None) => {
            let mut btf = vec![0; plan.output_len()];
            plan.write(&mut btf).map_err(words)?;
            Ok(Made { btf, inline: None })
        }
    }
}

/// A `.BTF.inline` section as it belongs to what `plan` makes.
fn moved(plan: &RelocationPlan<'_>, bytes: &[u8]) -> Result<Vec<u8>, btf::Error> {
    let mut scratch = vec![0; Inline::scratch_len(plan)];
    let inline = Inline::new(plan, bytes, &mut scratch)?;
    let mut out = vec![0; inline.output_len()];
    inline.write(&mut out).map(|()| out)
}
