// SPDX-License-Identifier: GPL-2.0

//! A kernel's BTF with the tables that find its types, built once for all modules.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result};
use rust_btfreloc::btf::{self, verify, Bits, Blob, Form, Known, Reason, Section};
use rust_btfreloc::reloc::{Base, BaseSize};

use super::installed::{self, find, OSRELEASE};
use super::{file, label, Banner, Image, SuppliedTables};

/// A kernel that modules are to be loaded on.
pub struct Kernel {
    label: String,
    banner: Option<Banner>,
    machine: Option<u16>,
    bytes: Vec<u8>,
    size: BaseSize,
    offsets: Vec<u32>,
    index: Vec<u32>,
    supplied: SuppliedTables,
}

impl Kernel {
    /// Reads the kernel that `name` stands for: a file, standard input or an installed release.
    ///
    /// # Errors
    ///
    /// There is no such kernel, or it has no BTF that holds.
    pub fn read(name: &Path) -> Result<Self> {
        Self::of(label(name), Image::read(&file(name)?)?, Path::new("/"))
    }

    /// The kernel that runs on the machine of `root`, called by its release.
    ///
    /// # Errors
    ///
    /// It shows no BTF, or none that holds.
    pub fn running(root: &Path) -> Result<Self> {
        let (release, btf) = installed::running(root)
            .with_context(|| format!("{}: cannot be read", root.join(OSRELEASE).display()))?;
        let none = "this kernel shows no BTF of its own: it needs CONFIG_DEBUG_INFO_BTF=y";
        Self::of(release, Image::read(&btf).context(none)?, root)
    }

    fn of(label: String, image: Image, root: &Path) -> Result<Self> {
        let file = image.label.clone();
        let banner = banner(&image, root);
        let machine = machine(&image);
        let bytes = btf(image).with_context(|| file.clone())?;
        let kernel = Self::new(label, bytes).map_err(|error| match error.reason {
            Reason::StringsNoEmpty => Error::msg(format!(
                "{file}: the BTF of a module, split off a kernel's: name a kernel"
            )),
            _ => Error::msg(format!("{file}: {error}")),
        })?;
        Ok(Kernel {
            banner,
            machine,
            ..kernel
        })
    }

    /// Builds the tables of `bytes`, in which the kernel would find nothing wrong.
    fn new(label: String, bytes: Vec<u8>) -> Result<Self, btf::Error> {
        let blob = Blob::parse(Section::Vmlinux, Form::Base, &bytes)?;
        let size = BaseSize::of(&blob, Known::LINUX_7_3)?;
        let mut offsets = vec![0; size.offsets_len()];
        let mut index = vec![0; size.index_len()];
        let base = Base::build(blob, size, &mut offsets, &mut index)?;
        // What is damaged would be blamed on the modules.
        let mut identifiers = vec![0; Bits::needs(blob.strings_len())];
        verify::kernel_verdict(base.btf(), &base.known(), &mut Bits::new(&mut identifiers))?;
        verify::references(base.btf())?;
        Ok(Kernel {
            label,
            banner: None,
            machine: None,
            bytes,
            size,
            offsets,
            index,
            supplied: SuppliedTables::default(),
        })
    }

    /// How the kernel is named in what is printed: as it was typed.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Its release, where that was found.
    pub fn release(&self) -> Option<&str> {
        self.banner().map(Banner::release)
    }

    /// Whether it is the one that runs in `root`, where its release is known.
    pub fn is_running(&self, root: &Path) -> bool {
        let running = installed::running(root).map(|(release, _)| release);
        running.is_some() && running.as_deref() == self.release()
    }

    /// What it says of itself, where that was found.
    pub fn banner(&self) -> Option<&Banner> {
        self.banner.as_ref()
    }

    /// The machine that its image is for (`e_machine`); `None` for raw BTF.
    pub fn machine(&self) -> Option<u16> {
        self.machine
    }

    /// Its BTF, raw.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its BTF with its tables.
    ///
    /// # Panics
    ///
    /// Never: the bytes were parsed before.
    pub fn base(&self) -> Base<'_> {
        let blob = Blob::parse(Section::Vmlinux, Form::Base, &self.bytes);
        let blob = blob.expect("parsed before");
        let release = self.release().map(str::as_bytes);
        Base::from_parts(blob, self.size, &self.offsets, &self.index).of_release(release)
    }

    /// Its BTF as that of the kernel that modules were built for.
    pub fn supplied_base(&self) -> Option<Base<'_>> {
        self.supplied.base(&self.bytes)
    }
}

/// The file that `name` stands for.
fn file(name: &Path) -> Result<PathBuf> {
    let is_release = name.components().count() == 1 && !name.is_file();
    match name.to_str() {
        Some(release) if is_release && !file::is_stream(name) => find(Path::new("/"), release),
        _ => Ok(name.to_owned()),
    }
}

/// The banner in a kernel's image, or that of the running kernel, which shows its BTF alone.
fn banner(image: &Image, root: &Path) -> Option<Banner> {
    match image.elf().ok()? {
        Some(elf) => Banner::of(&elf),
        None => {
            installed::running(root).filter(|(_, btf)| *btf == image.path)?;
            Banner::read(&fs::read_to_string(root.join("proc/version")).ok()?)
        }
    }
}

fn machine(image: &Image) -> Option<u16> {
    // Of the header, e_machine.
    image.elf().ok()??;
    let bytes = image.bytes.get(18..20)?;
    Some(u16::from_ne_bytes(bytes.try_into().ok()?))
}

/// The kernel's BTF, without the rest of its file.
fn btf(image: Image) -> Result<Vec<u8>> {
    let found = match image.elf()? {
        None => None,
        Some(elf) => {
            let data = elf.section(b".BTF").and_then(|section| elf.data(&section));
            let none = "no .BTF section: this kernel was built without CONFIG_DEBUG_INFO_BTF";
            Some(data.context(none)?.to_vec())
        }
    };
    Ok(found.unwrap_or(image.bytes))
}
