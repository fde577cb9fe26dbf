// SPDX-License-Identifier: GPL-2.0

//! Looks at each module, in parallel, and at no more of it than has to be known: most are taken by the
//! kernel as they are, and need no look at their files.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rayon::prelude::*;

use super::advice::Advice;
use super::file::{Found, OfModule};
use super::in_place::Needs;
use super::judge::{Facts, KernelBtf, Ours};
use super::log::{Event, Log};
use super::machine::{is_name, Listed, Machine, Reports, RUST_BTFRELOC};
use super::row::{self, Row};
use super::said::Said;
use super::{Report, RustBtfreloc};
use crate::check::Target;
use crate::decide::{self, Supply};
use crate::input::{InstalledModules, Kernel, Kernels, SuppliedBases};
use crate::older::Limits;
use crate::plain;

/// All that is asked for each module.
struct Gathering<'a> {
    machine: Machine<'a>,
    kernel: Kernel,
    /// What of BTF that kernel does not know.
    limits: Limits,
    /// BTF of other builds.
    supplied: SuppliedBases,
    /// The kernels of other builds that are installed.
    kernels: Kernels,
    installed: Result<InstalledModules>,
    reports: Reports,
    /// The parameter of rust_btfreloc, where that is loaded and shows it.
    policy: Option<String>,
    log: Result<Log>,
    advice: Advice,
    /// Loaded before rust_btfreloc, where that is loaded.
    before_us: HashSet<String>,
}

/// Reports on `modules` of the machine in `root`, or on all that are loaded.
pub(super) fn report(root: &Path, modules: &[String]) -> Result<Report> {
    let machine = Machine { root };
    let listed = machine.modules()?;
    let (gathering, log) = rayon::join(|| Gathering::new(machine, &listed), || Log::read(root));
    let gathering = Gathering { log, ..gathering? };
    let names: Vec<_> = match modules {
        [] => gathering.all(&listed),
        modules => modules
            .iter()
            .map(|name| (name.replace('-', "_"), false))
            .collect(),
    };
    let found = |(name, out_of_tree): &(String, bool)| {
        let named = listed.iter().find(|module| module.name == *name);
        let out_of_tree = *out_of_tree || named.is_some_and(|module| module.out_of_tree);
        gathering.row(name, named.is_some(), out_of_tree, !modules.is_empty())
    };
    let rows: Vec<_> = names.par_iter().map(found).collect();
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    for row in rows {
        match row {
            Ok(Some((row, unread))) => {
                results.push(row);
                errors.extend(unread);
            }
            Ok(None) => {}
            Err(error) => errors.push(format!("{error:#}")),
        }
    }
    Ok(Report {
        kernel: gathering.kernel.label().to_owned(),
        rust_btfreloc: gathering.rust_btfreloc(),
        summary: row::summary(&results),
        results,
        errors,
        not_seen: gathering.not_seen(),
    })
}

impl<'a> Gathering<'a> {
    fn new(machine: Machine<'a>, listed: &[Listed]) -> Result<Self> {
        let kernel = Kernel::running(machine.root)?;
        let installed = InstalledModules::of(machine.root, kernel.label());
        let position = |module: &Listed| module.name == RUST_BTFRELOC;
        // The newest is the first.
        let before_us = match listed.iter().position(position) {
            Some(at) => &listed[at + 1..],
            None => &[],
        };
        let limits = Limits::of(&kernel);
        let reports = machine.reports();
        Ok(Gathering {
            advice: advice(&machine, &installed, kernel.label(), limits.are_older()),
            policy: match reports {
                Reports::Readable => machine.policy(),
                _ => None,
            },
            reports,
            before_us: before_us.iter().map(|module| module.name.clone()).collect(),
            limits,
            supplied: SuppliedBases::of(machine.root, kernel.label()),
            kernels: Kernels::default(),
            machine,
            kernel,
            installed,
            log: Ok(Log::default()),
        })
    }

    /// All that are loaded, by name, and those that the kernel refused.
    fn all(&self, listed: &[Listed]) -> Vec<(String, bool)> {
        let loaded = listed.iter();
        let loaded = loaded.map(|module| (module.name.clone(), module.out_of_tree));
        let mut names: Vec<_> = loaded.collect();
        let refused = self.log.iter().flat_map(Log::refused);
        let refused = refused.filter(|name| is_name(name));
        let refused = refused.filter(|name| !listed.iter().any(|module| module.name == **name));
        names.extend(
            refused
                .map(|name| (name.to_owned(), false))
                .collect::<Vec<_>>(),
        );
        names.sort();
        names
    }

