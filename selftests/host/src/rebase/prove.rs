// SPDX-License-Identifier: GPL-2.0

//! Whether what a rebase made is the module that it was made of, judged by libbpf's reading of both.

use std::collections::{HashMap, HashSet};

use super::Rebased;
use crate::peer::{Btf, Type, Word, ENUM, ENUM64, FWD, INT, PTR, STRUCT, TYPEDEF, TYPE_TAG, UNION};

/// A type of the module and a type of vmlinux.
type Pair = (u32, u32);

/// What was found on the way.
#[derive(Clone, Debug, Default)]
pub struct Proof {
    /// References that were followed, in the module's own types and in those that became vmlinux's.
    pub references: u64,
    /// Pairs from which references lead to one of which vmlinux only declares what the module has.
    pub to_declared: HashSet<Pair>,
    /// Pairs from which references lead to one whose type of vmlinux is that of another pair, too:
    /// the module has it more than once.
    pub to_several: HashSet<Pair>,
}

/// Proves that each type of `alone` that became one of `vmlinux` is that type, as far as references
/// lead, and that each other is in the result as it was.
pub fn prove(vmlinux: &Btf<'_>, alone: &Btf<'_>, rebased: &Rebased) -> Result<Proof, String> {
    let result = Btf::split(vmlinux, &rebased.btf).map_err(|err| format!("libbpf: {err:?}"))?;
    let mut proof = Proof::default();
    let mut pairs = Vec::new();
    let (mut kept, mut hollow) = (0, false);
    for (id, type_) in alone.own() {
        match rebased.new_ids[id as usize] {
            Some(new) if new < vmlinux.end_id() => pairs.push((id, new)),
            Some(new) => {
                let found = result
                    .get(new)
                    .ok_or(format!("[{id}] has no type [{new}]"))?;
                as_it_was(alone, &type_, &result, &found, rebased)
                    .map_err(|what| format!("[{id}] {}: {what}", name(&type_)))?;
                proof.references += found.ids().count() as u64;
                kept += 1;
                hollow |= found.vlen() != type_.vlen();
            }
            None => {}
        }
    }
    // Where a type is renamed, two others are in front: what its last member is made of.
    if kept + u32::from(hollow) * 2 != result.own_count() {
        return Err(format!(
            "{kept} types were kept, {} are there",
            result.own_count()
        ));
    }
    same(vmlinux, alone, pairs, &mut proof)?;
    Ok(proof)
}

/// The closure of `pairs` holds no contradiction.
fn same(
    vmlinux: &Btf<'_>,
    alone: &Btf<'_>,
    pairs: Vec<Pair>,
    proof: &mut Proof,
) -> Result<(), String> {
    let mut known: HashSet<Pair> = pairs.iter().copied().collect();
    let mut users: HashMap<Pair, Vec<Pair>> = HashMap::new();
    let mut open = pairs;
    while let Some((own, theirs)) = open.pop() {
        let (a, b) = (alone.get(own).unwrap(), vmlinux.get(theirs).unwrap());
        let failed = |what: &str| format!("[{own}] {} is not [{theirs}]: {what}", name(&a));
        let ways = looked_through((own, &a), (theirs, &b));
        if let Some((one, other)) = ways {
            let voids = (is_void(alone, one), is_void(vmlinux, other));
            match voids {
                (true, true) => {}
                (false, false) => {
                    users.entry((one, other)).or_default().push((own, theirs));
                    if known.insert((one, other)) {
                        open.push((one, other));
                    }
                }
                _ => return Err(failed("void")),
            }
            continue;
        }
        // An INT is what it is, however it is spelled.
        if a.name != b.name && a.kind() != INT {
            return Err(failed("names"));
        }
        if declares(&a, &b) {
            continue;
        }
        if declares(&b, &a) {
            proof.to_declared.insert((own, theirs));
            continue;
        }
        if (a.kind(), a.vlen()) != (b.kind(), b.vlen()) {
            return Err(failed("kinds"));
        }
        if a.kflag() != b.kflag() && !matches!(a.kind(), STRUCT | UNION) {
            return Err(failed("flags"));
        }
        // The first two words are the name and the kind.
        for (one, other) in a.parts().zip(b.parts()).skip(2) {
            match (one, other) {
                (Word::Id(one), Word::Id(other))
                    if is_void(alone, one) && is_void(vmlinux, other) => {}
                (Word::Id(0), _) | (_, Word::Id(0)) => return Err(failed("void")),
                (Word::Id(one), Word::Id(other)) => {
                    proof.references += 1;
                    users.entry((one, other)).or_default().push((own, theirs));
                    if known.insert((one, other)) {
                        open.push((one, other));
                    }
                }
                (Word::Name(one), Word::Name(other)) => {
                    let is_param = a.kind() == crate::peer::FUNC_PROTO;
                    if !is_param && alone.string(one) != vmlinux.string(other) {
                        return Err(failed("names of elements"));
                    }
                }
                (one, other) if one == other => {}
                _ => return Err(failed("words")),
            }
        }
    }
    let mut owners: HashMap<u32, u32> = HashMap::new();
    for (_, theirs) in &known {
        *owners.entry(*theirs).or_default() += 1;
    }
    let several = known.into_iter().filter(|(_, theirs)| owners[theirs] > 1);
    proof.to_several = leading_to(several.collect(), &users);
    proof.to_declared = leading_to(std::mem::take(&mut proof.to_declared), &users);
    Ok(())
}

