// SPDX-License-Identifier: GPL-2.0

//! Builds BTF type by type: bases and what is split off them, with every form of header.

use std::collections::HashMap;

use rust_btfreloc::btf::Kind;

/// `BTF_INT_SIGNED`.
pub const SIGNED: u32 = 1;
/// `BTF_INT_CHAR`.
pub const CHAR: u32 = 2;
/// `BTF_INT_BOOL`.
pub const BOOL: u32 = 4;

/// The second word of a type.
pub fn info(kind: Kind, kflag: bool, vlen: u32) -> u32 {
    (u32::from(kflag) << 31) | ((kind as u32) << 24) | vlen
}

/// BTF in the making.
#[derive(Clone, Default)]
pub struct Builder {
    first_id: u32,
    count: u32,
    first_str: u32,
    types: Vec<u8>,
    strings: Vec<u8>,
    known: HashMap<Vec<u8>, u32>,
}

impl Builder {
    /// Standalone BTF, with no type yet.
    pub fn base() -> Self {
        Builder {
            first_id: 1,
            strings: vec![0],
            ..Builder::default()
        }
    }

    /// BTF split off `base`; as libbpf does, it uses the strings that its base has.
    pub fn split(base: &Builder) -> Self {
        Builder {
            first_id: base.next_id(),
            first_str: base.end_str(),
            known: base.known.clone(),
            ..Builder::default()
        }
    }

    /// BTF split off a base that ends with these ids and strings, and uses none of its strings.
    pub fn split_at(first_id: u32, first_str: u32) -> Self {
        Builder {
            first_id,
            first_str,
            ..Builder::default()
        }
    }

    /// Id that the next type gets.
    pub fn next_id(&self) -> u32 {
        self.first_id + self.count
    }

    /// Offset that the next string gets.
    pub fn end_str(&self) -> u32 {
        self.first_str + u32::try_from(self.strings.len()).unwrap()
    }

    /// Offset of the string `name`, which is added where it is new.
    pub fn name(&mut self, name: impl AsRef<[u8]>) -> u32 {
        let name = name.as_ref();
        if name.is_empty() {
            return 0;
        }
        let end = self.end_str();
        match self.known.get(name) {
            Some(off) => *off,
            None => {
                self.known.insert(name.to_vec(), end);
                self.strings.extend_from_slice(name);
                self.strings.push(0);
                end
            }
        }
    }

    /// A type as its words stand, right or wrong.
    pub fn raw(&mut self, words: &[u32]) -> u32 {
        let bytes = words.iter().flat_map(|word| word.to_ne_bytes());
        self.types.extend(bytes);
        self.count += 1;
        self.next_id() - 1
    }

    fn add(&mut self, name: &str, info: u32, word: u32, rest: &[u32]) -> u32 {
        let name = self.name(name);
        self.raw(&[&[name, info, word], rest].concat())
    }

    pub fn int(&mut self, name: &str, size: u32, encoding: u32) -> u32 {
        let description = (encoding << 24) | (size * 8);
        self.add(name, info(Kind::Int, false, 0), size, &[description])
    }

    pub fn float(&mut self, name: &str, size: u32) -> u32 {
        self.add(name, info(Kind::Float, false, 0), size, &[])
    }

    /// A kind of type with no name that only refers to another.
    pub fn refer(&mut self, kind: Kind, id: u32) -> u32 {
        self.add("", info(kind, false, 0), id, &[])
    }

    pub fn ptr(&mut self, id: u32) -> u32 {
        self.refer(Kind::Ptr, id)
    }

    pub fn constant(&mut self, id: u32) -> u32 {
        self.refer(Kind::Const, id)
    }

    pub fn typedef(&mut self, name: &str, id: u32) -> u32 {
        self.add(name, info(Kind::Typedef, false, 0), id, &[])
    }

    pub fn type_tag(&mut self, name: &str, id: u32) -> u32 {
        self.add(name, info(Kind::TypeTag, false, 0), id, &[])
    }