    /// The row of a module, which was `named` on the command line or found, and what of it cannot be read;
    /// `None` for one that was found and unloaded in the meantime.
    fn row(
        &self,
        name: &str,
        loaded: bool,
        out_of_tree: bool,
        named: bool,
    ) -> Result<Option<(Row, Option<String>)>> {
        let registered = match loaded {
            true => self.machine.btf(name),
            false => Ok(None),
        };
        let btf = self.kernel_btf(&registered);
        let report = (loaded && self.reports == Reports::Readable)
            .then(|| self.machine.report(name))
            .flatten();
        let report = report.and_then(|line| Said::parse(&line));
        let log = self.log.as_ref().ok();
        let event = log.and_then(|log| log.of_module(name)).cloned();
        let gone = loaded && btf == KernelBtf::No && !self.machine.is_loaded(name);
        if gone && !named {
            return Ok(None);
        }
        let facts = Facts {
            module: name.to_owned(),
            loaded,
            ours: self.ours(name),
            has_ids: loaded && self.machine.has_ids(name),
            file: None,
            btf,
            report,
            event,
        };
        // One that the log names otherwise may have come from anywhere, and be gone.
        let is_known = loaded || matches!(facts.event, Some(Event::Failed(..)));
        let needs_file = named || !loaded || out_of_tree || facts.btf != KernelBtf::Fits;
        let file = match needs_file {
            true => self.file(name, is_known)?,
            false => None,
        };
        let needs = Needs {
            root: self.machine.root,
            kernel: &self.kernel,
            limits: &self.limits,
            supplied: &self.supplied,
            kernels: &self.kernels,
        };
        let needs = self.advice.why_not().map(|_| &needs);
        let target = Target {
            kernel: &self.kernel,
            limits: &self.limits,
            supply: Supply::Installed(&self.supplied),
        };
        let policy = decide::policy(self.policy.as_deref() == Some("0"));
        let registered = registered.as_ref().ok().and_then(Option::as_deref);
        let of = OfModule {
            machine: &self.machine,
            name,
            registered,
        };
        let file = file.map(|path| Found::read(&of, &path, &target, policy, needs));
        let facts = Facts { file, ..facts };
        let unread = facts.unread();
        Ok(Some((facts.judge(&self.advice), unread)))
    }

    /// Where rust_btfreloc was when a module was loaded.
    fn ours(&self, name: &str) -> Ours {
        match self.reports {
            Reports::None => Ours::Absent,
            _ if self.before_us.contains(name) => Ours::Later,
            Reports::Readable => Ours::There,
            Reports::Unseen(_) => Ours::Unseen,
        }
    }

    fn kernel_btf(&self, registered: &io::Result<Option<Vec<u8>>>) -> KernelBtf {
        let found = match registered {
            Ok(None) => return KernelBtf::No,
            Ok(Some(btf)) => plain::contradiction(&self.kernel.base(), btf),
            Err(error) => return KernelBtf::Unread(error.to_string()),
        };
        match found {
            Ok(None) => KernelBtf::Fits,
            Ok(Some(error)) => KernelBtf::Contradicts(error),
            Err(error) => KernelBtf::Unread(error.to_string()),
        }
    }

    /// The file of a module; `None` for one that is built in, and where a module that is `known` to be
    /// one has no file. What cannot be read of it is of its row.
    fn file(&self, name: &str, known: bool) -> Result<Option<PathBuf>> {
        match &self.installed {
            Ok(installed) if installed.is_built_in(name) => Ok(None),
            Ok(installed) => match installed.file(name) {
                None if !known => installed.find(name).map(Some),
                file => Ok(file.map(Path::to_owned)),
            },
            Err(_) if known => Ok(None),
            Err(error) => Err(anyhow::anyhow!("{error:#}")).with_context(|| name.to_owned()),
        }
    }

    fn rust_btfreloc(&self) -> RustBtfreloc {
        RustBtfreloc {
            loaded: self.advice == Advice::Loaded,
            policy: self.policy.clone(),
            to_do: self.advice.how(),
            why_not: self
                .advice
                .why_not()
                .map(|why| format!("this kernel {why}")),
        }
    }

    fn not_seen(&self) -> Vec<String> {
        let mut not_seen = Vec::new();
        if let Reports::Unseen(why) = &self.reports {
            not_seen.push(format!(
                "what rust_btfreloc reports (/sys/kernel/debug/btfreloc): {why}"
            ));
        }
        if let Err(error) = &self.log {
            not_seen.push(format!(
                "the kernel log (/dev/kmsg): {error}; run as root to see it"
            ));
        }
        if let Err(error) = &self.installed {
            not_seen.push(format!("the files of the modules: {error:#}"));
        }
        not_seen
    }
}

fn advice(
    machine: &Machine<'_>,
    installed: &Result<InstalledModules>,
    release: &str,
    is_old: bool,
) -> Advice {
    let installed = installed.as_ref().ok();
    let has_file = installed.is_some_and(|installed| installed.file(RUST_BTFRELOC).is_some());
    match machine.has_option(release, "CONFIG_RUST") {
        _ if machine.is_loaded(RUST_BTFRELOC) => Advice::Loaded,
        _ if has_file => Advice::Installed,
        _ if is_old => Advice::TooOld,
        Some(false) => Advice::NoRust,
        _ => Advice::NotInstalled,
    }
}