/// The pair that is left where one side has a typedef or a type tag that the other has not, or a
/// typedef of another name.
fn looked_through((own, a): (u32, &Type<'_>), (theirs, b): (u32, &Type<'_>)) -> Option<Pair> {
    let target = |type_: &Type<'_>| type_.word();
    for kind in [TYPEDEF, TYPE_TAG] {
        match (a.kind() == kind, b.kind() == kind) {
            (true, true) if kind == TYPEDEF && a.name != b.name => {
                return Some((target(a), target(b)))
            }
            (true, true) => return None,
            (true, false) => return Some((target(a), theirs)),
            (false, true) => return Some((own, target(b))),
            (false, false) => {}
        }
    }
    None
}

/// Whether `id` is void, or a typedef of it.
fn is_void(btf: &Btf<'_>, id: u32) -> bool {
    match id {
        0 => true,
        _ => btf
            .get(id)
            .is_some_and(|type_| type_.kind() == TYPEDEF && is_void(btf, type_.word())),
    }
}

/// `pairs` and all from which references lead there.
fn leading_to(mut pairs: HashSet<Pair>, users: &HashMap<Pair, Vec<Pair>>) -> HashSet<Pair> {
    let mut open: Vec<Pair> = pairs.iter().copied().collect();
    while let Some(pair) = open.pop() {
        for user in users.get(&pair).into_iter().flatten() {
            if pairs.insert(*user) {
                open.push(*user);
            }
        }
    }
    pairs
}

/// Whether `a` only declares what `b` is, or the same declaration.
fn declares(a: &Type<'_>, b: &Type<'_>) -> bool {
    match a.kind() {
        FWD if b.kind() == FWD => a.kflag() == b.kflag(),
        FWD => b.kind() == if a.kflag() { UNION } else { STRUCT },
        ENUM | ENUM64 => a.vlen() == 0 && matches!(b.kind(), ENUM | ENUM64),
        _ => false,
    }
}

/// A type that was kept has the words it had, but for new ids and string offsets.
fn as_it_was(
    alone: &Btf<'_>,
    old: &Type<'_>,
    result: &Btf<'_>,
    new: &Type<'_>,
    rebased: &Rebased,
) -> Result<(), String> {
    let renamed = old.name != new.name;
    if renamed && new.name != [old.name, b"____own"].concat() {
        return Err(format!("{} became {}", name(old), name(new)));
    }
    if renamed && matches!(old.kind(), STRUCT | UNION) {
        has_hollow(old, result, new)?;
    } else if old.parts().count() != new.parts().count() {
        return Err("another length".to_owned());
    }
    // The first two words are the name and the kind, with the number of members.
    let skipped = if renamed { 2 } else { 0 };
    for (old, new) in old.parts().zip(new.parts()).skip(skipped) {
        let same = match (old, new) {
            (Word::Id(old), Word::Id(new)) => rebased.new_ids[old as usize] == Some(new),
            (Word::Name(old), Word::Name(new)) => alone.string(old) == result.string(new),
            (old, new) => old == new,
        };
        if !same {
            return Err(format!("{old:?} became {new:?}"));
        }
    }
    Ok(())
}

/// A STRUCT or UNION that was renamed has one member more, an array of no pointers.
fn has_hollow(old: &Type<'_>, result: &Btf<'_>, new: &Type<'_>) -> Result<(), String> {
    let words: Vec<Word> = new.parts().skip(old.parts().count()).collect();
    let array = match words[..] {
        [Word::Name(name), Word::Id(array), Word::Plain(_)]
            if result.string(name) == old.name && new.vlen() == old.vlen() + 1 =>
        {
            result.get(array).ok_or("a member without a type")?
        }
        _ => return Err(format!("{} has members {words:?} more", name(new))),
    };
    let parts: Vec<Word> = array.parts().collect();
    match parts[..] {
        [.., Word::Id(element), Word::Id(_), Word::Plain(0)]
            if result.get(element).is_some_and(|type_| type_.kind() == PTR) =>
        {
            Ok(())
        }
        _ => Err(format!("{} ends in {parts:?}", name(new))),
    }
}

/// Kind and name, for a message.
pub fn name(type_: &Type<'_>) -> String {
    let kind = match type_.kind() {
        INT => "INT".to_owned(),
        kind => format!("kind {kind}"),
    };
    format!("{kind} '{}'", String::from_utf8_lossy(type_.name))
}
