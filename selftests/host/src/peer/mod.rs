// SPDX-License-Identifier: GPL-2.0

//! libbpf as the peer: BTF that it parses, distills and relocates, with a safe interface.
//!
//! `btf_relocate.c` is one source for libbpf and the kernel, so what libbpf makes of a module is
//! what the kernel would make of it. All reading of types here is libbpf's, none is the core's.

mod carried;
mod compare;
pub mod dedup;
pub mod distill;
mod flatten;
pub mod judge;
mod kernel;
mod table;
pub mod walk;

pub use flatten::{flatten, Flat};

use std::ffi::{c_void, CStr};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use libbpf_sys as sys;

/// libbpf said no; holds the errno.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused(pub i32);

/// libbpf's version.
pub fn version() -> String {
    // SAFETY: both give a number and look at nothing.
    let (major, minor) = unsafe { (sys::libbpf_major_version(), sys::libbpf_minor_version()) };
    format!("{major}.{minor}")
}

/// BTF as libbpf holds it, on its base where it has one.
pub struct Btf<'b> {
    raw: NonNull<sys::btf>,
    start_id: u32,
    base: PhantomData<&'b ()>,
}

// SAFETY: libbpf ties an object to no thread.
unsafe impl Send for Btf<'_> {}
// SAFETY: what takes `&self` here only reads the object in libbpf.
unsafe impl Sync for Btf<'_> {}

impl Drop for Btf<'_> {
    fn drop(&mut self) {
        // SAFETY: `raw` came from libbpf and is freed once; the base is borrowed, not owned by it.
        unsafe { sys::btf__free(self.raw.as_ptr()) }
    }
}

impl Btf<'static> {
    /// Parses standalone BTF.
    pub fn base(bytes: &[u8]) -> Result<Self, Refused> {
        quiet();
        // SAFETY: libbpf copies the `bytes.len()` bytes.
        adopt(unsafe { sys::btf__new(data(bytes), len(bytes)) }, 1)
    }
}

impl<'b> Btf<'b> {
    /// Parses BTF split off `base`.
    pub fn split(base: &'b Btf<'_>, bytes: &[u8]) -> Result<Self, Refused> {
        // SAFETY: libbpf copies the bytes; it keeps a pointer to `base`, which 'b keeps alive, and
        // only reads through it.
        let raw = unsafe { sys::btf__new_split(data(bytes), len(bytes), base.raw.as_ptr()) };
        adopt(raw, base.end_id())
    }

    /// Makes a distilled base and the split BTF on it, as bytes in that order.
    pub fn distill(&self) -> Result<(Vec<u8>, Vec<u8>), Refused> {
        let (mut base, mut split) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: `self` is valid and only read; libbpf stores two new objects where it returns 0.
        let err = unsafe { sys::btf__distill_base(self.raw.as_ptr(), &mut base, &mut split) };
        if err != 0 {
            return Err(Refused(-err));
        }
        let base = adopt(base, 1)?;
        // Declared after its base, so dropped before it.
        let split = adopt(split, base.end_id())?;
        Ok((base.bytes(), split.bytes()))
    }

    /// Relocates split BTF on a distilled base to `base`.
    pub fn relocate<'n>(self, base: &'n Btf<'_>) -> Result<Btf<'n>, Refused> {
        // SAFETY: both are valid; `self` is changed and owned here, `base` only read.
        let err = unsafe { sys::btf__relocate(self.raw.as_ptr(), base.raw.as_ptr()) };
        if err != 0 {
            return Err(Refused(-err));
        }
        let raw = self.raw;
        std::mem::forget(self);
        Ok(Btf {
            raw,
            start_id: base.end_id(),
            base: PhantomData,
        })
    }

    /// The section as bytes, for an object that no other thread has seen yet.
    fn bytes(&self) -> Vec<u8> {
        let mut size = 0;
        // SAFETY: `raw` is valid; libbpf builds the bytes in its cache.
        let start = unsafe { sys::btf__raw_data(self.raw.as_ptr(), &mut size) };
        assert!(!start.is_null(), "libbpf has no memory");
        // SAFETY: libbpf gave `size` bytes, which live as long as the object does unchanged.
        unsafe { std::slice::from_raw_parts(start.cast::<u8>(), size as usize) }.to_vec()
    }

    /// Id of the first type that is not the base's.
    pub fn start_id(&self) -> u32 {
        self.start_id
    }

    /// One more than the last id.
    pub fn end_id(&self) -> u32 {
        // SAFETY: `raw` is valid.
        unsafe { sys::btf__type_cnt(self.raw.as_ptr()) }
    }

    /// Number of types that are not the base's.
    pub fn own_count(&self) -> u32 {
        self.end_id() - self.start_id
    }

