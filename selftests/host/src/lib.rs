// SPDX-License-Identifier: GPL-2.0

//! What the host tests share.

pub mod builder;
pub mod corpus;
pub mod distilled;
pub mod dump;
pub mod fuzz;
pub mod invent;
pub mod kernel;
pub mod model;
pub mod peer;
pub mod rebase;
pub mod rebuilt;
pub mod reduced;
