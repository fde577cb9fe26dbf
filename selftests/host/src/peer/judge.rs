// SPDX-License-Identifier: GPL-2.0

//! Judges a relocation of the core: against libbpf's where libbpf accepts the module, and by what
//! its references name in any case.

use std::collections::{BTreeMap, HashSet};

use super::carried::{form, hollow, Form};
use super::compare::{check, same_type};
use super::table::{may_be_distilled, may_become, Held};
use super::{Btf, Type, Word, FLOAT, FWD, INT, STRUCT, UNION};
use crate::kernel::Relocated;

pub use super::kernel::{Kernel, Plain};
pub use super::table::Rule;

/// What came out.
#[derive(Debug)]
pub struct Verdict {
    /// Whether libbpf relocated the module.
    pub accepted: bool,
    /// Opaque types in the core's result.
    pub opaque: Vec<Plain>,
    /// Distilled types that libbpf mapped elsewhere, or did not map, by the rule that says why.
    pub rules: BTreeMap<Rule, u32>,
    /// References that were followed in the core's result.
    pub references: u64,
}

impl Verdict {
    /// The two results are the same, type for type and id for id.
    pub fn is_exact(&self) -> bool {
        self.accepted && self.rules.is_empty()
    }
}

/// A module with a distilled base, relocated by the core.
struct Case<'a> {
    kernel: &'a Kernel,
    /// As the module carries it, on its distilled base.
    input: &'a Btf<'a>,
    ours: &'a Btf<'a>,
    new_ids: &'a [u32],
    /// Distilled types that a type of the module holds by value, by what holds them.
    held: Held,
}

/// Relocates a module both ways and compares; the error says what is wrong.
pub fn judge(kernel: &Kernel, distilled: &[u8], split: &[u8]) -> Result<Verdict, String> {
    let relocated = kernel.vmlinux().relocate(distilled, split);
    let relocated = relocated.map_err(|err| format!("the core refuses: {err:?}"))?;
    judge_result(kernel, distilled, split, &relocated)
}

/// Compares what the core made of a module with what libbpf makes of it.
pub fn judge_result(
    kernel: &Kernel,
    distilled: &[u8],
    split: &[u8],
    relocated: &Relocated,
) -> Result<Verdict, String> {
    let base = Btf::base(distilled).map_err(|err| format!("distilled base: {err:?}"))?;
    let input = Btf::split(&base, split).map_err(|err| format!("split BTF: {err:?}"))?;
    let theirs = Btf::split(&base, split).unwrap().relocate(kernel.btf());
    let verified = kernel.vmlinux().verify(&relocated.btf);
    verified.map_err(|err| format!("the result does not verify: {err:?}"))?;
    let ours = Btf::split(kernel.btf(), &relocated.btf)
        .map_err(|err| format!("libbpf does not take the result: {err:?}"))?;
    let case = Case {
        kernel,
        input: &input,
        ours: &ours,
        new_ids: &relocated.new_ids,
        held: Held::by(&input),
    };
    case.counts(relocated)?;
    let references = case.references()?;
    let rules = match &theirs {
        Ok(theirs) => case.compare(theirs)?,
        Err(_) if relocated.counts.opaque != 0 => BTreeMap::new(),
        Err(_) => case.why_refused()?,
    };
    Ok(Verdict {
        accepted: theirs.is_ok(),
        opaque: case.opaque().collect(),
        rules,
        references,
    })
}

