// SPDX-License-Identifier: GPL-2.0

//! The table of the design once more: what may become of a distilled type, and where its size counts.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{
    Btf, Type, ARRAY, CONST, ENUM, ENUM64, FLOAT, FUNC_PROTO, FWD, INT, RESTRICT, STRUCT, TYPEDEF,
    TYPE_TAG, UNION, VAR, VOLATILE,
};

/// A rule of the design by which a distilled type becomes another type than libbpf makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The flavour of a FWD's definition is its kind, not its kind_flag.
    FwdFlavour,
    /// A FWD becomes its definition also where several types share the name.
    FwdAmongSeveral,
    /// A STRUCT becomes a STRUCT only, a UNION a UNION only.
    Kind,
    /// The size counts also where a variable, parameter or result is held by value.
    HeldByVarOrProto,
    /// Of several types of one name, one is of the right kind, or all are the same; libbpf refuses.
    Several,
}

impl Rule {
    /// As in the file of pairs, and what it says.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Rule::FwdFlavour => (
                "fwd_flavour",
                "a FWD becomes a STRUCT or UNION by its flavour; libbpf takes the kind_flag for it",
            ),
            Rule::FwdAmongSeveral => (
                "fwd_among_several",
                "a FWD becomes its definition also where several types share the name",
            ),
            Rule::Kind => (
                "kind",
                "a STRUCT becomes a STRUCT only, a UNION a UNION; libbpf takes any kind",
            ),
            Rule::HeldByVarOrProto => (
                "held_by_var_or_proto",
                "the size counts also for variables, parameters and results; libbpf looks at members",
            ),
            Rule::Several => (
                "several",
                "of several types of one name one fits, or all are the same; libbpf refuses",
            ),
        }
    }
}

/// Distilled types that are held by value.
#[derive(Default)]
pub(super) struct Held {
    pub(super) any: HashSet<u32>,
    pub(super) by_var_or_proto: HashSet<u32>,
    /// These are the elements of an array, which itself may be held or not.
    pub(super) as_element: HashSet<u32>,
}

impl Held {
    pub(super) fn by(input: &Btf<'_>) -> Self {
        let mut held = Held::default();
        for (_, type_) in input.own() {
            if type_.kind() == ARRAY {
                held.as_element.extend(reached(input, type_.rest()[0]));
            }
            let others = matches!(type_.kind(), VAR | FUNC_PROTO);
            if !others && !matches!(type_.kind(), STRUCT | UNION) {
                continue;
            }
            for id in type_.ids().filter_map(|id| reached(input, id)) {
                held.any.insert(id);
                if others {
                    held.by_var_or_proto.insert(id);
                }
            }
        }
        held
    }

    /// Whether a distilled type has to have a size.
    pub(super) fn is_sized(&self, id: u32) -> bool {
        self.any.contains(&id) || self.as_element.contains(&id)
    }
}

/// The distilled type that is reached from `id` with no pointer in between.
fn reached(input: &Btf<'_>, id: u32) -> Option<u32> {
    let mut id = id;
    while id >= input.start_id() {
        let type_ = input.get(id).unwrap();
        id = match type_.kind() {
            TYPEDEF | VOLATILE | CONST | RESTRICT | TYPE_TAG => type_.word(),
            ARRAY => type_.rest()[0],
            _ => return None,
        };
    }
    (id != 0).then_some(id)
}

/// Whether kind, flavour and encoding let a distilled type become `other`, of the same name; a STRUCT
/// or UNION that is only declared there, where it has to have no size.
pub(super) fn may_become(distilled: Type<'_>, other: Type<'_>) -> bool {
    let encoding = |type_: Type<'_>| type_.rest()[0] >> 24;
    match (distilled.kind(), other.kind()) {
        (INT, INT) => encoding(distilled) == encoding(other),
        (ENUM, ENUM | ENUM64) => true,
        (FWD, FWD) => distilled.kflag() == other.kflag(),
        (FWD, STRUCT) => !distilled.kflag(),
        (FWD, UNION) => distilled.kflag(),
        (STRUCT, FWD) => !other.kflag(),
        (UNION, FWD) => other.kflag(),
        (FLOAT, FLOAT) | (STRUCT, STRUCT) | (UNION, UNION) => true,
        _ => false,
    }
}

/// Whether libbpf looks for the type in a distilled base.
pub(super) fn may_be_distilled(type_: Type<'_>) -> bool {
    matches!(
        type_.kind(),
        INT | FLOAT | ENUM | ENUM64 | STRUCT | UNION | FWD
    )
}
