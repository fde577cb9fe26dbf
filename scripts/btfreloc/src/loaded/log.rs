// SPDX-License-Identifier: GPL-2.0

//! What the kernel log says of the BTF of modules (`Documentation/ABI/testing/dev-kmsg`).

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Error, Result};

/// More than a kernel keeps.
const LIMIT: usize = 32 << 20;
/// No record is longer (`PRINTKRB_RECORD_MAX`).
const RECORD: usize = 16 << 10;

const OURS: &str = "rust_btfreloc: ";
const VERIFIER: &str = "BPF:";
const REFUSED: &str = "failed to validate module [";

/// The last that was said of each module.
#[derive(Debug, Default)]
pub(super) struct Log(HashMap<String, Event>);

/// What was said of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// By rust_btfreloc, from `BTF` on.
    Decided(String),
    /// By the kernel, which refused its BTF: the error, and its reason where it gave one.
    Failed(String, Option<String>),
}

impl Log {
    /// The log of the machine in `root`.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(root.join("dev/kmsg"))?;
        let (mut text, mut record) = (Vec::new(), vec![0; RECORD]);
        while text.len() < LIMIT {
            match file.read(&mut record) {
                Ok(0) => break,
                Ok(len) => text.extend_from_slice(&record[..len]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // What was to come next was overwritten in the meantime.
                Err(error) if error.raw_os_error() == Some(libc::EPIPE) => {}
                Err(error) => return Err(Error::from(error)),
            }
        }
        Ok(Self::of(&String::from_utf8_lossy(&text)))
    }

    fn of(text: &str) -> Self {
        let mut log = Log::default();
        let mut reason = None;
        // After a record, lines that begin with a blank describe its device.
        let records = text.lines().filter(|line| !line.starts_with(' '));
        for said in records.filter_map(|line| Some(line.split_once(';')?.1)) {
            if let Some(words) = said.strip_prefix(VERIFIER) {
                let words = words.trim();
                if !words.is_empty() {
                    reason = Some(words.to_owned());
                }
            } else if let Some((name, error)) = said.strip_prefix(REFUSED).and_then(refused) {
                log.note(name, Event::Failed(error.to_owned(), reason.take()));
            } else if let Some((name, words)) = said.strip_prefix(OURS).and_then(decided) {
                log.note(name, Event::Decided(words.to_owned()));
            }
        }
        log
    }

    fn note(&mut self, module: &str, event: Event) {
        self.0.insert(module.to_owned(), event);
    }

    /// The last that was said of a module.
    pub(super) fn of_module(&self, module: &str) -> Option<&Event> {
        self.0.get(module)
    }

    /// The modules that the kernel refused when they were loaded last.
    pub(super) fn refused(&self) -> impl Iterator<Item = &str> {
        let refused = |event: &Event| matches!(event, Event::Failed(..));
        let refused = self.0.iter().filter(move |(_, event)| refused(event));
        refused.map(|(name, _)| name.as_str())
    }
}

/// `NAME] BTF: ERROR`
fn refused(rest: &str) -> Option<(&str, &str)> {
    rest.split_once("] BTF: ")
}

/// `NAME: BTF ...`
fn decided(rest: &str) -> Option<(&str, &str)> {
    let (name, words) = rest.split_once(": ")?;
    words.starts_with("BTF ").then_some((name, words))
}
