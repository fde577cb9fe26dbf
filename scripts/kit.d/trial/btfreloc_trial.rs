// SPDX-License-Identifier: GPL-2.0

//! A small module, built to see whether a kernel tree fits: it refers to something of each crate.

use kernel::{prelude::*, str::CString};

module! {
    type: Trial,
    name: "btfreloc_trial",
    authors: ["The rust_btfreloc authors"],
    description: "Whether modules in Rust can be built for a kernel",
    license: "GPL",
}

struct Trial {
    name: CString,
}

impl kernel::Module for Trial {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let name = CString::try_from_fmt(fmt!("{}", Self::NAME_LEN))?;
        pr_info!("{:?}\n", &*name);
        Ok(Self { name })
    }
}

impl Trial {
    const NAME_LEN: usize = 14;
}

impl Drop for Trial {
    fn drop(&mut self) {
        pr_info!("{:?}\n", &*self.name);
    }
}
