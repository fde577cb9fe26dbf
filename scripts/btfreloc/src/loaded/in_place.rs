// SPDX-License-Identifier: GPL-2.0

//! How `btfreloc relocate --in-place` gives the file of a module valid BTF, where rust_btfreloc cannot be loaded.

use std::path::{Path, PathBuf};
use std::slice;

use anyhow::Result;
use rust_btfreloc::reloc::{CauseKind, SuppliedName};
use rust_btfreloc::text::Name;

use crate::check::Target;
use crate::cli;
use crate::decide::Supply;
use crate::in_place::{foretold, Became, Changed};
use crate::input::{installed_files, Kernel, Kernels, Sections, SuppliedBases};
use crate::older::Limits;

/// What the command needs besides a file.
pub(super) struct Needs<'a> {
    pub(super) root: &'a Path,
    pub(super) kernel: &'a Kernel,
    pub(super) limits: &'a Limits,
    pub(super) supplied: &'a SuppliedBases,
    /// Those of other builds, which several modules may have been made with.
    pub(super) kernels: &'a Kernels,
}

/// The command for one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct InPlace {
    /// What is typed.
    pub(super) command: String,
    /// What becomes of the BTF, in the words of the kernel module.
    pub(super) makes: Option<String>,
    /// What `VMLINUX` in the command stands for, where it has that.
    pub(super) vmlinux: Option<String>,
    /// The file is of another build of this kernel, and right for that.
    pub(super) is_of_kernel: bool,
}

impl Needs<'_> {
    /// The command for the module in the file `path`; `None` where nothing is to be changed, or none helps.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub(super) fn command(&self, path: &Path, sections: &Sections<'_>) -> Result<Option<InPlace>> {
        let is_of_kernel = path.starts_with(
            self.root
                .join(format!("lib/modules/{}/kernel", self.kernel.label())),
        );
        let options = cli::Relocate {
            in_place: true,
            backup: is_of_kernel,
            ..cli::Relocate::default()
        };
        let plain = self.signed(&options, &[], path)?;
        if plain.changed.became != Became::Refused {
            let is_changed = plain.changed.became == Became::Changed;
            return Ok(is_changed.then(|| self.typed(path, None, &plain)));
        }
        if plain.changed.verdict.cause != Some(CauseKind::Stale) {
            let options = cli::Relocate {
                drop: true,
                ..options
            };
            let without = self.signed(&options, &[], path)?;
            let is_changed = without.changed.became == Became::Changed;
            return Ok(is_changed.then(|| self.typed(path, None, &without)));
        }
        let module = sections.module.as_ref();
        let release = module.and_then(|module| module.release());
        for base in release.map_or(Vec::new(), |release| self.bases(release)) {
            let Ok(kernel) = self.kernels.read(&base) else {
                continue;
            };
            let by_way_of = self.signed(&options, slice::from_ref(&*kernel), path)?;
            if by_way_of.changed.became == Became::Changed {
                return Ok(Some(self.typed(path, Some(&base), &by_way_of)));
            }
        }
        let vmlinux = match release {
            Some(release) => format!(
                "that of the build of {} that it was made with",
                Name(release)
            ),
            None => "that of the kernel that it was built for".to_owned(),
        };
        Ok(Some(InPlace {
            makes: None,
            vmlinux: Some(vmlinux),
            ..self.typed(path, Some(Path::new("VMLINUX")), &plain)
        }))
    }

    /// What would become of the file, with a new signature where nothing would without.
    fn signed(&self, options: &cli::Relocate, bases: &[Kernel], path: &Path) -> Result<Foretold> {
        let of = |sign_with: Option<PathBuf>| -> Result<Foretold> {
            let options = cli::Relocate {
                sign_with,
                ..options.clone()
            };
            let target = Target {
                kernel: self.kernel,
                limits: self.limits,
                supply: Supply::Named(bases),
            };
            let changed = foretold(&options, target, self.root, path)?;
            Ok(Foretold { options, changed })
        };
        let without = of(None)?;
        if without.changed.became != Became::Refused {
            return Ok(without);
        }
        let with = of(Some("PROGRAM".into()))?;
        Ok(match with.changed.became {
            Became::Refused => without,
            _ => with,
        })
    }

    /// Where BTF of the kernels of `release` is.
    fn bases(&self, release: &[u8]) -> Vec<PathBuf> {
        let names = SuppliedName::each(release);
        let supplied = names.map_while(|name| self.supplied.get(name).ok().flatten());
        let supplied = supplied.map(|found| found.path.clone());
        let release = String::from_utf8_lossy(release);
        let files = installed_files(self.root, &release).filter(|file| file.is_file());
        supplied.chain(files).collect()
    }

    fn typed(&self, path: &Path, base: Option<&Path>, foretold: &Foretold) -> InPlace {
        let Foretold { options, changed } = foretold;
        let mut command = format!(
            "btfreloc relocate --in-place {}",
            quoted(&path.to_string_lossy())
        );
        command += &format!(" --against {}", quoted(self.kernel.label()));
        if let Some(base) = base {
            command += &format!(" --base {}", quoted(&base.to_string_lossy()));
        }
        for (is_set, option) in [
            (options.backup, " --backup"),
            (options.drop, " --drop"),
            (options.sign_with.is_some(), " --sign-with PROGRAM"),
        ] {
            command += if is_set { option } else { "" };
        }
        let log = changed.verdict.log.as_deref();
        let log = log.map(|log| log.strip_prefix("BTF ").unwrap_or(log).to_owned());
        InPlace {
            command,
            makes: log,
            vmlinux: None,
            is_of_kernel: options.backup,
        }
    }
}

/// What would become of a file.
struct Foretold {
    options: cli::Relocate,
    changed: Changed,
}

/// As a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._+-~:@%,=".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}
