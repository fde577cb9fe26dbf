// SPDX-License-Identifier: GPL-2.0

//! Kernels that many modules ask for.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Error, Result};

use super::Kernel;

/// The kernels of a command, each read once.
#[derive(Default)]
pub struct Kernels(Mutex<Vec<(PathBuf, Answer)>>);

/// A kernel, or why it cannot be read.
type Answer = Result<Arc<Kernel>, String>;

impl Kernels {
    /// The kernel that `name` stands for.
    ///
    /// # Errors
    ///
    /// As [`Kernel::read`].
    pub fn read(&self, name: &Path) -> Result<Arc<Kernel>> {
        // Held while it is read, so that no other thread reads it too.
        let mut read = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = read.iter().find(|(known, _)| known == name);
        let answer = match known {
            Some((_, answer)) => answer.clone(),
            None => {
                let answer = Kernel::read(name).map(Arc::new);
                let answer = answer.map_err(|error| format!("{error:#}"));
                read.push((name.to_owned(), answer.clone()));
                answer
            }
        };
        answer.map_err(Error::msg)
    }

    /// The kernel of this `name`, if it was read.
    pub fn known(&self, name: &Path) -> Option<Arc<Kernel>> {
        let read = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, answer) = read.iter().find(|(known, _)| known == name)?;
        answer.as_ref().ok().map(Arc::clone)
    }
}
