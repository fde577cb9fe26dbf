// SPDX-License-Identifier: GPL-2.0

//! Which kernel a module was built for, so that its BTF is split off that one's and no other's.

use std::path::Path;
use std::sync::Arc;

use anyhow::{anyhow, bail, Result};
use rust_btfreloc::elf::Elf;

use super::{installed, Kernel, Kernels, Module};
use crate::json;
use crate::status::{note, warn};

/// The kernels of all modules of a command, each read once.
pub struct Bases<'a> {
    /// What was named for all of them.
    named: Option<&'a Path>,
    /// Where kernels are installed.
    root: &'a Path,
    kernels: Kernels,
}

/// What is to be said about a choice.
#[derive(Debug, PartialEq, Eq)]
pub enum Remark {
    /// It was made for want of a better one.
    Note(String),
    /// It was asked for, and does not look right.
    Warning(String),
}

impl<'a> Bases<'a> {
    /// The kernel `named`, or without one those that modules name themselves and that are installed
    /// in `root`.
    pub fn new(named: Option<&'a Path>, root: &'a Path) -> Self {
        Bases {
            named,
            root,
            kernels: Kernels::default(),
        }
    }

    /// The kernel that `module` was built for; what there is to say about the choice is printed.
    ///
    /// # Errors
    ///
    /// It cannot be found or read.
    pub fn of(&self, module: &Module) -> Result<Arc<Kernel>> {
        let (kernel, remark) = self.choose(module)?;
        let label = module.label();
        match remark {
            Some(Remark::Note(what)) => note(&format!("{label}: {what}")),
            Some(Remark::Warning(what)) => warn(&format!("{label}: {what}")),
            None => {}
        }
        Ok(kernel)
    }

    /// The kernel that was named, if it was read, for a report.
    pub fn named(&self) -> Vec<json::Named> {
        let named = self.named.and_then(|name| self.kernels.known(name));
        named.iter().map(|kernel| json::Named::of(kernel)).collect()
    }

    /// As [`Bases::of`], with what there is to say.
    ///
    /// # Errors
    ///
    /// As [`Bases::of`].
    pub fn choose(&self, module: &Module) -> Result<(Arc<Kernel>, Option<Remark>)> {
        let release = module.image().elf()?.as_ref().and_then(Elf::release);
        let release = release.map(|release| String::from_utf8_lossy(release).into_owned());
        match (self.named, release) {
            (Some(named), release) => {
                let kernel = self.kernels.read(named)?;
                let remark = release.and_then(|release| differs(&kernel, &release));
                Ok((kernel, remark))
            }
            (None, Some(release)) => match self.installed(&release)? {
                Some(kernel) => Ok((kernel, None)),
                None => self.running(&format!(
                    "{release}, which it was built for, is not installed"
                )),
            },
            (None, None) => self.running("it names no kernel that it was built for (vermagic)"),
        }
    }

    /// The installed kernel of this release: the first file that has its BTF. Where it runs as well,
    /// the file comes first, as it may be the newer build.
    fn installed(&self, release: &str) -> Result<Option<Arc<Kernel>>> {
        let running = installed::running(self.root).filter(|(running, _)| running == release);
        let files = installed::files(self.root, release).chain(running.map(|(_, btf)| btf));
        let mut first = None;
        for file in files.filter(|file| file.exists()) {
            match self.kernels.read(&file) {
                Ok(kernel) => return Ok(Some(kernel)),
                Err(error) => first = first.or(Some(error)),
            }
        }
        first.map_or(Ok(None), Err)
    }

    /// The running kernel, as there is none that is right: `why`.
    fn running(&self, why: &str) -> Result<(Arc<Kernel>, Option<Remark>)> {
        const NAME_ONE: &str =
            "name one that is installed with --base RELEASE, or a file with --base VMLINUX";
        let running = installed::running(self.root).filter(|(_, btf)| btf.exists());
        let Some((release, btf)) = running else {
            bail!("{why}, and the running kernel shows no BTF: {NAME_ONE}");
        };
        let kernel = self.kernels.read(&btf);
        let kernel = kernel.map_err(|error| anyhow!("{why}, and {error:#}: {NAME_ONE}"))?;
        let what = format!("{why}: taking the running kernel, {release}; --base names another");
        Ok((kernel, Some(Remark::Note(what))))
    }
}

fn differs(kernel: &Kernel, release: &str) -> Option<Remark> {
    let found = kernel.release().filter(|found| *found != release)?;
    let label = kernel.label();
    Some(Remark::Warning(format!(
        "it was built for {release} (vermagic), and {label} is {found}: if its BTF is not of that kernel, \
         its types are the wrong ones there"
    )))
}
