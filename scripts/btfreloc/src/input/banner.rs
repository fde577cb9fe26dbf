// SPDX-License-Identifier: GPL-2.0

//! What a kernel says of itself in its first line (`linux_banner`, `init/version-timestamp.c`):
//! `Linux version RELEASE (USER@HOST) (COMPILER, LINKER) #BUILD...`.

use rust_btfreloc::elf::Elf;

const BEGIN: &[u8] = b"Linux version ";
/// Most bytes of a release (`__NEW_UTS_LEN`).
const RELEASE: usize = 64;

/// The banner of a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Banner(String);

impl Banner {
    /// The one in a kernel's image.
    pub(super) fn of(elf: &Elf<'_>) -> Option<Self> {
        let data = elf.data(&elf.section(b".rodata")?)?;
        let banners = data.windows(BEGIN.len()).enumerate();
        let mut banners = banners.filter(|(_, there)| *there == BEGIN);
        banners.find_map(|(at, _)| {
            let line = data[at..].split(|byte| *byte == b'\n' || *byte == 0).next();
            Self::read(&String::from_utf8_lossy(line?))
        })
    }

    /// The one that begins `text`, such as that of `/proc/version`; not a format that is yet to be
    /// filled in.
    pub fn read(text: &str) -> Option<Self> {
        let banner = Banner(text.lines().next()?.to_owned());
        let release = banner.release();
        let is_release = release.starts_with(|first: char| first.is_ascii_digit());
        (is_release && release.len() <= RELEASE && text.as_bytes().starts_with(BEGIN))
            .then_some(banner)
    }

    /// The release.
    pub fn release(&self) -> &str {
        let release = self.0.get(BEGIN.len()..).unwrap_or_default();
        release.split(' ').next().unwrap_or_default()
    }

    /// What the compiler and the linker called themselves: `gcc (Debian 14.2.0-19) 14.2.0, GNU ld ...`.
    pub fn compiler(&self) -> Option<&str> {
        // Names of packages stand in parentheses themselves.
        let (_, rest) = self.0.split_once(") (")?;
        let (end, _) = rest.match_indices(')').find(|(at, _)| {
            let before = &rest[..*at];
            before.matches('(').count() == before.matches(')').count()
        })?;
        Some(&rest[..end])
    }
}
