// SPDX-License-Identifier: GPL-2.0

//! A file that another takes the place of, with all that it has besides its bytes: mode, owner, times and
//! extended attributes.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, FileTimes, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{ensure, Context, Result};
use rustix::buffer::spare_capacity;
use rustix::fs::{getxattr, getxattr_query, listxattr, setxattr, syncfs, XattrFlags};
use rustix::io::Errno;
use tempfile::NamedTempFile;

use crate::output;

/// What ends the name of a backup.
const BACKUP: &str = ".orig";
/// The attribute that signs the bytes of a file (`security/integrity/ima`).
const SIGNED: &[u8] = b"security.ima";
/// The one that the kernel itself makes of the others (`security/integrity/evm`).
const SEALED: &[u8] = b"security.evm";

/// A file as it was before it was read.
#[derive(Debug)]
pub struct Original {
    /// Without links.
    path: PathBuf,
    before: Metadata,
    attributes: Vec<(OsString, Vec<u8>)>,
}

impl Original {
    /// Looks at the file `path`.
    ///
    /// # Errors
    ///
    /// There is none, or it may not be looked at.
    pub fn of(path: &Path) -> Result<Self> {
        let path = fs::canonicalize(path)?;
        let before = fs::metadata(&path)?;
        ensure!(before.is_file(), "not a regular file");
        let attributes = attributes(&path)?;
        Ok(Original {
            path,
            before,
            attributes,
        })
    }

    /// Where it is, without links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file has a signature beside its bytes, which is not kept as it is not valid for others.
    pub fn is_signed(&self) -> bool {
        let mut names = self.attributes.iter().map(|(name, _)| name.as_bytes());
        names.any(|name| name == SIGNED)
    }

    /// Where the file is kept that is replaced, if that is asked for.
    pub fn backup(&self) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(BACKUP);
        path.into()
    }

    /// Writes a file with these bytes beside it, which has all else of it.
    ///
    /// # Errors
    ///
    /// It cannot be written, or not be given what the old one has; then it is gone again.
    pub fn prepare(self, bytes: &[u8]) -> Result<Prepared> {
        let new = output::temporary(&self.path, bytes)?;
        output::keep_owner(&self.before, &new)?;
        for (name, value) in &self.attributes {
            keep_attribute(new.path(), name, value).with_context(|| {
                format!("its attribute {} cannot be kept", name.to_string_lossy())
            })?;
        }
        fs::set_permissions(new.path(), self.before.permissions())?;
        keep_times(&self.before, new.as_file())?;
        Ok(Prepared { old: self, new })
    }

    fn is_unchanged(&self) -> Result<()> {
        let now = fs::metadata(&self.path)?;
        // A file changes as well where another of its names is given to its successor.
        let has_one_name = self.before.nlink() == 1;
        let stamp = |of: &Metadata| {
            let ctime = has_one_name.then(|| (of.ctime(), of.ctime_nsec()));
            let times = (of.mtime(), of.mtime_nsec(), ctime);
            (of.dev(), of.ino(), of.len(), times)
        };
        ensure!(
            stamp(&now) == stamp(&self.before),
            "changed by somebody else meanwhile: run this again"
        );
        Ok(())
    }

    /// Gives the file its second name; the first one goes with the next step.
    fn keep(&self) -> Result<()> {
        let backup = self.backup();
        let kept = fs::hard_link(&self.path, &backup);
        kept.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => anyhow::anyhow!(
                "{} is there already: remove it, or leave out --backup",
                backup.display()
            ),
            _ => anyhow::Error::from(error).context(format!("{}", backup.display())),
        })
    }
}

/// A file that is to take the place of another. It goes unless it does.
#[derive(Debug)]
pub struct Prepared {
    old: Original,
    new: NamedTempFile,
}

impl Prepared {
    /// Writes them to the disk, where each file system has to be asked but once. Whether that was done is
    /// asked of each file in [`Prepared::put`]: kernels before 5.8 do not report it here, and others only
    /// what came after the file was opened by which they are asked.
    ///
    /// # Errors
    ///
    /// They cannot be written there.
    pub fn sync<'p>(all: impl Iterator<Item = &'p Self>) -> io::Result<()> {
        let mut done = HashSet::new();
        for Prepared { old, new } in all {
            if done.insert(old.before.dev()) {
                syncfs(new)?;
            }
        }
        Ok(())
    }

    /// Puts the new file in the place of the old one, which is kept as [`Original::backup`] where
    /// `with_backup`.
    ///
    /// What reads the file meanwhile sees the old one or the new one, never a part.
    ///
    /// # Errors
    ///
    /// The new one is not on the disk, the old one was changed meanwhile or cannot be kept. That is whole
    /// then, and in its place.
    pub fn put(self, with_backup: bool) -> Result<()> {
        // A name that leads to nothing must not be all that is left after a power cut.
        self.new.as_file().sync_all()?;
        self.old.is_unchanged()?;
        if with_backup {
            self.old.keep()?;
        }
        let put = self.new.persist(&self.old.path);
        put.map_err(|error| error.error)?;
        Ok(())
    }
}

/// The extended attributes of a file that are valid for any bytes, and [`SIGNED`].
fn attributes(path: &Path) -> io::Result<Vec<(OsString, Vec<u8>)>> {
    let mut names = Vec::with_capacity(4096);
    match listxattr(path, spare_capacity(&mut names)) {
        // The file system has none.
        Err(Errno::NOTSUP) => return Ok(Vec::new()),
        listed => listed?,
    };
    let names = names.split(|byte| *byte == 0);
    let names = names.filter(|name| !name.is_empty() && *name != SEALED);
    let attribute = |name: &[u8]| {
        let name = OsString::from_vec(name.to_vec());
        let len = getxattr_query(path, &*name)?;
        let mut value = Vec::with_capacity(len);
        if len != 0 {
            getxattr(path, &*name, spare_capacity(&mut value))?;
        }
        Ok((name, value))
    };
    names.map(attribute).collect()
}

fn keep_attribute(path: &Path, name: &OsStr, value: &[u8]) -> io::Result<()> {
    let new = attributes(path)?;
    let has_it = new
        .iter()
        .any(|(other, found)| other == name && found == value);
    match has_it || name.as_bytes() == SIGNED {
        true => Ok(()),
        false => Ok(setxattr(path, name, value, XattrFlags::empty())?),
    }
}

fn keep_times(old: &Metadata, new: &File) -> io::Result<()> {
    let times = FileTimes::new()
        .set_accessed(old.accessed()?)
        .set_modified(old.modified()?);
    new.set_times(times)
}
