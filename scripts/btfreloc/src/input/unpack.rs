// SPDX-License-Identifier: GPL-2.0

//! What modules and kernels are compressed with, recognised by the first bytes.

use std::io::{self, Read, Write};
use std::path::Path;

use anyhow::{bail, ensure, Context, Result};
use flate2::bufread::{GzDecoder, MultiGzDecoder};
use flate2::write::GzEncoder;
use flate2::Compression;
use liblzma::bufread::XzDecoder;
use liblzma::stream::{Check, Filters, LzmaOptions, Stream};
use liblzma::write::XzEncoder;
use lz4_flex::frame::FrameDecoder;

/// Most bytes that are unpacked: more than any kernel has, and less than would do harm.
const LIMIT: u64 = 2 << 30;
/// The largest window of zstd.
const WINDOW_LOG: u32 = 31;

/// A way to compress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// gzip
    Gzip,
    /// xz, with the filters that kernels use
    Xz,
    /// Zstandard
    Zstd,
    /// lz4, in its frame or in the old form that kernels use
    Lz4,
}

const MAGICS: [(&[u8], Packing); 5] = [
    (b"\x1f\x8b", Packing::Gzip),
    (b"\xfd7zXZ\0", Packing::Xz),
    (b"\x28\xb5\x2f\xfd", Packing::Zstd),
    (b"\x02\x21\x4c\x18", Packing::Lz4),
    (b"\x04\x22\x4d\x18", Packing::Lz4),
];

impl Packing {
    /// What `bytes` begin like; `None` for what is not compressed.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let found = MAGICS.iter().find(|(magic, _)| bytes.starts_with(magic));
        found.map(|(_, packing)| *packing)
    }

    /// The name of its tool.
    pub fn name(self) -> &'static str {
        match self {
            Packing::Gzip => "gzip",
            Packing::Xz => "xz",
            Packing::Zstd => "zstd",
            Packing::Lz4 => "lz4",
        }
    }

    /// What a file of this name is compressed with; `None` for a name that says nothing of it.
    pub fn named(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "gz" => Some(Packing::Gzip),
            "xz" => Some(Packing::Xz),
            "zst" => Some(Packing::Zstd),
            _ => None,
        }
    }

    /// Packs a module as the kernel's build does (`scripts/Makefile.modinst`): the kernel takes no
    /// other check of xz than CRC32, and of zstd wants the length (`drivers/base/firmware_loader`).
    ///
    /// # Errors
    ///
    /// Modules are not packed like that.
    pub fn pack(self, bytes: &[u8]) -> Result<Vec<u8>> {
        match self {
            Packing::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(bytes)?;
                Ok(encoder.finish()?)
            }
            Packing::Xz => {
                let mut encoder = XzEncoder::new_stream(Vec::new(), xz_encoder()?);
                encoder.write_all(bytes)?;
                Ok(encoder.finish()?)
            }
            Packing::Zstd => {
                let mut encoder = zstd::Encoder::new(Vec::new(), zstd::DEFAULT_COMPRESSION_LEVEL)?;
                encoder.include_checksum(true)?;
                encoder.set_pledged_src_size(Some(bytes.len() as u64))?;
                encoder.write_all(bytes)?;
                Ok(encoder.finish()?)
            }
            Packing::Lz4 => bail!("modules are not kept in lz4: unpack it first"),
        }
    }

    /// Unpacks all of `bytes`, a file.
    pub(super) fn unpack(self, bytes: &[u8]) -> Result<Vec<u8>> {
        match self {
            Packing::Gzip => self.read(MultiGzDecoder::new(bytes)),
            Packing::Xz => self.read(XzDecoder::new_multi_decoder(bytes)),
            Packing::Zstd => self.read(zstd_decoder(bytes)?),
            Packing::Lz4 => self.read(FrameDecoder::new(bytes)),
        }
    }

    /// Unpacks the payload of a kernel image, after which there may be bytes that are not its own.
    pub(super) fn unpack_payload(self, bytes: &[u8]) -> Result<Vec<u8>> {
        // But for gzip, which ends with it already, the build adds the length as a last word.
        let end = bytes.len().saturating_sub(4);
        match self {
            Packing::Gzip => self.read(GzDecoder::new(bytes)),
            Packing::Xz => self.read(XzDecoder::new(&bytes[..end])),
            packing => packing.unpack(&bytes[..end]),
        }
    }

    fn read(self, reader: impl Read) -> Result<Vec<u8>> {
        let mut unpacked = Vec::new();
        let len = reader.take(LIMIT + 1).read_to_end(&mut unpacked);
        let len = len.with_context(|| format!("damaged {} data", self.name()))?;
        ensure!(
            len as u64 <= LIMIT,
            "more than 2 GiB of {} data",
            self.name()
        );
        Ok(unpacked)
    }
}

fn xz_encoder() -> Result<Stream> {
    const DICTIONARY: u32 = 1 << 20;
    const PRESET: u32 = 6;
    let mut options = LzmaOptions::new_preset(PRESET)?;
    options.dict_size(DICTIONARY);
    let mut filters = Filters::new();
    filters.lzma2(&options);
    Ok(Stream::new_stream_encoder(&filters, Check::Crc32)?)
}

fn zstd_decoder(bytes: &[u8]) -> io::Result<impl Read + '_> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes)?;
    decoder.window_log_max(WINDOW_LOG)?;
    Ok(decoder)
}
