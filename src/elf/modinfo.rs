// SPDX-License-Identifier: GPL-2.0

//! What a module says of itself in `.modinfo`: strings of the form `key=value`.
//!
//! Format: `MODULE_INFO` in `include/linux/moduleparam.h`.

use super::Elf;

/// The longest release there is (`__NEW_UTS_LEN` in `include/uapi/linux/utsname.h`).
const RELEASE_LEN: usize = 64;

impl<'a> Elf<'a> {
    /// The value of the first string of `.modinfo` with this key.
    pub fn modinfo(&self, key: &[u8]) -> Option<&'a [u8]> {
        let section = self.section(b".modinfo")?;
        let mut strings = self.data(&section)?.split(|byte| *byte == 0);
        strings.find_map(|string| string.strip_prefix(key)?.strip_prefix(b"="))
    }

    /// The release of the kernel that the module was built for, from its vermagic
    /// (`include/linux/vermagic.h`): letters, digits and `.+-_~`, so that it can be part of a
    /// file's name. `None` where it says none.
    pub fn release(&self) -> Option<&'a [u8]> {
        let magic = self.modinfo(b"vermagic")?;
        let release = magic.split(|byte| *byte == b' ').next()?;
        is_release(release).then_some(release)
    }
}

fn is_release(name: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b".+-_~".contains(byte);
    let dots = name.first() == Some(&b'.');
    !name.is_empty() && name.len() <= RELEASE_LEN && !dots && name.iter().all(allowed)
}
