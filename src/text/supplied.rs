// SPDX-License-Identifier: GPL-2.0

//! The words for a supplied base: its file, why it was not used, and where it belongs.

use core::fmt::{Display, Formatter, Result};

use super::Name;
use crate::reloc::{SuppliedName, Unread};

/// Where the firmware loader looks last.
pub(super) const FIRMWARE: &str = "/lib/firmware";
/// Where the firmware loader looks.
const FIRMWARE_PATH: &str =
    "the firmware path (/lib/firmware, its updates or release folder, or firmware_class.path)";

/// What to do where `file`, the last of those that were supplied, is not the right one.
pub(super) fn instead_of(file: &SuppliedName<'_>, f: &mut Formatter<'_>) -> Result {
    match file.number {
        0 => {}
        1 => f.write_str("; the one before it does not match either")?,
        before => write!(f, "; the {before} before it do not match either")?,
    }
    f.write_str("; put the vmlinux BTF that the module was built with in its place")?;
    let number = file.number.saturating_add(1);
    if number < SuppliedName::MOST {
        write!(f, ", or beside it as {}", SuppliedName { number, ..*file })?;
    }
    write!(f, ", in {FIRMWARE_PATH}")
}

impl Display for SuppliedName<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "btfreloc/{}", Name(self.release))?;
        match self.number {
            0 => f.write_str(".btf"),
            number => write!(f, ".{number}.btf"),
        }
    }
}

/// Goes on after the name of the file.
impl Display for Unread {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Unread::Damaged => write!(
                f,
                "is no file, empty, or compressed in a way that the kernel does not read; put it anew in \
                 its place in {FIRMWARE_PATH}, plain, as .zst or as .xz (xz --check=crc32)"
            ),
            Unread::TooLarge => write!(
                f,
                "is too large; put the BTF of vmlinux in its place in {FIRMWARE_PATH}, not vmlinux itself"
            ),
            Unread::Device(errno) => write!(
                f,
                "cannot be read: its file system answers error {errno}; see the kernel log"
            ),
            Unread::Forbidden => f.write_str(
                "may not be read by the kernel; allow it in the policy of the security module (SELinux, IMA, ...)",
            ),
            Unread::Written => {
                f.write_str("is open for writing; load the module again when it is complete")
            }
            Unread::Memory => f.write_str(
                "was not used, as memory is short; load the module again when there is more",
            ),
            Unread::Interrupted => {
                f.write_str("was not used, as the load was interrupted; load the module again")
            }
            Unread::Slow => f.write_str(
                "was not read in time; see what keeps its file system, and load the module again",
            ),
            Unread::Other(errno) => write!(
                f,
                "was not used: the kernel answers error {errno}; load the module again"
            ),
        }
    }
}