    pub fn decl_tag(&mut self, name: &str, id: u32, component: i32) -> u32 {
        let component = component as u32;
        self.add(name, info(Kind::DeclTag, false, 0), id, &[component])
    }

    pub fn array(&mut self, elem: u32, index: u32, count: u32) -> u32 {
        self.add("", info(Kind::Array, false, 0), 0, &[elem, index, count])
    }

    fn elements<const N: usize>(&mut self, elements: &[(&str, [u32; N])]) -> (u32, Vec<u32>) {
        let mut words = Vec::new();
        for (name, rest) in elements {
            words.push(self.name(name));
            words.extend(rest);
        }
        (u32::try_from(elements.len()).unwrap(), words)
    }

    /// A STRUCT or UNION; of each member the name, and type id and offset in bits.
    pub fn composite(
        &mut self,
        kind: Kind,
        name: &str,
        size: u32,
        members: &[(&str, [u32; 2])],
    ) -> u32 {
        let (vlen, words) = self.elements(members);
        self.add(name, info(kind, false, vlen), size, &words)
    }

    pub fn structure(&mut self, name: &str, size: u32, members: &[(&str, [u32; 2])]) -> u32 {
        self.composite(Kind::Struct, name, size, members)
    }

    pub fn union(&mut self, name: &str, size: u32, members: &[(&str, [u32; 2])]) -> u32 {
        self.composite(Kind::Union, name, size, members)
    }

    /// A STRUCT with bit-fields: of each member the name, and type id, offset and width in bits.
    pub fn bit_fields(&mut self, name: &str, size: u32, members: &[(&str, [u32; 3])]) -> u32 {
        let packed: Vec<_> = members
            .iter()
            .map(|(name, [id, offset, width])| (*name, [*id, (width << 24) | offset]))
            .collect();
        let (vlen, words) = self.elements(&packed);
        self.add(name, info(Kind::Struct, true, vlen), size, &words)
    }

    pub fn enumeration(&mut self, name: &str, size: u32, values: &[(&str, [u32; 1])]) -> u32 {
        let (vlen, words) = self.elements(values);
        self.add(name, info(Kind::Enum, false, vlen), size, &words)
    }

    /// An ENUM64; of each value the name, and the low and the high half.
    pub fn enum64(
        &mut self,
        name: &str,
        size: u32,
        signed: bool,
        values: &[(&str, [u32; 2])],
    ) -> u32 {
        let (vlen, words) = self.elements(values);
        self.add(name, info(Kind::Enum64, signed, vlen), size, &words)
    }

    pub fn fwd(&mut self, name: &str, is_union: bool) -> u32 {
        self.add(name, info(Kind::Fwd, is_union, 0), 0, &[])
    }

    pub fn func(&mut self, name: &str, proto: u32, linkage: u32) -> u32 {
        self.add(name, info(Kind::Func, false, linkage), proto, &[])
    }

    pub fn func_proto(&mut self, ret: u32, params: &[(&str, [u32; 1])]) -> u32 {
        let (vlen, words) = self.elements(params);
        self.add("", info(Kind::FuncProto, false, vlen), ret, &words)
    }

    pub fn var(&mut self, name: &str, id: u32, linkage: u32) -> u32 {
        self.add(name, info(Kind::Var, false, 0), id, &[linkage])
    }

    /// A DATASEC; of each variable type id, offset and size.
    pub fn datasec(&mut self, name: &str, size: u32, variables: &[[u32; 3]]) -> u32 {
        let vlen = u32::try_from(variables.len()).unwrap();
        self.add(
            name,
            info(Kind::Datasec, false, vlen),
            size,
            variables.as_flattened(),
        )
    }

    /// How a function's parameter reaches where it was inlined: flags, and words that they explain.
    pub fn loc_param(&mut self, size: u32, flags: u32, values: &[u32]) -> u32 {
        let vlen = u32::try_from(values.len()).unwrap();
        let words = [&[flags], values].concat();
        self.add("", info(Kind::LocParam, false, vlen), size, &words)
    }

