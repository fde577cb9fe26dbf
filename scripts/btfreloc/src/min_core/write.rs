// SPDX-License-Identifier: GPL-2.0

//! Writes what is kept: the base, BTF split off it, or all of it as one.

use std::collections::HashMap;

use anyhow::{Context, Result};
use rust_btfreloc::btf::{
    info, put_u32, read_u32, to_usize, write_header, Btf, Kind, Record, HEADER_LEN,
};

use super::keep::{Kept, Need};

/// The new id of each type by its old one.
pub type Ids = HashMap<u32, u32>;

/// BTF as it is written, type after type.
#[derive(Clone, Default)]
pub struct Writer {
    types: Vec<u8>,
    strings: Vec<u8>,
    offsets: HashMap<Vec<u8>, u32>,
    start_str_off: u32,
    next_id: u32,
}

impl Writer {
    /// Standalone BTF.
    pub fn base() -> Self {
        Writer {
            strings: vec![0],
            offsets: HashMap::from([(Vec::new(), 0)]),
            next_id: 1,
            ..Writer::default()
        }
    }

    /// BTF split off this.
    pub fn split(&self) -> Self {
        Writer {
            types: Vec::new(),
            strings: Vec::new(),
            offsets: self.offsets.clone(),
            start_str_off: self.start_str_off + self.strings.len() as u32,
            next_id: self.next_id,
        }
    }

    /// Adds the types of `btf` that are `kept`, whose names count where `is_named` says so; `ids` has those
    /// of its base already.
    ///
    /// # Errors
    ///
    /// It is too long for BTF.
    pub fn add(
        &mut self,
        btf: &Btf<'_>,
        kept: &Kept,
        ids: &mut Ids,
        is_named: impl Fn(&Record<'_>, &Need) -> bool,
    ) -> Result<()> {
        for id in kept.keys() {
            ids.insert(*id, self.next_id);
            self.next_id += 1;
        }
        for (id, need) in kept {
            let record = btf.record(*id).context("a type that is not there")?;
            self.record(btf, &record, need, ids, is_named(&record, need));
        }
        Ok(())
    }

    /// All of it, as a file below `/sys/kernel/btf`.
    ///
    /// # Errors
    ///
    /// It is too long for BTF.
    pub fn bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = vec![0; to_usize(HEADER_LEN)];
        let [types, strings] = [&self.types, &self.strings].map(|part| u32::try_from(part.len()));
        write_header(&mut bytes, types?, 0, strings?).context("a header without room")?;
        bytes.extend(&self.types);
        bytes.extend(&self.strings);
        Ok(bytes)
    }

    fn record(
        &mut self,
        btf: &Btf<'_>,
        record: &Record<'_>,
        need: &Need,
        ids: &Ids,
        is_named: bool,
    ) {
        let new_id = |id: u32| {
            btf.unmodified(id)
                .and_then(|(bare, _)| ids.get(&bare))
                .copied()
                .unwrap_or(0)
        };
        let name = if is_named {
            self.string(btf, record.name_off())
        } else {
            0
        };
        let elements = self.elements(btf, record, need, &new_id);
        let mut head = record.fixed_bytes().to_vec();
        put_u32(&mut head, 0, name);
        let shape = record.shape();
        if shape.elem != 0 {
            let vlen = elements.len() / usize::from(shape.elem);
            put_u32(
                &mut head,
                4,
                info(record.kind(), record.kflag(), vlen as u32),
            );
        }
        match record.kind() {
            Kind::Ptr | Kind::FuncProto if !need.follow => put_u32(&mut head, 8, 0),
            Kind::Array => {
                let (element, index, _) = record.array();
                put_u32(&mut head, 12, new_id(element));
                put_u32(&mut head, 16, new_id(index))
            }
            _ if shape.refers => put_u32(&mut head, 8, new_id(record.type_id())),
            _ => None,
        };
        self.types.extend(head);
        self.types.extend(elements);
    }

    /// The members, values or parameters that are kept.
    fn elements(
        &mut self,
        btf: &Btf<'_>,
        record: &Record<'_>,
        need: &Need,
        new_id: &impl Fn(u32) -> u32,
    ) -> Vec<u8> {
        let mut kept = Vec::new();
        for (element, index) in record.elements().zip(0..) {
            let mut element = element.to_vec();
            let word = |at| read_u32(&element, at).unwrap_or(0);
            let (name, id) = (word(0), word(4));
            let is_kept = match record.kind() {
                Kind::FuncProto => need.follow,
                _ => need.all || need.some.contains(&index),
            };
            if !is_kept {
                continue;
            }
            // Of parameters, nobody asks the names.
            let name = match record.kind() {
                Kind::FuncProto => 0,
                _ => self.string(btf, name),
            };
            put_u32(&mut element, 0, name);
            if !matches!(record.kind(), Kind::Enum | Kind::Enum64) {
                put_u32(&mut element, 4, new_id(id));
            }
            kept.extend(element);
        }
        kept
    }

    fn string(&mut self, btf: &Btf<'_>, off: u32) -> u32 {
        let name = btf.string(off).unwrap_or(b"");
        if let Some(off) = self.offsets.get(name) {
            return *off;
        }
        let off = self.start_str_off + self.strings.len() as u32;
        self.strings.extend(name);
        self.strings.push(0);
        self.offsets.insert(name.to_vec(), off);
        off
    }
}
