// SPDX-License-Identifier: GPL-2.0

//! A kernel's BTF with the tables that find its types, built once for all modules.

use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result};
use rust_btfreloc::btf::{self, verify, Bits, Blob, Form, Known, Reason, Section};
use rust_btfreloc::reloc::{Base, BaseSize};

use super::installed::{self, find};
use super::{file, label, Image};

/// A kernel that modules are to be loaded on.
pub struct Kernel {
    label: String,
    release: Option<String>,
    bytes: Vec<u8>,
    size: BaseSize,
    offsets: Vec<u32>,
    index: Vec<u32>,
}

impl Kernel {
    /// Reads the kernel that `name` stands for: a file, standard input or an installed release.
    ///
    /// # Errors
    ///
    /// There is no such kernel, or it has no BTF that holds.
    pub fn read(name: &Path) -> Result<Self> {
        let label = label(name);
        let image = Image::read(&file(name)?)?;
        let file = image.label.clone();
        let release = release(&image);
        let bytes = btf(image).with_context(|| file.clone())?;
        Self::new(label, release, bytes).map_err(|error| match error.reason {
            Reason::StringsNoEmpty => Error::msg(format!(
                "{file}: the BTF of a module, split off a kernel's: name a kernel"
            )),
            _ => Error::msg(format!("{file}: {error}")),
        })
    }

    /// Builds the tables of `bytes`, in which the kernel would find nothing wrong.
    fn new(label: String, release: Option<String>, bytes: Vec<u8>) -> Result<Self, btf::Error> {
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
            release,
            bytes,
            size,
            offsets,
            index,
        })
    }

    /// How the kernel is named in what is printed: as it was typed.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Its release, where that was found.
    pub fn release(&self) -> Option<&str> {
        self.release.as_deref()
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
        let release = self.release.as_deref().map(str::as_bytes);
        Base::from_parts(blob, self.size, &self.offsets, &self.index).of_release(release)
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

/// The release in the banner of a kernel's image (`init/version-timestamp.c`), or that of the running
/// kernel, which shows its BTF alone.
fn release(image: &Image) -> Option<String> {
    const BANNER: &[u8] = b"Linux version ";
    let root = Path::new("/");
    let Some(elf) = image.elf().ok()? else {
        let running = installed::running(root).filter(|(_, btf)| *btf == image.path);
        return running.map(|(release, _)| release);
    };
    let data = elf.data(&elf.section(b".rodata")?)?;
    let banners = data.windows(BANNER.len()).enumerate();
    let mut banners = banners.filter(|(_, there)| *there == BANNER);
    banners.find_map(|(at, _)| {
        let release = data[at + BANNER.len()..]
            .split(|byte| *byte == b' ')
            .next()?;
        // Not a format that is yet to be filled in.
        let is_release = release.first().is_some_and(u8::is_ascii_digit) && release.len() <= 64;
        is_release.then(|| String::from_utf8_lossy(release).into_owned())
    })
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