    /// The parameters of a function where it was inlined; 0 for one that is nowhere.
    pub fn loc_proto(&mut self, params: &[u32]) -> u32 {
        let vlen = u32::try_from(params.len()).unwrap();
        self.add("", info(Kind::LocProto, false, vlen), 0, params)
    }

    /// Where functions were inlined; of each place the FUNC, the LOC_PROTO and the offset.
    pub fn locsec(&mut self, name: &str, places: &[[u32; 3]]) -> u32 {
        let vlen = u32::try_from(places.len()).unwrap();
        self.add(
            name,
            info(Kind::Locsec, false, vlen),
            0,
            places.as_flattened(),
        )
    }

    /// What shows a kernel's knowledge: the enum of kinds up to `kind_max`, and a header of
    /// `header_len` bytes.
    pub fn knows(&mut self, kind_max: u32, header_len: u32) {
        let values = [
            ("BTF_KIND_UNKN", [0]),
            ("NR_BTF_KINDS", [kind_max + 1]),
            ("BTF_KIND_MAX", [kind_max]),
        ];
        self.enumeration("", 4, &values);
        self.structure("btf_header", header_len, &[]);
    }

    /// The section with the short header.
    pub fn bytes(&self) -> Vec<u8> {
        self.build(&Header::SHORT)
    }

    /// The section with a header of this form.
    pub fn build(&self, header: &Header) -> Vec<u8> {
        let layout = if header.layout { layout() } else { Vec::new() };
        self.build_with_layout(header, &layout)
    }

    /// The same with this layout part, where the header has one.
    pub fn build_with_layout(&self, header: &Header, layout: &[u8]) -> Vec<u8> {
        header.section(&self.types, &self.strings, layout)
    }
}

/// A part of a section, in the order of its fields in the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Types,
    Strings,
    Layout,
}

/// How a header is made: its length, the order of the parts, and whether there is a layout part.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    pub len: u32,
    pub order: [Part; 3],
    pub layout: bool,
}

impl Header {
    /// As in vmlinux.
    pub const SHORT: Header = Header {
        len: 24,
        order: [Part::Types, Part::Strings, Part::Layout],
        layout: false,
    };
    /// With a layout part in the middle.
    pub const LONG: Header = Header {
        len: 32,
        order: [Part::Types, Part::Layout, Part::Strings],
        layout: true,
    };

    fn section(&self, types: &[u8], strings: &[u8], layout: &[u8]) -> Vec<u8> {
        let mut header = vec![0; self.len as usize];
        header[..8].copy_from_slice(&[0x9f, 0xeb, 1, 0, 0, 0, 0, 0]);
        put(&mut header, 4, self.len);
        let mut body = Vec::new();
        for part in self.order {
            let (field, bytes) = match part {
                Part::Types => (8, types),
                Part::Strings => (16, strings),
                Part::Layout => (24, layout),
            };
            if part != Part::Layout || self.layout {
                put(&mut header, field, u32::try_from(body.len()).unwrap());
                put(&mut header, field + 4, u32::try_from(bytes.len()).unwrap());
            }
            body.extend_from_slice(bytes);
        }
        [header, body].concat()
    }
}

/// Stores a word, to make right bytes wrong.
pub fn put(bytes: &mut [u8], at: usize, word: u32) {
    bytes[at..at + 4].copy_from_slice(&word.to_ne_bytes());
}

/// `struct btf_layout` for each kind, from 0: bytes after `struct btf_type`, and of an element.
pub fn layout() -> Vec<u8> {
    #[rustfmt::skip]
    let sizes: [[u8; 2]; 20] = [
        [0, 0], [4, 0], [0, 0], [12, 0], [0, 12], [0, 12], [0, 8], [0, 0], [0, 0], [0, 0],
        [0, 0], [0, 0], [0, 0], [0, 8], [4, 0], [0, 12], [0, 0], [4, 0], [0, 0], [0, 12],
    ];
    sizes
        .iter()
        .flat_map(|[info, elem]| [*info, *elem, 0, 0])
        .collect()
}
