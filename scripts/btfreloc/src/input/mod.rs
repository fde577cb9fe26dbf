// SPDX-License-Identifier: GPL-2.0

//! What is named on the command line, read: files, folders, streams and installed kernels.

mod banner;
mod bases;
mod bzimage;
mod file;
mod find;
mod image;
mod installed;
mod kernel;
mod kernels;
mod module;
mod modules;
mod supplied;
mod unpack;

pub use banner::Banner;
pub use bases::{Bases, Remark};
pub use file::{is_stream, label, once_only, regular};
pub use find::{images, modules};
pub use image::{Content, Image};
pub use installed::{files as installed_files, find as installed, running_release, LOOKED_FOR};
pub use kernel::Kernel;
pub use kernels::Kernels;
pub use module::{Module, Sections};
pub use modules::InstalledModules;
pub use supplied::{named_bases, SuppliedBase, SuppliedBases, SuppliedTables};
pub use unpack::Packing;
