// SPDX-License-Identifier: GPL-2.0

//! The BTF of other builds that is supplied to rust_btfreloc on a machine: the files that the kernel's
//! firmware loader finds for it (`drivers/base/firmware_loader/main.c`).

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::ensure;
use rust_btfreloc::btf::{Blob, Form, Known, Section};
use rust_btfreloc::reloc::{Base, BaseSize, SuppliedName, Unread};

use super::{Kernel, Packing};

/// Where the operator names a folder of his own (`firmware_class.path`).
const OWN_FOLDER: &str = "sys/module/firmware_class/parameters/path";
/// What a file may be compressed as, in the order in which it is looked for.
const ENDINGS: [(&str, Option<Packing>); 3] = [
    ("", None),
    (".zst", Some(Packing::Zstd)),
    (".xz", Some(Packing::Xz)),
];

/// The bases that are named on a command line instead.
///
/// # Errors
///
/// One cannot be read, or there are more than rust_btfreloc would look at.
pub fn named_bases(names: &[PathBuf]) -> anyhow::Result<Vec<Kernel>> {
    let most = usize::from(SuppliedName::MOST);
    ensure!(
        names.len() <= most,
        "--base is given {} times: rust_btfreloc looks at {most} builds of a release",
        names.len()
    );
    names.iter().map(|name| Kernel::read(name)).collect()
}

/// Those of one machine, each read once.
pub struct SuppliedBases {
    folders: Vec<PathBuf>,
    read: Mutex<HashMap<(Vec<u8>, u8), Answer>>,
}

/// What the loader answers: a file, none, or why it cannot be used.
type Answer = Result<Option<Arc<SuppliedBase>>, Unread>;

/// A file.
#[derive(Debug)]
pub struct SuppliedBase {
    /// Where it is.
    pub path: PathBuf,
    /// What is in it, unpacked.
    pub bytes: Vec<u8>,
    tables: SuppliedTables,
}

impl SuppliedBase {
    /// Its BTF with its tables; `None` where it is damaged.
    pub fn base(&self) -> Option<Base<'_>> {
        self.tables.base(&self.bytes)
    }
}

/// The tables of a supplied base, which the kernel module builds for each load: built when they are first
/// asked for, as many modules may ask.
#[derive(Debug, Default)]
pub struct SuppliedTables(OnceLock<Option<(BaseSize, Vec<u32>)>>);

impl SuppliedTables {
    /// The base of `bytes`, always the same, by the rules for a supplied one: without names, and whatever
    /// its kernel knows; `None` where they are damaged.
    pub fn base<'a>(&'a self, bytes: &'a [u8]) -> Option<Base<'a>> {
        let blob = Blob::parse(Section::Supplied, Form::Base, bytes).ok()?;
        let built = self.0.get_or_init(|| {
            let size = BaseSize::of(&blob, Known::HERE).ok()?.without_names();
            let mut offsets = vec![0; size.offsets_len()];
            let mut index = vec![0; size.index_len()];
            Base::build(blob, size, &mut offsets, &mut index).ok()?;
            Some((size, offsets))
        });
        let (size, offsets) = built.as_ref()?;
        Some(Base::from_parts(blob, *size, offsets, &[]))
    }
}

impl SuppliedBases {
    /// Those of the machine in `root`, on which the kernel `release` runs.
    pub fn of(root: &Path, release: &str) -> Self {
        let own = fs::read_to_string(root.join(OWN_FOLDER)).unwrap_or_default();
        let own = Some(own.trim_end().trim_start_matches('/')).filter(|own| !own.is_empty());
        let updates = root.join("lib/firmware/updates");
        let firmware = root.join("lib/firmware");
        let own = own.map(|own| root.join(own));
        let others = [
            updates.join(release),
            updates,
            firmware.join(release),
            firmware,
        ];
        SuppliedBases {
            folders: own.into_iter().chain(others).collect(),
            read: Mutex::default(),
        }
    }

    /// The file of this name; `None` where there is none.
    ///
    /// # Errors
    ///
    /// It cannot be used.
    pub fn get(&self, name: SuppliedName<'_>) -> Answer {
        // Held while it is read, so that no other thread reads it too.
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (name.release.to_vec(), name.number);
        let answer = read.entry(key).or_insert_with(|| self.look(name));
        answer.clone()
    }

    /// As the loader goes on: an error counts where it is that of the last folder.
    fn look(&self, name: SuppliedName<'_>) -> Answer {
        let name = name.to_string();
        for (ending, packing) in ENDINGS {
            let mut last = Ok(None);
            for folder in &self.folders {
                last = read(folder.join(format!("{name}{ending}")), packing);
                if let Ok(Some(_)) = last {
                    return last;
                }
            }
            last.as_ref().map_err(|why| *why)?;
        }
        Ok(None)
    }
}

fn read(path: PathBuf, packing: Option<Packing>) -> Answer {
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Unread::of(error.raw_os_error().unwrap_or(0))),
    };
    let bytes = match packing {
        None => Ok(bytes),
        Some(packing) => packing.unpack(&bytes),
    };
    let bytes = bytes.ok().filter(|bytes| !bytes.is_empty());
    let bytes = bytes.ok_or(Unread::Damaged)?;
    Ok(Some(Arc::new(SuppliedBase {
        path,
        bytes,
        tables: SuppliedTables::default(),
    })))
}
