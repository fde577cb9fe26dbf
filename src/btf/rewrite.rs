// SPDX-License-Identifier: GPL-2.0

//! Gives types new ids and strings, in place.

use super::record::shape_of;
use super::{to_usize, Starts, RECORD_LEN};

/// Maps each type id and each string offset in `types`, which are records one after the other.
///
/// `None` at the first record that cannot be read, and at the first id that has no new one; what is
/// before it is mapped then.
#[inline]
pub fn rewrite(
    types: &mut [u8],
    new_id: impl Fn(u32) -> Option<u32>,
    new_string: impl Fn(u32) -> u32,
) -> Option<()> {
    let new_string = |off| Some(new_string(off));
    let mut rest = types;
    while !rest.is_empty() {
        let (head, after) = rest.split_first_chunk_mut::<{ to_usize(RECORD_LEN) }>()?;
        let (shape, vlen) = shape_of(u32::from_ne_bytes(*word(head, 4)?))?;
        rest = after;
        map(head, 0, new_string)?;
        if shape.refers {
            map(head, 8, &new_id)?;
        }
        // Most types end here.
        if shape.extra != 0 {
            let (extra, after) = rest.split_at_mut_checked(usize::from(shape.extra))?;
            for at in 0..usize::from(shape.extra_ids) {
                map(extra, at.wrapping_mul(4), &new_id)?;
            }
            rest = after;
        }
        if shape.elem != 0 {
            let elements = to_usize(shape.elements_len(vlen));
            let (elements, after) = rest.split_at_mut_checked(elements)?;
            match shape.elem {
                8 => each::<8>(elements, shape.starts, &new_id, &new_string)?,
                12 => each::<12>(elements, shape.starts, &new_id, &new_string)?,
                4 => each::<4>(elements, shape.starts, &new_id, &new_string)?,
                _ => return None,
            }
            rest = after;
        }
    }
    Some(())
}

/// Maps what each element, of `N` bytes, starts with.
#[inline]
fn each<const N: usize>(
    elements: &mut [u8],
    starts: Starts,
    new_id: impl Fn(u32) -> Option<u32>,
    new_string: impl Fn(u32) -> Option<u32>,
) -> Option<()> {
    let mut rest = elements;
    match starts {
        Starts::Plain => {}
        Starts::Name => {
            while let Some((element, after)) = rest.split_first_chunk_mut::<N>() {
                map(element, 0, &new_string)?;
                rest = after;
            }
        }
        Starts::Id => {
            while let Some((element, after)) = rest.split_first_chunk_mut::<N>() {
                map(element, 0, &new_id)?;
                rest = after;
            }
        }
        Starts::TwoIds => {
            while let Some((element, after)) = rest.split_first_chunk_mut::<N>() {
                map(element, 0, &new_id)?;
                map(element, 4, &new_id)?;
                rest = after;
            }
        }
        Starts::NameAndId => {
            while let Some((element, after)) = rest.split_first_chunk_mut::<N>() {
                map(element, 0, &new_string)?;
                map(element, 4, &new_id)?;
                rest = after;
            }
        }
    }
    Some(())
}

/// The word at byte `at`.
#[inline]
fn word(bytes: &mut [u8], at: usize) -> Option<&mut [u8; 4]> {
    bytes.get_mut(at..)?.first_chunk_mut()
}

#[inline]
fn map(bytes: &mut [u8], at: usize, new: impl Fn(u32) -> Option<u32>) -> Option<()> {
    let word = word(bytes, at)?;
    *word = new(u32::from_ne_bytes(*word))?.to_ne_bytes();
    Some(())
}
