// SPDX-License-Identifier: GPL-2.0

//! Finds what a relocation asks for in one candidate, and the value it gets there
//! (`bpf_core_spec_match` and `bpf_core_calc_relo` in `tools/lib/bpf/relo_core.c`).

use anyhow::{bail, ensure, Context, Result};
use rust_btfreloc::btf::{self, read_u32, to_usize, Btf, Record};

use super::compat::{Pair, MOST};
use super::relocation::{About, RelocationKind};
use super::size;
use super::spec::{Spec, Step, MAX_STEPS};

/// What was found in a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The members on the way: the struct or union, and the index in it.
    pub members: Vec<(u32, u32)>,
    /// The value of the enum: the enum, and the index in it.
    pub value: Option<(u32, u32)>,
    /// What the relocation becomes.
    pub answer: Answer,
}

/// What a relocation becomes. Of two candidates, all of it has to be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Offset in bits of the field.
    pub bit_offset: u32,
    /// The new value; `None` where the instruction is made invalid.
    pub value: Option<u64>,
    /// Bytes that are read there, and of what, where an instruction reads them.
    pub access: Option<(u32, Access)>,
}

/// What is read, as far as it matters for whether more or less of it can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A pointer.
    Pointer,
    /// An integer without sign.
    Unsigned,
    /// Anything else.
    Other,
}

impl Answer {
    /// Where no candidate has what is asked for.
    pub fn nothing(kind: RelocationKind) -> Self {
        let poisoned = matches!(kind.about(), About::Field) && kind != RelocationKind::FieldExists
            || kind == RelocationKind::Value;
        Answer {
            bit_offset: 0,
            value: (!poisoned).then_some(0),
            access: None,
        }
    }
}

/// Where the way through the candidate is.
struct Walk<'a, 's> {
    local: &'a Btf<'a>,
    target: &'a Btf<'a>,
    spec: &'s Spec,
    id: u32,
    bit_offset: u32,
    /// Members and elements passed.
    steps: usize,
    /// Members looked at; without a limit, structs of a damaged module that hold themselves have no end.
    seen: u32,
    members: Vec<(u32, u32)>,
    /// The member that the last step of the program named; `None` after an element.
    named: Option<(u32, u32)>,
}

/// What `spec`, in the terms of `local`, finds in the type `id` of `target`; `None` where that does not
/// have it.
///
/// # Errors
///
/// What libbpf refuses to load a program for.
pub fn find(local: &Btf<'_>, spec: &Spec, target: &Btf<'_>, id: u32) -> Result<Option<Found>> {
    match spec.kind.about() {
        About::Type => of_type(local, spec, target, id),
        About::Value => of_value(spec, target, id),
        About::Field => {
            let mut walk = Walk {
                local,
                target,
                spec,
                id,
                bit_offset: 0,
                steps: 0,
                seen: 0,
                members: Vec::new(),
                named: None,
            };
            match walk.all()? {
                true => walk.found().map(Some),
                false => Ok(None),
            }
        }
    }
}

fn of_type(local: &Btf<'_>, spec: &Spec, target: &Btf<'_>, id: u32) -> Result<Option<Found>> {
    let pair = Pair::new(local, target);
    let there = match spec.kind {
        RelocationKind::TypeMatches => pair.matches(spec.type_id, id)?,
        _ => pair.types(spec.type_id, id)?,
    };
    if !there {
        return Ok(None);
    }
    let value = match spec.kind {
        RelocationKind::TypeIdTarget => id,
        RelocationKind::TypeSize => size::of(target, id).context("a type without a size")?,
        _ => 1,
    };
    Ok(Some(Found {
        members: Vec::new(),
        value: None,
        answer: Answer {
            bit_offset: 0,
            value: Some(value.into()),
            access: None,
        },
    }))
}