    /// The type with this id, void included; `None` past the end.
    pub fn get(&self, id: u32) -> Option<Type<'_>> {
        // SAFETY: `raw` is valid.
        let raw = unsafe { sys::btf__type_by_id(self.raw.as_ptr(), id) }.cast::<u32>();
        if raw.is_null() {
            return None;
        }
        assert!(raw.is_aligned(), "libbpf reads types as words");
        // SAFETY: libbpf checked that a whole type stands here; it has three words and those that
        // its kind adds, and lives as long as `self`.
        let fixed = unsafe { std::slice::from_raw_parts(raw, 3) };
        let words = 3 + words_after(fixed[1]);
        // SAFETY: as above.
        let words = unsafe { std::slice::from_raw_parts(raw, words) };
        Some(Type {
            name: self.string(words[0]),
            words,
        })
    }

    /// The types that are not the base's, with their ids.
    pub fn own(&self) -> impl Iterator<Item = (u32, Type<'_>)> {
        (self.start_id..self.end_id()).map(|id| (id, self.get(id).unwrap()))
    }

    /// The string at this offset.
    pub fn string(&self, off: u32) -> &[u8] {
        // SAFETY: `raw` is valid.
        let string = unsafe { sys::btf__str_by_offset(self.raw.as_ptr(), off) };
        assert!(!string.is_null(), "no string at {off}");
        // SAFETY: libbpf checked that its strings end with NUL; it lives as long as `self`.
        unsafe { CStr::from_ptr(string) }.to_bytes()
    }

    /// Size in bytes of the type `id`, through typedefs, qualifiers and arrays.
    pub fn size_of(&self, id: u32) -> Option<u64> {
        // SAFETY: `raw` is valid.
        let size = unsafe { sys::btf__resolve_size(self.raw.as_ptr(), id) };
        u64::try_from(size).ok()
    }
}

/// A type as libbpf holds it.
#[derive(Clone, Copy)]
pub struct Type<'a> {
    pub name: &'a [u8],
    words: &'a [u32],
}

/// What a word of a type is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    Id(u32),
    Name(u32),
    Plain(u32),
}

impl<'a> Type<'a> {
    pub fn kind(&self) -> u32 {
        kind(self.words[1])
    }

    pub fn kflag(&self) -> bool {
        self.words[1] >> 31 == 1
    }

    pub fn vlen(&self) -> u32 {
        self.words[1] & 0x00ff_ffff
    }

    /// Size or type id.
    pub fn word(&self) -> u32 {
        self.words[2]
    }

    /// The words after `struct btf_type`.
    pub fn rest(&self) -> &'a [u32] {
        &self.words[3..]
    }

    /// All words, each with what it is.
    pub fn parts(&self) -> impl Iterator<Item = Word> + 'a {
        let kind = self.kind();
        let words = self.words.iter().enumerate();
        words.map(move |(at, word)| role(kind, at)(*word))
    }

    /// The type ids in it.
    pub fn ids(&self) -> impl Iterator<Item = u32> + 'a {
        self.parts().filter_map(|part| match part {
            Word::Id(id) => Some(id),
            _ => None,
        })
    }
}

pub const INT: u32 = 1;
pub const PTR: u32 = 2;
pub const ARRAY: u32 = 3;
pub const STRUCT: u32 = 4;
pub const UNION: u32 = 5;
pub const ENUM: u32 = 6;
pub const FWD: u32 = 7;
pub const TYPEDEF: u32 = 8;
pub const VOLATILE: u32 = 9;
pub const CONST: u32 = 10;
pub const RESTRICT: u32 = 11;
pub const FUNC_PROTO: u32 = 13;
pub const VAR: u32 = 14;
pub const FLOAT: u32 = 16;
pub const TYPE_TAG: u32 = 18;
pub const ENUM64: u32 = 19;

fn kind(info: u32) -> u32 {
    (info >> 24) & 0x7f
}

fn words_after(info: u32) -> usize {
    let vlen = (info & 0x00ff_ffff) as usize;
    match kind(info) {
        1 | 14 | 17 => 1,
        3 => 3,
        4 | 5 | 15 | 19 => 3 * vlen,
        6 | 13 => 2 * vlen,
        _ => 0,
    }
}

/// What the word at this place of a type of this kind is.
fn role(kind: u32, at: usize) -> fn(u32) -> Word {
    match (kind, at) {
        (_, 0) => Word::Name,
        (_, 1) => Word::Plain,
        (2 | 8..=14 | 17 | 18, 2) => Word::Id,
        (_, 2) => Word::Plain,
        (3, 3 | 4) => Word::Id,
        (4 | 5, at) => [Word::Name, Word::Id, Word::Plain][at % 3],
        (6, at) => [Word::Plain, Word::Name][at % 2],
        (13, at) => [Word::Id, Word::Name][at % 2],
        (15, at) => [Word::Id, Word::Plain, Word::Plain][at % 3],
        (19, at) => [Word::Name, Word::Plain, Word::Plain][at % 3],
        _ => Word::Plain,
    }
}

fn adopt<'b>(raw: *mut sys::btf, start_id: u32) -> Result<Btf<'b>, Refused> {
    let errno = || std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
    let raw = NonNull::new(raw).ok_or_else(|| Refused(errno()))?;
    // SAFETY: `raw` is valid. Given here, the size is not looked for when a type's size is asked,
    // which then only reads.
    unsafe { sys::btf__set_pointer_size(raw.as_ptr(), 8) };
    Ok(Btf {
        raw,
        start_id,
        base: PhantomData,
    })
}

/// What libbpf has to say goes to the result, not to stderr.
fn quiet() {
    // SAFETY: no function is installed, which silences libbpf.
    unsafe { sys::libbpf_set_print(None) };
}

fn data(bytes: &[u8]) -> *const c_void {
    bytes.as_ptr().cast()
}

fn len(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap()
}
