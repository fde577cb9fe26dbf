// SPDX-License-Identifier: GPL-2.0

//! A kernel as the core and libbpf see it.

use std::collections::HashMap;
use std::fmt::{self, Display, Formatter};

use super::{Btf, Type, ENUM, FLOAT, FWD, INT, STRUCT, UNION};
use crate::builder::put;
use crate::kernel::Vmlinux;

/// A type that refers to no other: its name, and its words after that of the name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Plain {
    pub(super) name: Vec<u8>,
    pub(super) words: Vec<u32>,
}

impl Display for Plain {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let kind = match crate::record::info(self.words[0]).0 {
            INT => "INT",
            STRUCT => "STRUCT",
            UNION => "UNION",
            ENUM => "ENUM",
            FLOAT => "FLOAT",
            _ => "FWD",
        };
        write!(f, "{kind} {}", String::from_utf8_lossy(&self.name))
    }
}

/// A kernel as both sides see it.
pub struct Kernel {
    vmlinux: Vmlinux,
    btf: Btf<'static>,
    names: HashMap<Vec<u8>, Vec<u32>>,
}

impl Kernel {
    /// Builds the tables of `bytes`, which are right.
    pub fn new(bytes: Vec<u8>) -> Self {
        let btf = Btf::base(&bytes).expect("libbpf takes the kernel's BTF");
        let mut names = HashMap::<_, Vec<u32>>::new();
        for (id, type_) in btf.own().filter(|(_, type_)| !type_.name.is_empty()) {
            names.entry(type_.name.to_vec()).or_default().push(id);
        }
        Kernel {
            vmlinux: Vmlinux::new(bytes),
            btf,
            names,
        }
    }

    /// As libbpf sees it.
    pub fn btf(&self) -> &Btf<'static> {
        &self.btf
    }

    /// As the core sees it.
    pub fn vmlinux(&self) -> &Vmlinux {
        &self.vmlinux
    }

    /// The same kernel, had it these types as well; but for those that it has a FWD of, which
    /// libbpf does not say by the type.
    pub fn with<'p>(&self, added: impl IntoIterator<Item = &'p Plain>) -> Self {
        let bytes = self.vmlinux.bytes();
        let field = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap());
        let part = |at| {
            let start = field(4) + field(at);
            &bytes[start as usize..(start + field(at + 4)) as usize]
        };
        let (mut types, mut strings) = (part(8).to_vec(), part(16).to_vec());
        let len = |part: &[u8]| u32::try_from(part.len()).unwrap();
        for Plain { name, words } in added {
            let mut known = self.named(name).map(|(_, type_)| type_);
            if known.clone().any(|type_| type_.kind() == FWD) {
                continue;
            }
            // libbpf counts the types of a name by the name's offset, so that must be one.
            let name_off = known.next().map_or(len(&strings), |type_| type_.words[0]);
            if name_off == len(&strings) {
                strings.extend(name);
                strings.push(0);
            }
            let words = [&[name_off], words.as_slice()].concat();
            types.extend(words.iter().flat_map(|word| word.to_ne_bytes()));
        }
        let mut header = bytes[..24].to_vec();
        let fields = [24, 0, len(&types), len(&types), len(&strings)];
        (1..)
            .zip(fields)
            .for_each(|(at, word)| put(&mut header, 4 * at, word));
        Kernel::new([header, types, strings].concat())
    }

    /// The types of this name, with their ids.
    pub fn named(&self, name: &[u8]) -> impl Iterator<Item = (u32, Type<'_>)> + Clone {
        let ids = self.names.get(name).into_iter().flatten();
        ids.map(|id| (*id, self.btf.get(*id).unwrap()))
    }
}
