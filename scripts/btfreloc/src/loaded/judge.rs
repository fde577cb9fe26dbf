// SPDX-License-Identifier: GPL-2.0

//! What became of the BTF of one module, by all that is known of it.

use super::advice::Advice;
use super::file::Found;
use super::log::Event;
use super::row::{By, Row, State};
use super::said::Said;

const REPLACED: &str = "its file was replaced since it was loaded";

/// What is known of a module.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) module: String,
    pub(super) loaded: bool,
    /// Where rust_btfreloc was when it was loaded.
    pub(super) ours: Ours,
    pub(super) btf: KernelBtf,
    /// Its code reads ids of types.
    pub(super) has_ids: bool,
    /// What rust_btfreloc reports of it.
    pub(super) report: Option<Said>,
    /// The last that the log says of it.
    pub(super) event: Option<Event>,
    /// What is in its file, where that was looked at.
    pub(super) file: Option<Found>,
}

/// Where rust_btfreloc was when a module was loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ours {
    /// It is not loaded.
    Absent,
    /// It was loaded later.
    Later,
    /// It was there, and its reports can be read.
    There,
    /// It was there, and its reports cannot be read.
    Unseen,
}

/// The BTF that the kernel has registered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum KernelBtf {
    No,
    /// Nothing in it contradicts vmlinux.
    Fits,
    /// This does.
    Contradicts(String),
    /// It cannot be read.
    Unread(String),
}

/// What became of it, with who decided and why.
struct Finding {
    state: State,
    by: Option<By>,
    reason: Option<String>,
    ids: Option<String>,
    supplied: Option<String>,
}

impl Facts {
    /// What is to be reported.
    pub(super) fn judge(self, advice: &Advice) -> Row {
        let finding = self.finding();
        let state = finding.state;
        let file = self.file.as_ref();
        let would = file.and_then(|file| file.would.clone());
        // Of what is as it should be, nothing would be changed by loading it again.
        let would = would.filter(|_| state.is_finding() || state == State::NotLoaded);
        let in_place = file.and_then(|file| file.in_place.as_ref()?.makes.clone());
        let would = would.filter(|_| finding.by != Some(By::RustBtfreloc));
        Row {
            to_do: advice.to_do(state, &self),
            file: file.map(|file| file.path.display().to_string()),
            with_rust_btfreloc: would.filter(|_| advice.why_not().is_none()),
            in_place: in_place.filter(|_| state.is_finding()),
            loaded: self.loaded,
            btf: self.btf != KernelBtf::No,
            state,
            by: finding.by,
            reason: finding.reason,
            ids: finding.ids.or_else(|| self.ids(state)),
            supplied: finding.supplied,
            module: self.module,
        }
    }

    fn finding(&self) -> Finding {
        if !self.loaded {
            return self.not_loaded();
        }
        if let Some(said) = self.said() {
            return said;
        }
        match &self.btf {
            KernelBtf::Unread(error) => Finding {
                by: None,
                ..Finding::by_kernel(State::Unread, Some(unread(error)))
            },
            KernelBtf::Contradicts(error) => {
                Finding::by_kernel(State::WrongTypes, Some(error.clone()))
            }
            KernelBtf::Fits => self.fitting(),
            KernelBtf::No => self.without_btf(),
        }
    }

    /// What rust_btfreloc has reported or logged, where it is of this load: what it says agrees with
    /// what the kernel has.
    fn said(&self) -> Option<Finding> {
        let logged = match &self.event {
            Some(Event::Decided(line)) => Said::parse(line),
            _ => None,
        };
        let said = self.report.clone().or(logged)?;
        self.agrees(said)
    }

    /// `said`, if the kernel has registered what that says: of a load before, the log may say something else.
    fn agrees(&self, said: Said) -> Option<Finding> {
        let agrees = match said.state {
            State::Dropped | State::NoBtf | State::Refused => self.btf == KernelBtf::No,
            State::LeftToKernel => true,
            _ => matches!(self.btf, KernelBtf::Fits | KernelBtf::Unread(_)),
        };
        let by = match said.state {
            State::LeftToKernel => By::Kernel,
            _ => By::RustBtfreloc,
        };
        agrees.then_some(Finding {
            state: said.state,
            by: Some(by),
            reason: said.words,
            ids: said.ids,
            supplied: said.supplied,
        })
    }