impl Case<'_> {
    fn opaque(&self) -> impl Iterator<Item = Plain> + '_ {
        let opaque = |id: &u32| self.new_ids[*id as usize] >= self.ours.start_id();
        let distilled = (1..self.input.start_id()).filter(opaque);
        distilled.map(|id| {
            let type_ = self.input.get(id).unwrap();
            Plain {
                name: type_.name.to_vec(),
                words: type_.words[1..].to_vec(),
            }
        })
    }

    /// The distilled type with this id; `None` for void and the module's own.
    fn distilled(&self, id: u32) -> Option<Type<'_>> {
        let is_distilled = (1..self.input.start_id()).contains(&id);
        is_distilled.then(|| self.input.get(id).unwrap())
    }

    /// The module's own types stay, in their order, and each opaque type is there once; with them,
    /// where one needs it, what their members are made of.
    fn counts(&self, relocated: &Relocated) -> Result<(), String> {
        let own = self.ours.start_id()..self.ours.end_id();
        let split = &self.new_ids[self.input.start_id() as usize..];
        let opaque: Vec<u32> = (1..self.input.start_id())
            .map(|id| self.new_ids[id as usize])
            .filter(|id| own.contains(id))
            .collect();
        let all: HashSet<u32> = split.iter().chain(&opaque).copied().collect();
        check(split.len() == self.input.own_count() as usize, || {
            "number of own types"
        })?;
        check(split.is_sorted(), || "own types in another order")?;
        check(all.len() == split.len() + opaque.len(), || {
            "two types of one id"
        })?;
        let added: Vec<u32> = own.clone().filter(|id| !all.contains(id)).collect();
        match added[..] {
            [] => {}
            [_, array] => hollow(self.ours, array)?,
            _ => return Err("ids that nothing became".to_owned()),
        }
        check(relocated.counts.opaque as usize == opaque.len(), || {
            "count of opaque types"
        })?;
        check(relocated.strict.is_ok() == opaque.is_empty(), || {
            "strict policy"
        })?;
        let sorted = |btf: &Btf<'_>| btf.own().map(|(_, type_)| type_.name).is_sorted();
        check(!sorted(self.input) || sorted(self.ours), || {
            "no longer sorted"
        })
    }

    /// Every type of the module is what it was, and every reference names what it named.
    fn references(&self) -> Result<u64, String> {
        let mut count = 0;
        for (id, before) in self.input.own() {
            let after = self.ours.get(self.new_ids[id as usize]).unwrap();
            same_type(self.input, before, self.ours, after, |old, new| {
                count += 1;
                check(self.new_ids[old as usize] == new, || {
                    "reference is not in the id map"
                })
            })
            .map_err(|what| format!("type [{id}]: {what}"))?;
        }
        for id in 1..self.input.start_id() {
            self.fate(id).map_err(|what| {
                let type_ = self.input.get(id).unwrap();
                format!(
                    "distilled [{id}] {}: {what}",
                    String::from_utf8_lossy(type_.name)
                )
            })?;
        }
        Ok(count)
    }

    /// A distilled type became what the table of the design allows, or stayed what it was because
    /// that allows nothing.
    fn fate(&self, id: u32) -> Result<(), String> {
        let type_ = self.input.get(id).unwrap();
        let new = self.new_ids[id as usize];
        let allowed = self.allowed(id);
        if new < self.ours.start_id() {
            return check(allowed == Some(new), || {
                format!("became [{new}], allowed {allowed:?}")
            });
        }
        check(allowed.is_none(), || format!("opaque, allowed {allowed:?}"))?;
        let opaque = self.ours.get(new).unwrap();
        let form = form((self.input, type_), (self.ours, opaque))?;
        let composite = matches!(type_.kind(), STRUCT | UNION);
        let mut named = self.kernel.named(type_.name);
        let named = named.find(|(_, other)| may_be_distilled(*other));
        let mut of_kind = self.kernel.named(type_.name);
        let of_kind = of_kind.any(|(_, other)| may_become(type_, other));
        let other_kind = named.is_some() && !of_kind;
        let declared = composite && !other_kind && !self.held.is_sized(id);
        check((form == Form::Declared) == declared, || {
            format!("opaque as {form:?}")
        })
    }

    /// The kernel's type for a distilled type, by the table of the design.
    fn allowed(&self, id: u32) -> Option<u32> {
        let type_ = self.input.get(id).unwrap();
        let of_kind = self
            .kernel
            .named(type_.name)
            .filter(|(_, other)| may_become(type_, *other));
        let (declared, defined): (Vec<_>, Vec<_>) =
            of_kind.partition(|(_, other)| other.kind() == FWD);
        let sized = match type_.kind() {
            FWD => false,
            STRUCT | UNION => defined.len() > 1 || self.held.any.contains(&id),
            _ => true,
        };
        let may_declare = match type_.kind() {
            FWD => true,
            _ => defined.is_empty() && !self.held.is_sized(id),
        };
        let declaration = declared.first().filter(|_| may_declare);
        let declaration = declaration.map(|(id, _)| *id);
        let fitting: Vec<_> = defined
            .into_iter()
            .filter(|(_, other)| !sized || type_.word() == other.word())
            .collect();
        let Some((first, definition)) = fitting.first() else {
            return declaration;
        };
        match fitting
            .iter()
            .all(|(_, other)| self.same(*definition, *other))
        {
            true => Some(*first),
            false => declaration,
        }
    }

    /// BTF is deduplicated: what differs in an id is another type.
    fn same(&self, a: Type<'_>, b: Type<'_>) -> bool {
        let btf = self.kernel.btf();
        let same = |(a, b)| match (a, b) {
            (Word::Name(a), Word::Name(b)) => btf.string(a) == btf.string(b),
            (a, b) => a == b,
        };
        // The first word after a FLOAT or INT that agree in size and encoding says no more.
        let is_plain = matches!(a.kind(), INT | FLOAT);
        is_plain || a.rest().len() == b.rest().len() && a.parts().zip(b.parts()).all(same)
    }

    /// Both results agree, but for distilled types that a rule of the design sets apart.
    fn compare(&self, theirs: &Btf<'_>) -> Result<BTreeMap<Rule, u32>, String> {
        let shift = theirs.start_id() - self.input.start_id();
        let mut apart = BTreeMap::new();
        for (id, before) in self.input.own() {
            let (a, b) = (
                theirs.get(id + shift),
                self.ours.get(self.new_ids[id as usize]),
            );
            let mut originals = before.ids();
            same_type(theirs, a.unwrap(), self.ours, b.unwrap(), |theirs, ours| {
                let original = originals.next().unwrap();
                if original >= self.input.start_id() {
                    return check(theirs == original + shift, || "libbpf's own ids moved");
                }
                if theirs != ours {
                    apart.insert(original, self.rule(original, theirs)?);
                }
                Ok(())
            })
            .map_err(|what| format!("type [{id}] differs from libbpf's: {what}"))?;
        }
        if apart.is_empty() {
            check(self.ours.end_id() == theirs.end_id(), || {
                "more types than libbpf"
            })?;
            let same_ids =
                (self.input.own()).all(|(id, _)| self.new_ids[id as usize] == id + shift);
            check(same_ids, || "own ids differ from libbpf's")?;
        }
        let mut rules = BTreeMap::new();
        for rule in apart.into_values() {
            *rules.entry(rule).or_default() += 1;
        }
        Ok(rules)
    }

    /// The rules by which every distilled type became a type of the kernel, where libbpf gave up.
    fn why_refused(&self) -> Result<BTreeMap<Rule, u32>, String> {
        let mut rules = BTreeMap::new();
        for id in 1..self.input.start_id() {
            let type_ = self.input.get(id).unwrap();
            let taken = self.kernel.btf().get(self.new_ids[id as usize]).unwrap();
            let is_union = taken.kind() == UNION;
            let candidates = self.kernel.named(type_.name);
            let composite = matches!(taken.kind(), STRUCT | UNION);
            if type_.kind() == FWD && composite && taken.kflag() != is_union {
                *rules.entry(Rule::FwdFlavour).or_default() += 1;
            } else if candidates
                .filter(|(_, other)| may_be_distilled(*other))
                .count()
                > 1
            {
                *rules.entry(Rule::Several).or_default() += 1;
            }
        }
        check(!rules.is_empty(), || "libbpf refuses, and no rule says why")?;
        Ok(rules)
    }

    /// The rule that sets the distilled type `id` apart, which libbpf made `theirs`.
    fn rule(&self, id: u32, theirs: u32) -> Result<Rule, String> {
        let name = |type_: Type<'_>| String::from_utf8_lossy(type_.name).into_owned();
        let type_ = self
            .distilled(id)
            .ok_or("a type of its own became another")?;
        let taken = self.kernel.btf().get(theirs).unwrap();
        let composite = |kind| matches!(kind, STRUCT | UNION);
        let composites = self
            .kernel
            .named(type_.name)
            .filter(|(_, other)| composite(other.kind()));
        match (type_.kind(), taken.kind()) {
            (FWD, STRUCT | UNION) if !may_become(type_, taken) => Ok(Rule::FwdFlavour),
            (FWD, FWD) if composites.clone().count() > 1 => Ok(Rule::FwdAmongSeveral),
            (FWD, FWD) if composites.count() == 1 => Ok(Rule::FwdFlavour),
            (STRUCT | UNION, kind) if kind != type_.kind() => Ok(Rule::Kind),
            (STRUCT | UNION, _) if type_.word() != taken.word() => {
                let rule = self.held.by_var_or_proto.contains(&id);
                rule.then_some(Rule::HeldByVarOrProto)
                    .ok_or("size".to_string())
            }
            _ => Err(format!(
                "distilled [{id}] {} became [{theirs}] in libbpf",
                name(type_)
            )),
        }
    }
}
