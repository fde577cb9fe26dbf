// SPDX-License-Identifier: GPL-2.0

//! The words for what was left out of BTF.

use crate::reloc::LeftOut;
use core::fmt::{Display, Formatter, Result};

impl Display for LeftOut {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let mut first = true;
        for (kind, count) in self.kinds() {
            separate(f, &mut first)?;
            write!(f, "{} of kind {kind}", Types(count))?;
        }
        if self.others != 0 {
            separate(f, &mut first)?;
            write!(f, "{} of other kinds", Types(self.others))?;
        }
        if self.followers != 0 {
            separate(f, &mut first)?;
            write!(f, "{} that cannot do without them", Types(self.followers))?;
        }
        Ok(())
    }
}

/// A number of types.
struct Types(u32);

impl Display for Types {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let plural = if self.0 == 1 { "" } else { "s" };
        write!(f, "{} type{plural}", self.0)
    }
}

fn separate(f: &mut Formatter<'_>, first: &mut bool) -> Result {
    match core::mem::take(first) {
        true => Ok(()),
        false => f.write_str(", "),
    }
}
