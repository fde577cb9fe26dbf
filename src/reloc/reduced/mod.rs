// SPDX-License-Identifier: GPL-2.0

//! BTF without the types of kinds that the kernel does not know, where their lengths are known from its
//! layout part: what is left of it is BTF of that kernel.
//!
//! What becomes of a reference to a type that is left out, by where it stands:
//!
//! | reference of | |
//! | --- | --- |
//! | FUNC to its FUNC_PROTO, DECL_TAG to what it tags | it is left out as well |
//! | LOC_PROTO and LOCSEC to any | it is left out as well |
//! | DATASEC to a VAR | the entry is left out |
//! | ARRAY to the type of its index | that becomes an INT |
//! | STRUCT or UNION to a member, which is no bit-field any more | the hollow array |
//! | anything else: PTR, modifiers, TYPEDEF, parameters, results, elements, VAR | the hollow array |
//!
//! The hollow array (`hollow.rs`) has no size and no element, so that nothing can be read through it,
//! a STRUCT that holds it is not a struct of scalars, and a pointer to it does not stand for plain
//! memory, as a pointer to void can.

mod plan;
mod write;

pub use plan::{Becomes, LeftOut, Place, Reduction};
