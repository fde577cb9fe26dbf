// SPDX-License-Identifier: GPL-2.0

//! Relocates the BTF of loading modules to the BTF of the running kernel.

// Asked for in the host build, where the core is a crate of its own.
#![allow(missing_docs)]

#[path = "src/btf/mod.rs"]
pub mod btf;
#[path = "src/elf/mod.rs"]
pub mod elf;
#[path = "src/reloc/mod.rs"]
pub mod reloc;
#[path = "src/kernel/mod.rs"]
mod shell;
#[path = "src/text/mod.rs"]
pub mod text;
#[path = "src/version.rs"]
#[macro_use]
mod version;

#[cfg(not(CONFIG_DEBUG_INFO_BTF_MODULES))]
compile_error!("this kernel gives modules no BTF: it needs CONFIG_DEBUG_INFO_BTF_MODULES=y");
#[cfg(not(CONFIG_SYSFS))]
compile_error!("this kernel does not show what BTF it has registered: it needs CONFIG_SYSFS=y");
// Their functions are inline in C where these are off, and then none that Rust can call.
#[cfg(not(CONFIG_DEBUG_FS))]
compile_error!("this kernel has nowhere to report to: it needs CONFIG_DEBUG_FS=y");
#[cfg(not(any(CONFIG_FW_LOADER, CONFIG_FW_LOADER_MODULE)))]
compile_error!("this kernel cannot read the BTF of others: it needs CONFIG_FW_LOADER");

use kernel::{prelude::*, sync::Arc};
use shell::{
    AfterKernel, BeforeKernel, BtfFiles, Dir, File, Folder, FuncsReport, Loads, Registration,
    Stats, Vmlinux,
};

module! {
    type: BtfReloc,
    name: "rust_btfreloc",
    authors: ["The rust_btfreloc authors"],
    description: "Relocates the BTF of loading modules to the running kernel",
    license: "GPL",
    params: {
        policy: i32 {
            default: 1,
            description: "A base type without a match: 0 leaves the module to the kernel, 1 makes it opaque (default)",
        },
    },
}

/// For `modinfo`; the macro above has no word for it.
#[cfg(MODULE)]
#[link_section = ".modinfo"]
#[used]
static VERSION: [u8; VERSION_INFO.len()] = match VERSION_INFO.as_bytes().first_chunk() {
    Some(info) => *info,
    None => [0; VERSION_INFO.len()],
};
#[cfg(MODULE)]
const VERSION_INFO: &str = concat!("version=", version!(), "\0");

/// The module.
#[pin_data]
struct BtfReloc {
    // Fields are dropped in this order. First no load begins any more, and those under way end;
    // only then may the notifier go that ends them.
    #[pin]
    before: Registration<BeforeKernel>,
    #[pin]
    after: Registration<AfterKernel>,
    stats: File<Stats>,
}

impl kernel::InPlaceModule for BtfReloc {
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        pin_init::pin_init_scope(|| {
            let policy = shell::policy(module_parameters::policy.value())?;
            let vmlinux = Vmlinux::new()?;
            let files = BtfFiles::new()?;
            let dir = Arc::pin_init(Dir::new(c"btfreloc", FuncsReport::FOLDER), GFP_KERNEL)?;
            let stats = Arc::pin_init(Stats::new(policy), GFP_KERNEL)?;
            let loads = Loads::new(vmlinux, policy, files, dir.clone(), stats.clone());
            let loads = Arc::pin_init(loads, GFP_KERNEL)?;
            // Last: who has it open as this fails keeps it open when the module is gone.
            let file = File::new(&dir, Folder::Root, Stats::FILE, stats);
            Ok(try_pin_init!(Self {
                stats: file,
                after <- Registration::new(AfterKernel(loads.clone())),
                before <- Registration::new(BeforeKernel(loads)),
            }))
        })
    }
}
