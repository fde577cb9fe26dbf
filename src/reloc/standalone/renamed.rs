// SPDX-License-Identifier: GPL-2.0

//! Other names for types that stay the module's own while vmlinux has another of that name.
//!
//! The verifier goes by names. A pointer read from a STRUCT X is trusted where X__safe_rcu has a
//! field of that name and type (`btf_nested_type_is_trusted` in `kernel/bpf/btf.c`), looked up in
//! vmlinux first; X in another layout has something else at that place. So such a type is called
//! X____own in the result. Four underscores are no separator of a flavour
//! (`bpf_core_is_flavor_sep`), whatever X ends in, so that for CO-RE it is neither X nor one of X's
//! flavours.
//!
//! Under another name the verifier no longer takes it for a program's context, and with another id not
//! for one of the types that it knows by id (`kf_arg_btf_ids`). If it were a struct of scalars, a
//! program could then pass any memory for it, so it gets a member by which it is not
//! ([`crate::reloc::hollow`]).

use crate::btf::{copy, info, len_u32, put_u32, to_usize, Btf, Kind, Reason, Record, MAX_NAME_LEN};
use crate::reloc::hollow::put_words;
use crate::reloc::tables::{put, sort_by_key, Name};
use crate::reloc::Base;

/// What is put after a name that is vmlinux's.
const SUFFIX: &[u8] = b"____own";

/// What is put after the name of a STRUCT to find which of its fields are trusted.
const SAFE: [&[u8]; 4] = [
    b"__safe_rcu",
    b"__safe_rcu_or_null",
    b"__safe_trusted",
    b"__safe_trusted_or_null",
];

/// The most that the kernel puts together of a name and one of [`SAFE`], with its NUL.
const SAFE_LEN: usize = 64;

/// Types that the verifier treats by their ids in vmlinux: on a kernel that has them not yet, they
/// would be any memory.
const BY_ID: [&[u8]; 10] = [
    b"bpf_dynptr",
    b"bpf_list_head",
    b"bpf_list_node",
    b"bpf_prog_aux",
    b"bpf_rb_node",
    b"bpf_rb_root",
    b"bpf_res_spin_lock",
    b"bpf_task_work",
    b"bpf_timer",
    b"bpf_wq",
];

/// Stands for a type that keeps its name.
const AS_IT_WAS: u32 = 0;
/// Stands for a type that has no name any more, as a longer one is not allowed.
const UNNAMED: u32 = u32::MAX;

/// The most members that a type can have.
const MAX_MEMBERS: u32 = 0x00ff_ffff;

/// Which types get another name.
pub(super) struct Renamed<'a> {
    /// For each type, by id less 1, [`AS_IT_WAS`], [`UNNAMED`], or where its name is among those
    /// that are added, plus 1.
    words: &'a mut [u32],
    /// Bytes of the names that are added.
    len: u32,
}

impl<'a> Renamed<'a> {
    /// None yet, in `words`, one for each type.
    pub(super) fn new(words: &'a mut [u32]) -> Self {
        words.fill(AS_IT_WAS);
        Renamed { words, len: 0 }
    }

    /// Finds those of `kept` whose names are `base`'s for other types.
    pub(super) fn find(&mut self, base: &Base<'_>, btf: &Btf<'_>, kept: &[u32]) {
        for id in kept {
            let record = btf.record(*id);
            let named = record.filter(|record| record.name_off() != 0);
            let Some(record) = named.filter(is_composite_or_declared) else {
                continue;
            };
            let name = btf.name(record.name_off()).unwrap_or(&[]);
            if !is_taken(base, name) {
                continue;
            }
            let fits = name.len().saturating_add(SUFFIX.len()) < MAX_NAME_LEN;
            let word = match fits {
                true => 1,
                // Nothing can be done by the name of what is only declared, and it must have one.
                false if record.kind() == Kind::Fwd => AS_IT_WAS,
                false => UNNAMED,
            };
            put(self.words, index(*id), word);
        }
    }

    /// Puts `kept` in the order of the names that they will have, as the kernel's binary search wants
    /// them (`btf_check_sorted`).
    pub(super) fn sort(&self, btf: &Btf<'_>, kept: &mut [u32]) {
        sort_by_key(kept, |id| Some((self.name(btf, id)?, id)));
    }

    /// Finds each new name, of those `kept`, in their order, its place. Types of one name share it.
    ///
    /// # Errors
    ///
    /// A type that there is no room for another member in.
    pub(super) fn place(&mut self, btf: &Btf<'_>, kept: &[u32]) -> Result<(), Reason> {
        let mut last: &[u8] = &[];
        let mut at = 0u32;
        for id in kept {
            let (word, Some(record)) = (self.word(*id), btf.record(*id)) else {
                continue;
            };
            if self.is_hollow(*id, &record) && record.vlen() >= MAX_MEMBERS {
                return Err(Reason::OutputTooLarge);
            }
            if matches!(word, AS_IT_WAS | UNNAMED) {
                continue;
            }
            let name = btf.name(record.name_off()).unwrap_or(&[]);
            if name != last {
                at = self.len;
                self.len = self.len.saturating_add(added_len(name));
                last = name;
            }
            put(self.words, index(*id), at.saturating_add(1));
        }
        Ok(())
    }

    /// Whether one of `kept` gets a member of [`crate::reloc::hollow`].
    pub(super) fn any_hollow(&self, btf: &Btf<'_>, kept: &[u32]) -> bool {
        let mut kept = kept.iter().filter_map(|id| Some((*id, btf.record(*id)?)));
        kept.any(|(id, record)| self.is_hollow(id, &record))
    }