fn of_value(spec: &Spec, target: &Btf<'_>, id: u32) -> Result<Option<Found>> {
    let Some((id, record)) = target.unmodified(id) else {
        return Ok(None);
    };
    let wanted = super::candidates::essential(&spec.value);
    let is_wanted = |element: &&[u8]| {
        let name = read_u32(element, 0).and_then(|off| target.string(off));
        name.is_some_and(|name| super::candidates::essential(name) == wanted)
    };
    let mut elements = record.elements().zip(0..);
    let found = match record.kind() {
        btf::Kind::Enum | btf::Kind::Enum64 => elements.find(|(element, _)| is_wanted(element)),
        _ => None,
    };
    Ok(found.map(|(element, index)| {
        let word = |at| u64::from(read_u32(element, at).unwrap_or(0));
        let value = match (spec.kind, record.kind()) {
            (RelocationKind::ValueExists, _) => 1,
            (_, btf::Kind::Enum64) => word(4) | (word(8) << 32),
            // Widened with its sign, whatever the enum's is.
            _ => word(4) as u32 as i32 as i64 as u64,
        };
        Found {
            members: Vec::new(),
            value: Some((id, index)),
            answer: Answer {
                bit_offset: 0,
                value: Some(value),
                access: None,
            },
        }
    }))
}

