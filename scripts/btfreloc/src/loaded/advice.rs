// SPDX-License-Identifier: GPL-2.0

//! What to do about the BTF of a module.

use super::judge::{Facts, Ours};
use super::row::State;

/// How rust_btfreloc is had on this machine.
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
}

impl Advice {
    /// How it is had, for a person; nothing where it is there.
    pub(super) fn how(self) -> Option<&'static str> {
        match self {
            Advice::Loaded => None,
            Advice::Installed => Some("modprobe rust_btfreloc"),
            Advice::NotInstalled => Some("install rust_btfreloc and load it"),
            Advice::NoRust => None,
        }
    }

    /// What to do about a module.
    pub(super) fn to_do(self, state: State, facts: &Facts) -> Option<String> {
        let module = &facts.module;
        let again = format!("unload {module} and load it again");
        let replaced = facts.file.as_ref().is_some_and(|file| file.fits);
        Some(match state {
            State::WrongTypes | State::Missing if replaced && facts.loaded => again,
            State::WrongTypes | State::Missing if facts.ours == Ours::Later => {
                format!("it was loaded before rust_btfreloc: {again}")
            }
            State::WrongTypes | State::Missing => self.then(&again, module),
            State::Failed => self.then(&format!("modprobe {module}"), module),
            State::Refused => "report it: the kernel did not take what was made for it".to_owned(),
            State::Opaque | State::Conflicts => {
                "build it for this kernel if BPF programs are to see these types".to_owned()
            }
            State::NotLoadedFinding if facts.file.as_ref()?.unread.is_none() => {
                return self.how().map(str::to_owned)
            }
            _ => return None,
        })
    }

    /// With rust_btfreloc, this.
    fn then(self, what: &str, module: &str) -> String {
        match self.how() {
            Some(how) => format!("{how}, then {what}"),
            None if self == Advice::NoRust => format!(
                "this kernel has no Rust (CONFIG_RUST), which rust_btfreloc needs: install the {module} \
                 that belongs to this kernel"
            ),
            None => what.to_owned(),
        }
    }
}
