// SPDX-License-Identifier: GPL-2.0

//! Leaves types out of BTF as the kernel module does.

use rust_btfreloc::btf::{Error, Form};
use rust_btfreloc::reloc::reduced::{Becomes, Place, Reduction};
use rust_btfreloc::reloc::{Input, LeftOut};

use crate::kernel::Vmlinux;

/// BTF that was reduced.
pub struct Reduced {
    pub btf: Vec<u8>,
    pub left_out: LeftOut,
    /// By id before, those of its base and void included.
    pub becomes: Vec<Becomes>,
    /// What becomes of the first id that is no type's.
    pub past: Option<Becomes>,
}

/// Leaves out of a module's BTF, whose ids end with `end`, what this kernel does not know; `None` where
/// it knows all. What the scratch and the output held before is not to matter.
pub fn reduce(
    vmlinux: &Vmlinux,
    input: &Input<'_>,
    form: Form,
    end: u32,
) -> Result<Option<Reduced>, Error> {
    let base = vmlinux.base();
    let place = Place::of(&base, input, form)?;
    let mut scratch = vec![0xdead_beef; place.scratch_len()];
    let Some(reduction) = Reduction::new(&place, &mut scratch)? else {
        return Ok(None);
    };
    let mut btf = vec![0xa5; reduction.output_len()];
    reduction.write(&mut btf)?;
    Ok(Some(Reduced {
        btf,
        left_out: reduction.left_out(),
        becomes: (0..end).map(|id| reduction.becomes(id).unwrap()).collect(),
        past: reduction.becomes(end),
    }))
}
