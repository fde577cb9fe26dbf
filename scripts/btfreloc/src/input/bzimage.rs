// SPDX-License-Identifier: GPL-2.0

//! The compressed kernel inside of a vmlinuz for x86 (`Documentation/arch/x86/boot.rst`).

use anyhow::{ensure, Context, Result};
use rust_btfreloc::btf::read_u32;

use super::unpack::Packing;

// Byte offsets of fields in the setup header.
const SETUP_SECTS: usize = 0x1f1;
const MAGIC: usize = 0x202;
const VERSION: usize = 0x206;
const PAYLOAD_OFFSET: usize = 0x248;
const PAYLOAD_LENGTH: usize = 0x24c;

/// The first version of the boot protocol that says where the payload is.
const WITH_PAYLOAD: u16 = 0x0208;
const SECTOR: usize = 512;
const ELF: &[u8] = b"\x7fELF";

/// Whether `bytes` begin like a vmlinuz for x86.
pub(super) fn is_bzimage(bytes: &[u8]) -> bool {
    let magic = bytes.get(MAGIC..).unwrap_or(&[]);
    // An ELF file may hold anything there.
    magic.starts_with(b"HdrS") && !bytes.starts_with(ELF)
}

/// The vmlinux that `image` unpacks to when it boots, and what it was packed with.
pub(super) fn vmlinux(image: &[u8]) -> Result<(Vec<u8>, Option<Packing>)> {
    let payload = payload(image).context("boot header (offset 0x1f1)")?;
    if payload.starts_with(ELF) {
        return Ok((payload.to_vec(), None));
    }
    let packing = Packing::of(payload).with_context(|| {
        let first = payload.iter().take(4).map(|byte| format!("{byte:02x}"));
        let first = first.collect::<String>();
        format!("the kernel in it is compressed in a way that is not known (first bytes {first})")
    })?;
    let vmlinux = packing.unpack_payload(payload);
    Ok((vmlinux.context("the kernel in it")?, Some(packing)))
}

fn payload(image: &[u8]) -> Result<&[u8]> {
    let version = read_u32(image, VERSION).context("cut short")? as u16;
    ensure!(
        version >= WITH_PAYLOAD,
        "boot protocol {}.{:02} does not say where the kernel is",
        version >> 8,
        version & 0xff
    );
    // 0 stands for 4, as the first loaders had it.
    let sectors = match image.get(SETUP_SECTS).copied().unwrap_or(0) {
        0 => 4,
        sectors => usize::from(sectors),
    };
    let offset = read_u32(image, PAYLOAD_OFFSET).context("cut short")? as usize;
    let length = read_u32(image, PAYLOAD_LENGTH).context("cut short")? as usize;
    let start = (sectors + 1) * SECTOR + offset;
    image.get(start..start + length).with_context(|| {
        let len = image.len();
        format!(
            "the kernel should be bytes {start} to {} of {len}",
            start + length
        )
    })
}
