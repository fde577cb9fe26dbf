// SPDX-License-Identifier: GPL-2.0

//! Whether plain split BTF was split off a kernel's.

use rust_btfreloc::btf::Error;
use rust_btfreloc::reloc::{fits_plain, Base, Input, Survey};

/// What in `btf`, a whole `.BTF` section, contradicts `base`, in words; `None` where nothing was
/// found that does.
///
/// # Errors
///
/// A header, or a record that is cut short or of a kind not known.
pub fn contradiction(base: &Base<'_>, btf: &[u8]) -> Result<Option<String>, Error> {
    let input = Input {
        btf,
        btf_base: None,
    };
    let survey = Survey::of(base, &input)?;
    let fits = fits_plain(base, &survey, &mut vec![0; survey.verify_len()]);
    Ok(fits
        .err()
        .map(|error| survey.describe(base, error).to_string()))
}