    /// Bytes of the names that are added.
    pub(super) fn len(&self) -> u32 {
        self.len
    }

    /// Bytes that the type `id`, which `record` holds, has in the result.
    pub(super) fn record_len(&self, id: u32, record: &Record<'_>) -> u32 {
        let member = match self.is_hollow(id, record) {
            true => u32::from(record.shape().elem),
            false => 0,
        };
        let len = len_u32(record.bytes()).unwrap_or(u32::MAX);
        len.saturating_add(member)
    }

    /// Writes the type `id`, which `record` holds, to `out`, of [`Renamed::record_len`] bytes, as it
    /// was but for room for the member that it gets.
    pub(super) fn copy(&self, id: u32, record: &Record<'_>, out: &mut [u8]) -> Option<()> {
        copy(out, record.bytes())?.fill(0);
        if self.is_hollow(id, record) {
            let vlen = record.vlen().saturating_add(1);
            put_u32(out, 4, info(record.kind(), record.kflag(), vlen))?;
        }
        Some(())
    }

    /// Gives the type `id`, which `record` held and `out` holds, its new name, which is one of those
    /// from `added` on, and the member that it gets, of the type `array` and the name at `plain`.
    pub(super) fn finish(
        &self,
        id: u32,
        record: &Record<'_>,
        (added, array, plain): (u32, u32, u32),
        out: &mut [u8],
    ) -> Option<()> {
        match self.word(id) {
            AS_IT_WAS => return Some(()),
            UNNAMED => put_u32(out, 0, 0)?,
            place => put_u32(out, 0, added.saturating_add(place).saturating_sub(1))?,
        }
        if !self.is_hollow(id, record) {
            return Some(());
        }
        let (_, member) = out.split_at_mut_checked(record.bytes().len())?;
        put_words(member, &[plain, array, end_bits(record)])
    }

    /// Writes the names that are added, those of `kept`, in their order, to `out`.
    pub(super) fn write(&self, btf: &Btf<'_>, kept: &[u32], out: &mut [u8]) -> Option<()> {
        let mut written = 0u32;
        let mut bytes = out.iter_mut();
        for id in kept {
            let word = self.word(*id);
            if word != written.saturating_add(1) {
                continue;
            }
            let name = self.name(btf, *id)?;
            // A byte of `bytes` is only taken where there is one to put there.
            for (from, to) in name.bytes().chain(&[0]).zip(bytes.by_ref()) {
                *to = *from;
            }
            written = written.saturating_add(added_len(name.front));
        }
        Some(())
    }

    /// The name that the type `id` will have; `None` where it is longer than names are.
    fn name<'b>(&self, btf: &Btf<'b>, id: u32) -> Option<Name<'b>> {
        let front = btf.name(btf.record(id)?.name_off())?;
        Some(match self.word(id) {
            AS_IT_WAS => Name::whole(front),
            UNNAMED => Name::whole(&[]),
            _ => Name {
                front,
                suffix: SUFFIX,
            },
        })
    }

    /// Whether the type gets a member that makes it no struct of scalars.
    fn is_hollow(&self, id: u32, record: &Record<'_>) -> bool {
        record.kind().is_composite() && self.word(id) != AS_IT_WAS
    }

    fn word(&self, id: u32) -> u32 {
        self.words.get(index(id)).copied().unwrap_or(AS_IT_WAS)
    }
}

fn index(id: u32) -> usize {
    to_usize(id.wrapping_sub(1))
}

/// Bytes of the name that is added for `name`, with its NUL.
fn added_len(name: &[u8]) -> u32 {
    let suffix = len_u32(SUFFIX).unwrap_or(0).saturating_add(1);
    len_u32(name).unwrap_or(0).saturating_add(suffix)
}

/// Whether it is a STRUCT or UNION, or a declaration, which bears the name of what it declares.
fn is_composite_or_declared(record: &Record<'_>) -> bool {
    record.kind().is_composite() || record.kind() == Kind::Fwd
}

/// Whether a type of the module that is not vmlinux's would pass by `name` for one that is, or for
/// what vmlinux says of the fields of one.
fn is_taken(base: &Base<'_>, name: &[u8]) -> bool {
    let safe_for_theirs = SAFE.iter().any(|suffix| {
        let front = name.strip_suffix(*suffix);
        front.is_some_and(|front| has(base, front))
    });
    let by_id = BY_ID.iter().any(|known| name == *known);
    by_id || safe_for_theirs || has(base, name) || has_safe(base, name)
}

/// Whether `base` has a STRUCT or UNION of this name.
fn has(base: &Base<'_>, name: &[u8]) -> bool {
    let mut named = base.named(name);
    named.any(|(_, record)| record.kind().is_composite())
}

/// Whether `base` says which fields of a STRUCT of this name are trusted.
fn has_safe(base: &Base<'_>, name: &[u8]) -> bool {
    SAFE.iter().any(|suffix| {
        let mut joined = [0; SAFE_LEN];
        let left = copy(&mut joined, name).and_then(|rest| copy(rest, suffix));
        let left = left.map_or(SAFE_LEN, |rest| rest.len());
        let joined = joined.get(..SAFE_LEN.saturating_sub(left)).unwrap_or(&[]);
        left != 0 && has(base, joined)
    })
}

/// Offset in bits of the end of a STRUCT, and of the start of a UNION, where each member is.
fn end_bits(record: &Record<'_>) -> u32 {
    // With bit-fields, the offset has 24 bits.
    let most = if record.kflag() {
        0x00ff_ffff
    } else {
        u32::MAX
    };
    match record.kind() {
        Kind::Union => 0,
        _ => record.size().saturating_mul(8).min(most),
    }
}
