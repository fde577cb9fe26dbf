// SPDX-License-Identifier: GPL-2.0

//! What the host tests share.

pub mod builder;
#[cfg(feature = "peer")]
pub mod corpus;
pub mod distilled;
pub mod dump;
#[cfg(feature = "peer")]
pub mod fuzz;
pub mod invent;
pub mod kernel;
pub mod model;
pub mod modules;
#[cfg(feature = "peer")]
pub mod peer;
#[cfg(feature = "peer")]
pub mod rebase;
pub mod rebuilt;
pub mod record;
pub mod reduced;
