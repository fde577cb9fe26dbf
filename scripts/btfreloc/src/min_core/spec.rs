// SPDX-License-Identifier: GPL-2.0

//! What a relocation asks for, in the terms of the program's own types: `bpf_core_parse_spec` in
//! `tools/lib/bpf/relo_core.c`.

use anyhow::{bail, ensure, Context, Result};
use rust_btfreloc::btf::{self, to_usize, Btf};

use super::relocation::{About, Relocation, RelocationKind};
use super::size;

/// Most steps of an access (`BPF_CORE_SPEC_MAX_LEN`).
pub const MAX_STEPS: usize = 64;

/// A step to what is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// An element: the first step, and those into arrays.
    Element(u32),
    /// A named member, and its type in the program.
    Member(Vec<u8>, u32),
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Spec {
    /// What is asked.
    pub kind: RelocationKind,
    /// The program's type.
    pub type_id: u32,
    /// How the field is reached.
    pub steps: Vec<Step>,
    /// The name of the enum's value.
    pub value: Vec<u8>,
}

impl Spec {
    /// What `relocation` asks for, in the program's BTF.
    ///
    /// # Errors
    ///
    /// The access does not fit the type.
    pub fn of(btf: &Btf<'_>, relocation: &Relocation) -> Result<Self> {
        let mut spec = Spec {
            kind: relocation.kind,
            type_id: relocation.type_id,
            steps: Vec::new(),
            value: Vec::new(),
        };
        let access = &relocation.access;
        match spec.kind.about() {
            About::Type => ensure!(access == "0", "access {access:?} is not \"0\""),
            About::Value => spec.value = value(btf, relocation)?,
            About::Field => spec.steps = steps(btf, relocation)?,
        }
        Ok(spec)
    }
}

fn indices(access: &str) -> Result<Vec<u32>> {
    let number = |part: &str| part.parse().ok().filter(|index| *index <= i32::MAX as u32);
    let indices = access.split(':').map(number).collect::<Option<Vec<_>>>();
    let indices =
        indices.with_context(|| format!("access {access:?} is not numbers and colons"))?;
    ensure!(
        indices.len() <= MAX_STEPS,
        "access of {} steps: {MAX_STEPS} is the most",
        indices.len()
    );
    Ok(indices)
}

fn value(btf: &Btf<'_>, relocation: &Relocation) -> Result<Vec<u8>> {
    let indices = indices(&relocation.access)?;
    let found = btf.unmodified(relocation.type_id);
    let found = found.filter(|(_, record)| {
        matches!(record.kind(), btf::Kind::Enum | btf::Kind::Enum64) && indices.len() == 1
    });
    let (_, record) = found.context("it is not of a value of an enum")?;
    let element = indices
        .first()
        .and_then(|index| record.elements().nth(to_usize(*index)));
    let name = element.and_then(|element| btf.string(btf::read_u32(element, 0)?));
    let name = name.with_context(|| format!("the enum has no value {}", relocation.access))?;
    Ok(name.to_vec())
}

fn steps(btf: &Btf<'_>, relocation: &Relocation) -> Result<Vec<Step>> {
    let indices = indices(&relocation.access)?;
    let mut id = relocation.type_id;
    size::of(btf, id).context("a type without a size")?;
    let mut steps = Vec::new();
    // Whether the member just taken is the last one of its struct.
    let mut last = false;
    for (at, index) in indices.into_iter().enumerate() {
        if at == 0 {
            steps.push(Step::Element(index));
            continue;
        }
        let (_, record) = btf.unmodified(id).context("a step into void")?;
        if record.kind().is_composite() {
            let member = record.members().nth(to_usize(index));
            let member = member.with_context(|| format!("no member {index}"))?;
            id = member.type_id;
            last = false;
            if member.name_off != 0 {
                let name = btf.string(member.name_off).filter(|name| !name.is_empty());
                let name = name.context("a member without a name")?;
                steps.push(Step::Member(name.to_vec(), id));
                last = index + 1 == record.vlen();
            }
        } else if record.kind() == btf::Kind::Array {
            let (element, _, count) = record.array();
            ensure!(
                index < count || last && count == 0,
                "no element {index} in an array of {count}"
            );
            id = element;
            last = false;
            size::of(btf, id).context("an element without a size")?;
            steps.push(Step::Element(index));
        } else {
            bail!("a step into {}", record.kind().name());
        }
    }
    Ok(steps)
}