    /// Its file, if that is what it was loaded from for all that is known.
    fn loaded_file(&self) -> Option<&Found> {
        self.file
            .as_ref()
            .filter(|file| file.loaded_from != Some(false))
    }

    /// Nothing in what is registered contradicts vmlinux.
    fn fitting(&self) -> Finding {
        let file = self.loaded_file();
        match self.ours {
            Ours::Unseen => self.by_its_file().unwrap_or_else(|| Finding {
                by: None,
                ..Finding::by_kernel(State::Valid, None)
            }),
            // What was there before may have been other types of this kernel.
            _ if self.file.as_ref().is_some_and(|file| file.is_changed) => {
                Finding::by_kernel(State::Replaced, Some(REPLACED.to_owned()))
            }
            _ => match file.filter(|file| file.misread) {
                Some(file) => Finding::by_kernel(State::WrongTypes, file.reason.clone()),
                None => Finding::by_kernel(State::AsBuilt, None),
            },
        }
    }

    /// What rust_btfreloc has done, by what it would do with the file: it decides alike.
    fn by_its_file(&self) -> Option<Finding> {
        let would = self.loaded_file()?.would.as_ref()?;
        let said = Said::parse(&format!("BTF {would}"))?;
        self.agrees(said)
    }

    fn without_btf(&self) -> Finding {
        let file = self.loaded_file();
        let has_none = file.is_some_and(|file| file.unread.is_none() && !file.has_btf);
        // Where it was loaded from a file without BTF, that of another was refused before.
        let event = self.event.as_ref().filter(|_| !has_none);
        if let Some(Event::Failed(error, reason)) = event {
            // It is loaded nevertheless.
            let reason = reason.as_ref().unwrap_or(error);
            let reason = format!("the kernel refused it: {reason}");
            return Finding::by_kernel(State::Missing, Some(reason));
        }
        if let Some(finding) = self.by_its_file().filter(|_| self.ours == Ours::Unseen) {
            return finding;
        }
        match &self.file {
            None => Finding::none(Some("its file is not known".to_owned())),
            Some(file) if file.loaded_from == Some(false) => {
                Finding::none(Some(REPLACED.to_owned()))
            }
            Some(file) => match &file.unread {
                Some(error) => Finding::none(Some(error.clone())),
                None if file.has_btf => Finding {
                    by: None,
                    ..Finding::by_kernel(State::Missing, file.reason.clone())
                },
                None => Finding::none(None),
            },
        }
    }

    fn not_loaded(&self) -> Finding {
        if let Some(Event::Failed(error, reason)) = &self.event {
            let reason = match reason {
                Some(reason) => format!("{reason} (error {error})"),
                None => format!("error {error}"),
            };
            return Finding::by_kernel(State::Failed, Some(reason));
        }
        let file = self.file.as_ref();
        let (state, reason) = match file {
            Some(file) if file.unread.is_some() => (State::NotLoadedFinding, file.unread.clone()),
            Some(file) if file.clean => (State::NotLoaded, file.reason.clone()),
            Some(file) => (State::NotLoadedFinding, file.reason.clone()),
            None => (State::BuiltIn, None),
        };
        Finding {
            by: None,
            ..Finding::by_kernel(state, reason)
        }
    }

    /// What of it cannot be read, for the errors of the report.
    pub(super) fn unread(&self) -> Option<String> {
        match &self.btf {
            KernelBtf::Unread(error) => Some(format!("{}: {}", self.module, unread(error))),
            _ => None,
        }
    }

    fn ids(&self, state: State) -> Option<String> {
        let words = match state {
            State::Unread => return None,
            State::AsBuilt | State::Replaced => "as built",
            State::WrongTypes => "they name other types as well",
            _ => "as in its file",
        };
        self.has_ids.then(|| words.to_owned())
    }
}

fn unread(error: &str) -> String {
    format!("what the kernel has registered cannot be read: {error}")
}

impl Finding {
    fn by_kernel(state: State, reason: Option<String>) -> Self {
        Finding {
            state,
            by: Some(By::Kernel),
            reason,
            ids: None,
            supplied: None,
        }
    }

    fn none(reason: Option<String>) -> Self {
        Finding {
            by: None,
            ..Self::by_kernel(State::NoBtf, reason)
        }
    }
}
