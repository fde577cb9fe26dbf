// SPDX-License-Identifier: GPL-2.0

//! What to do about the BTF of a module.

use super::in_place::InPlace;
use super::judge::{Facts, Ours};
use super::row::State;

/// Whether rust_btfreloc is loaded on this machine, and what that would take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advice {
    /// It is loaded.
    Loaded,
    /// Its file is among the modules of this release.
    Installed,
    /// It has to be built for this release.
    NotInstalled,
    /// The kernel has no Rust, and it cannot be built.
    NoRust,
    /// The kernel is too old for it.
    TooOld,
}

impl Advice {
    /// What to do to have it loaded; `None` where it is, and where it cannot be.
    pub(super) fn how(self) -> Option<&'static str> {
        match self {
            Advice::Loaded => None,
            Advice::Installed => Some("modprobe rust_btfreloc"),
            Advice::NotInstalled => Some("install rust_btfreloc and load it"),
            Advice::NoRust | Advice::TooOld => None,
        }
    }

    /// Why it cannot be loaded, as the end of a sentence that begins with the kernel.
    pub(super) fn why_not(self) -> Option<&'static str> {
        match self {
            Advice::NoRust => Some("has no Rust (CONFIG_RUST), which rust_btfreloc needs"),
            Advice::TooOld => Some("is older than 7.2, which rust_btfreloc needs"),
            Advice::Loaded | Advice::Installed | Advice::NotInstalled => None,
        }
    }

    /// What to do about a module in this `state`; `None` where there is nothing.
    pub(super) fn to_do(self, state: State, facts: &Facts) -> Option<String> {
        let module = &facts.module;
        let again = format!("unload {module} and load it again");
        let file = facts.file.as_ref();
        let replaced = file.is_some_and(|file| file.fits);
        let accepted = file.is_some_and(|file| file.accepted);
        let is_strict = file.is_some_and(|file| file.is_strict);
        Some(match state {
            State::WrongTypes | State::Missing | State::Failed | State::NotLoadedFinding
                if is_strict =>
            {
                format!("build {module} for this kernel, or load rust_btfreloc with policy=1")
            }
            State::Replaced => again,
            State::WrongTypes | State::Missing if replaced && facts.loaded => again,
            State::WrongTypes | State::Missing if facts.ours == Ours::Later => {
                format!("it was loaded before rust_btfreloc: {again}")
            }
            State::WrongTypes | State::Missing => self.then(&again, facts),
            // The log has what became of the file that was there before.
            State::Failed if accepted => format!("modprobe {module}"),
            State::Failed => self.then(&format!("modprobe {module}"), facts),
            State::Refused => "report it: the kernel did not take what was made for it".to_owned(),
            State::Opaque | State::Conflicts => {
                "build it for this kernel if BPF programs are to see these types".to_owned()
            }
            State::NotLoadedFinding => {
                let file = facts.file.as_ref().filter(|file| file.unread.is_none())?;
                let how = || self.how().map(str::to_owned);
                return file.in_place.as_ref().map(InPlace::to_do).or_else(how);
            }
            _ => return None,
        })
    }

    /// With rust_btfreloc, or with another file, this.
    fn then(self, what: &str, facts: &Facts) -> String {
        let in_place = facts.file.as_ref();
        let in_place = in_place.and_then(|file| file.in_place.as_ref());
        match (self.how(), self.why_not(), in_place) {
            (Some(how), ..) => format!("{how}, then {what}"),
            (None, Some(_), Some(in_place)) => format!("{}; then {what}", in_place.to_do()),
            (None, Some(why), None) => {
                let module = &facts.module;
                format!("this kernel {why}: install the {module} that belongs to this kernel")
            }
            (None, None, _) => what.to_owned(),
        }
    }
}

impl InPlace {
    /// What to do so that the file has valid BTF.
    fn to_do(&self) -> String {
        let mut text = match self.is_of_kernel {
            true => {
                "reboot, as its file is of another build of this kernel; until then ".to_owned()
            }
            false => String::new(),
        };
        text += &self.command;
        if let Some(what) = &self.vmlinux {
            text += &format!(" (VMLINUX is {what})");
        }
        text
    }
}
