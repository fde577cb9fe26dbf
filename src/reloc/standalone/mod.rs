// SPDX-License-Identifier: GPL-2.0

//! Rebases standalone BTF, as pahole makes it without a base, to split BTF on vmlinux's.
//!
//! | a type of the module | becomes |
//! | --- | --- |
//! | INT, FLOAT, ENUM, ENUM64, STRUCT, UNION, TYPEDEF that vmlinux has | vmlinux's |
//! | what has no name and is only reached through types that vmlinux has | vmlinux's, or left out |
//! | FWD, ENUM without values | as a distilled FWD; where the module has what it declares, as that |
//! | FUNC, VAR, DATASEC | the module's own |
//! | another type with a name | the module's own |
//! | what those refer to, and is not vmlinux's | the module's own |
//! | DECL_TAG | the module's own, left out where what it is on is vmlinux's |
//! | what nothing refers to any more | left out |
//!
//! Vmlinux has a type where kind, name and size agree, for a STRUCT or UNION each member's name,
//! offset and width, for an ENUM each value, and where the same holds for all that it refers to,
//! through pointers too: the layout of what a pointer leads to is part of what the code relies on.
//! A declaration does not contradict what it declares.
//!
//! What counts is the layout, not the spelling, which differs by compiler and by `#define`: an INT is
//! the same where size and encoding are, and a typedef on one side only, or of another name, is
//! looked through. Such a typedef stays the module's own, as it may be asked for by its name. A type
//! tag on one side only, as gcc has none, does not make the struct that holds the pointer another;
//! the pointer itself stays the module's.
//!
//! A STRUCT or UNION that stays the module's own while vmlinux has its name must not pass for
//! vmlinux's: it gets another name, and is no struct of scalars (see `renamed.rs`).
//!
//! In three steps: [`recognise`] finds that BTF is standalone, [`StandaloneSurvey::of`] looks at it and says
//! how much scratch is needed, [`RebasePlan::new`] decides. Nothing can fail any more in [`RebasePlan::write`]
//! but for want of room. [`RebasePlan::conflicts`] says which types vmlinux has in another layout.

mod by_name;
mod compare;
mod conflict;
mod equivalence;
mod pairs;
mod plan;
mod recognise;
mod renamed;
mod retained;
mod reverse_refs;
mod strings;
mod survey;
mod write;

pub use compare::{Difference, Sides};
pub use conflict::{Conflict, Contradiction, Through};
pub use pairs::State;
pub use plan::{RebaseCounts, RebasePlan};
pub use recognise::{recognise, Evidence, NotStandalone};
pub use survey::StandaloneSurvey;
