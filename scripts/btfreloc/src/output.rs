// SPDX-License-Identifier: GPL-2.0

//! What is written: files whole or not at all, modules compressed as they were.

use std::fs::{self, File, Metadata};
use std::io::{stdout, BufWriter, IsTerminal, Stdout, Write};
use std::os::unix::fs::{chown, MetadataExt};
use std::path::Path;

use anstream::AutoStream;
use anyhow::{ensure, Context, Result};
use serde::Serialize;
use tempfile::{Builder, NamedTempFile};

use crate::cli::Format;
use crate::input::{is_stream, label, Image, Packing};
use crate::json;
use crate::status::warn;

/// What ends a signed module (`include/uapi/linux/module_signature.h`).
const SIGNED: &[u8] = b"~Module signature appended~\n";
/// Bytes of `struct module_signature`, the last four of which are the signature's length.
const SIGNATURE_INFO: usize = 12;

/// How a report is printed.
pub struct Form {
    /// For whom.
    pub format: Format,
    /// The command.
    pub command: &'static str,
    /// The kernels that were named.
    pub kernels: Vec<json::Named>,
}

impl Form {
    /// Prints `report`; `text` writes it for people.
    ///
    /// # Errors
    ///
    /// Standard output cannot be written.
    pub fn print<R: Serialize>(
        &self,
        report: &R,
        text: impl FnOnce(&mut BufWriter<AutoStream<Stdout>>) -> Result<()>,
    ) -> Result<()> {
        match self.format {
            Format::Text => {
                let mut out = BufWriter::new(AutoStream::auto(stdout()));
                text(&mut out)?;
                Ok(out.flush()?)
            }
            Format::Json => {
                let mut out = BufWriter::new(stdout().lock());
                json::write(&mut out, self.command, &self.kernels, report)?;
                Ok(out.flush()?)
            }
        }
    }
}

/// Puts the module `image`, edited to `elf`, into `output`, or without one back to where it came
/// from; returns whether it lost its signature, which is not valid for other bytes.
///
/// Back in its place it is compressed as it was. Elsewhere its name says how, as for modprobe;
/// a stream is not compressed.
///
/// # Errors
///
/// It cannot be compressed like that or not be written; then what was there is as it was.
pub fn put_module(image: &Image, elf: &[u8], output: Option<&Path>) -> Result<bool> {
    ensure!(
        !image.wrapping.contains(&"vmlinuz"),
        "{}: this is a kernel and not a module",
        image.label
    );
    let path = output.unwrap_or(&image.path);
    let packing = match output {
        None if !is_stream(path) => image.packing,
        _ => Packing::named(path),
    };
    let unsigned = match elf == image.bytes {
        true => elf,
        false => without_signature(elf),
    };
    write_as(packing, path, unsigned)?;
    Ok(unsigned.len() != elf.len())
}

/// As [`write`], compressed as the name says.
///
/// # Errors
///
/// As [`write`].
pub fn write_packed(path: &Path, bytes: &[u8]) -> Result<()> {
    write_as(Packing::named(path), path, bytes)
}

fn write_as(packing: Option<Packing>, path: &Path, bytes: &[u8]) -> Result<()> {
    match packing {
        None => write(path, bytes),
        Some(packing) => write(path, &packing.pack(bytes).with_context(|| label(path))?),
    }
}

/// What is to become the file `path`, beside it; compressed as that name says. It goes unless it is
/// persisted.
///
/// # Errors
///
/// It cannot be written.
pub fn temporary_packed(path: &Path, bytes: &[u8]) -> Result<NamedTempFile> {
    let packed = Packing::named(path).map(|packing| packing.pack(bytes));
    let packed = packed.transpose().with_context(|| label(path))?;
    let file = temporary(path, packed.as_deref().unwrap_or(bytes)).with_context(|| label(path))?;
    file.as_file().sync_all().with_context(|| label(path))?;
    Ok(file)
}

/// Warns that the module `label` lost its signature.
pub fn warn_unsigned(label: &str) {
    warn(&format!(
        "{label}: its signature was removed, as it is no longer valid: sign it again"
    ));
}

/// The module `elf` without its signature.
pub fn without_signature(elf: &[u8]) -> &[u8] {
    let end = || {
        let signed = elf.strip_suffix(SIGNED)?;
        let len = signed.last_chunk().copied().map(u32::from_be_bytes)?;
        signed
            .len()
            .checked_sub(SIGNATURE_INFO + usize::try_from(len).ok()?)
    };
    end().and_then(|end| elf.get(..end)).unwrap_or(elf)
}

/// Writes bytes that are not for people to a file, or to standard output where `path` is `-`.
///
/// What reads a file meanwhile sees the old one or the new one, never a part. Links lead to what is
/// replaced; mode and owner stay.
///
/// # Errors
///
/// It cannot be written, and is as it was; or standard output is a terminal.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if is_stream(path) {
        ensure!(
            !stdout().is_terminal(),
            "standard output is a terminal: name a file with -o, or send the output elsewhere"
        );
        let mut out = stdout().lock();
        let written = out.write_all(bytes).and_then(|()| out.flush());
        return written.context("standard output");
    }
    // A device or a pipe cannot be replaced.
    let written = match fs::metadata(path) {
        Ok(found) if !found.is_file() => fs::write(path, bytes).map_err(Into::into),
        _ => replace(path, bytes),
    };
    written.with_context(|| label(path))
}

fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let file = temporary(path, bytes)?;
    file.as_file().sync_all()?;
    keep_rights(path, &file)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// A file with these bytes in the folder of `path`.
pub(crate) fn temporary(path: &Path, bytes: &[u8]) -> Result<NamedTempFile> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    // Made with the mode of any new file, not as a secret.
    let mut file = Builder::new()
        .prefix(".btfreloc-")
        .make_in(folder, |path| File::create_new(path))?;
    file.write_all(bytes)?;
    Ok(file)
}

/// Gives the new file the mode and the owner of the one that it replaces.
fn keep_rights(path: &Path, file: &NamedTempFile) -> Result<()> {
    let Ok(old) = fs::metadata(path) else {
        return Ok(());
    };
    keep_owner(&old, file)?;
    Ok(fs::set_permissions(file.path(), old.permissions())?)
}

/// Gives the new file the owner of the old one.
pub(crate) fn keep_owner(old: &Metadata, file: &NamedTempFile) -> Result<()> {
    let new = file.as_file().metadata()?;
    if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
        let what = "its owner cannot be kept";
        chown(file.path(), Some(old.uid()), Some(old.gid())).context(what)?;
    }
    Ok(())
}