impl Walk<'_, '_> {
    /// Takes all steps of the program.
    fn all(&mut self) -> Result<bool> {
        for (at, step) in self.spec.steps.iter().enumerate() {
            let there = match step {
                Step::Member(name, type_id) => self.member(self.id, name, *type_id)?,
                Step::Element(index) => self.element(at, *index)?,
            };
            if !there {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn one_more(&mut self) -> Result<()> {
        ensure!(self.steps < MAX_STEPS, "more than {MAX_STEPS} steps to it");
        self.steps += 1;
        Ok(())
    }

    fn element(&mut self, at: usize, index: u32) -> Result<bool> {
        // The first is one of an array of the type itself.
        if at > 0 {
            let record = self.target.unmodified(self.id).map(|(_, record)| record);
            let Some(record) = record.filter(|record| record.kind() == btf::Kind::Array) else {
                return Ok(false);
            };
            let (element, _, count) = record.array();
            if index >= count && !(count == 0 && self.is_last()) {
                return Ok(false);
            }
            self.id = element;
        }
        self.one_more()?;
        self.named = None;
        self.id = self
            .target
            .unmodified(self.id)
            .context("an array of void")?
            .0;
        let size = size::of(self.target, self.id).context("an element without a size")?;
        let bits = index.wrapping_mul(size).wrapping_mul(8);
        self.bit_offset = self.bit_offset.wrapping_add(bits);
        Ok(true)
    }

    /// Whether the member just taken is the last of its struct: an array without elements is of any
    /// length there.
    fn is_last(&self) -> bool {
        let last = self
            .named
            .and_then(|(id, index)| Some((self.target.record(id)?.vlen(), index)));
        last.is_some_and(|(vlen, index)| index + 1 == vlen)
    }

    /// Takes the member `name` of the type `id`, or of what is embedded there without a name.
    fn member(&mut self, id: u32, name: &[u8], local_type: u32) -> Result<bool> {
        let Some((id, record)) = self.target.unmodified(id) else {
            return Ok(false);
        };
        for (member, index) in record.members().zip(0..) {
            ensure!(self.steps < MAX_STEPS, "more than {MAX_STEPS} steps to it");
            self.seen += 1;
            ensure!(self.seen < MOST, "more than {MOST} types to compare");
            let there = self.target.string(member.name_off).unwrap_or(b"");
            if !there.is_empty() && there != name {
                continue;
            }
            self.steps += 1;
            self.bit_offset = self.bit_offset.wrapping_add(member.bit_offset);
            self.members.push((id, index));
            if !there.is_empty() {
                self.named = Some((id, index));
                self.id = member.type_id;
                return Pair::new(self.local, self.target).fields(local_type, member.type_id);
            }
            if self.member(member.type_id, name, local_type)? {
                return Ok(true);
            }
            self.members.pop();
            self.bit_offset = self.bit_offset.wrapping_sub(member.bit_offset);
            self.steps -= 1;
        }
        Ok(false)
    }

    /// What the relocation becomes.
    fn found(self) -> Result<Found> {
        let answer = match (self.spec.kind, self.named) {
            (RelocationKind::FieldExists, _) => self.answer(1, None),
            (kind, None) => self.of_element(kind)?,
            (kind, Some((id, index))) => self.of_member(kind, id, index)?,
        };
        Ok(Found {
            members: self.members,
            value: None,
            answer,
        })
    }

    fn answer(&self, value: u32, access: Option<(u32, Access)>) -> Answer {
        Answer {
            bit_offset: self.bit_offset,
            value: Some(value.into()),
            access,
        }
    }

    fn of_element(&self, kind: RelocationKind) -> Result<Answer> {
        match kind {
            RelocationKind::ByteOffset => {
                Ok(self.answer(self.bit_offset / 8, Some(self.access(self.id)?)))
            }
            RelocationKind::ByteSize => {
                let size = size::of(self.target, self.id).context("an element without a size")?;
                Ok(self.answer(size, None))
            }
            kind => bail!("{} of an element of an array", kind.name()),
        }
    }

    fn of_member(&self, kind: RelocationKind, id: u32, index: u32) -> Result<Answer> {
        let record = self.target.record(id);
        let member = record.and_then(|record| record.members().nth(to_usize(index)));
        let member = member.context("a member that is not there")?;
        let field = self.target.unmodified(member.type_id);
        let (field_id, field) = field.context("a member of void")?;
        let (offset, size, bits) = match member.bit_size {
            0 => {
                let size = size::of(self.target, field_id).context("a member without a size")?;
                (self.bit_offset / 8, size, size.wrapping_mul(8))
            }
            bits => {
                let (offset, size) = self.around(bits, field.size())?;
                (offset, size, bits)
            }
        };
        let value = match kind {
            RelocationKind::ByteOffset if member.bit_size == 0 => {
                return Ok(self.answer(offset, Some(self.access(field_id)?)));
            }
            RelocationKind::ByteOffset => offset,
            RelocationKind::ByteSize => size,
            RelocationKind::Signed => is_signed(&field).into(),
            // As for the little-endian machines that are served here.
            RelocationKind::LeftShift => {
                let end = self
                    .bit_offset
                    .wrapping_add(bits)
                    .wrapping_sub(offset.wrapping_mul(8));
                64u32.wrapping_sub(end)
            }
            RelocationKind::RightShift => 64u32.wrapping_sub(bits),
            kind => bail!("{} of a member", kind.name()),
        };
        Ok(self.answer(value, None))
    }

    /// Offset and size in bytes of the smallest integer that holds this bit-field of `bits`.
    fn around(&self, bits: u32, unit: u32) -> Result<(u32, u32)> {
        let mut size = unit;
        loop {
            let offset = (self.bit_offset / 8)
                .checked_div(size)
                .context("a bit-field without a size")?
                * size;
            if self
                .bit_offset
                .wrapping_add(bits)
                .wrapping_sub(offset.wrapping_mul(8))
                <= size.wrapping_mul(8)
            {
                return Ok((offset, size));
            }
            ensure!(size < 8, "a bit-field that no 64 bits hold");
            size *= 2;
        }
    }

    /// What is read of the type `id`, of an array its element.
    fn access(&self, id: u32) -> Result<(u32, Access)> {
        let whole = self.target.unmodified(id).context("void is read")?.1;
        let mut read = id;
        for _ in 0..MAX_STEPS {
            match self.target.unmodified(read) {
                Some((_, record)) if record.kind() == btf::Kind::Array => read = record.array().0,
                _ => break,
            }
        }
        let size = size::of(self.target, read).context("an element without a size")?;
        let access = match whole.kind() {
            btf::Kind::Ptr => Access::Pointer,
            btf::Kind::Int if whole.int_encoding() != 1 => Access::Unsigned,
            _ => Access::Other,
        };
        Ok((size, access))
    }
}

fn is_signed(record: &Record<'_>) -> bool {
    match record.kind() {
        btf::Kind::Enum | btf::Kind::Enum64 => record.kflag(),
        btf::Kind::Int => record.int_encoding() & 1 != 0,
        _ => false,
    }
}
