// SPDX-License-Identifier: GPL-2.0

//! libbpf's functions, with a safe interface.

use std::ffi::{c_void, CStr};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use libbpf_sys as sys;

use super::Type;
use crate::record::{self, FIXED};

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
    pub(super) raw: NonNull<sys::btf>,
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

    /// Empty BTF split off this.
    pub(super) fn empty_split(&self) -> Result<Btf<'_>, Refused> {
        // SAFETY: `self` is valid and outlives what is split off it.
        adopt(
            unsafe { sys::btf__new_empty_split(self.raw.as_ptr()) },
            self.end_id(),
        )
    }

    /// Adds all types of `other`.
    pub(super) fn add(&mut self, other: &Btf<'_>) -> Result<(), Refused> {
        // SAFETY: both are valid; the types are copied.
        check(unsafe { sys::btf__add_btf(self.raw.as_ptr(), other.raw.as_ptr()) })
    }

    /// Adds a global VAR of the type `id`.
    pub(super) fn add_var(&mut self, name: &CStr, id: u32) -> Result<(), Refused> {
        const GLOBAL_ALLOCATED: i32 = 1;
        let id = i32::try_from(id).unwrap();
        // SAFETY: `self` is valid; the name is copied.
        check(unsafe { sys::btf__add_var(self.raw.as_ptr(), name.as_ptr(), GLOBAL_ALLOCATED, id) })
    }

    /// Makes one of types that are the same, its base's among them.
    pub(super) fn dedup(&mut self) -> Result<(), Refused> {
        // SAFETY: `self` is valid; there are no options.
        check(unsafe { sys::btf__dedup(self.raw.as_ptr(), ptr::null()) })
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
        let fixed = unsafe { std::slice::from_raw_parts(raw, FIXED) };
        let (kind, _, vlen) = record::info(fixed[1]);
        let words = FIXED + record::words_after(kind, vlen);
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

fn check(result: i32) -> Result<(), Refused> {
    match result {
        0.. => Ok(()),
        err => Err(Refused(-err)),
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
