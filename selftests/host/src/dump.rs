// SPDX-License-Identifier: GPL-2.0

//! Text as `bpftool btf dump file FILE format raw` prints it.

use std::fmt::Write;

use crate::model::{Model, Type};

#[rustfmt::skip]
const KINDS: [&str; 20] = [
    "UNKNOWN", "INT", "PTR", "ARRAY", "STRUCT", "UNION", "ENUM", "FWD", "TYPEDEF", "VOLATILE",
    "CONST", "RESTRICT", "FUNC", "FUNC_PROTO", "VAR", "DATASEC", "FLOAT", "DECL_TAG", "TYPE_TAG",
    "ENUM64",
];
const LINKAGE: [&str; 3] = ["static", "global", "extern"];

/// All types of standalone BTF.
pub fn base(bytes: &[u8]) -> String {
    own(&Model::base(bytes))
}

/// The types of split BTF without those of its base.
pub fn split(base: &[u8], bytes: &[u8]) -> String {
    own(&Model::base(base).split(bytes))
}

fn own(model: &Model) -> String {
    let mut text = String::new();
    for (id, type_) in model.own() {
        let kind = KINDS[type_.kind as usize];
        let details = details(type_);
        writeln!(text, "[{id}] {kind} '{}'{details}", quoted(&type_.name)).unwrap();
        for element in elements(model, type_) {
            writeln!(text, "\t{element}").unwrap();
        }
    }
    text
}

fn quoted(name: &str) -> &str {
    if name.is_empty() {
        "(anon)"
    } else {
        name
    }
}

fn details(type_: &Type) -> String {
    let Type { vlen, word, .. } = type_;
    let rest = |index: usize| type_.rest[index];
    match kind_name(type_) {
        "INT" => int(*word, rest(0)),
        "ARRAY" => {
            let (elem, index, count) = (rest(0), rest(1), rest(2));
            format!(" type_id={elem} index_type_id={index} nr_elems={count}")
        }
        "STRUCT" | "UNION" | "DATASEC" => format!(" size={word} vlen={vlen}"),
        "ENUM" | "ENUM64" => {
            let encoding = if type_.kflag { "SIGNED" } else { "UNSIGNED" };
            format!(" encoding={encoding} size={word} vlen={vlen}")
        }
        "FWD" => format!(" fwd_kind={}", if type_.kflag { "union" } else { "struct" }),
        "FUNC" => format!(" type_id={word} linkage={}", LINKAGE[*vlen as usize]),
        "FUNC_PROTO" => format!(" ret_type_id={word} vlen={vlen}"),
        "VAR" => format!(" type_id={word}, linkage={}", LINKAGE[rest(0) as usize]),
        "FLOAT" => format!(" size={word}"),
        "DECL_TAG" => format!(" type_id={word} component_idx={}", rest(0) as i32),
        _ => format!(" type_id={word}"),
    }
}

fn int(size: u32, description: u32) -> String {
    let encoding = match (description >> 24) & 0xf {
        0 => "(none)",
        1 => "SIGNED",
        2 => "CHAR",
        4 => "BOOL",
        _ => "UNKN",
    };
    let (offset, bits) = ((description >> 16) & 0xff, description & 0xff);
    format!(" size={size} bits_offset={offset} nr_bits={bits} encoding={encoding}")
}

fn elements(model: &Model, type_: &Type) -> Vec<String> {
    let words = match kind_name(type_) {
        "STRUCT" | "UNION" | "DATASEC" | "ENUM64" => 3,
        "ENUM" | "FUNC_PROTO" => 2,
        _ => return Vec::new(),
    };
    let chunks = type_.rest.chunks_exact(words);
    chunks
        .map(|element| text_of_element(model, type_, element))
        .collect()
}

fn text_of_element(model: &Model, type_: &Type, element: &[u32]) -> String {
    if kind_name(type_) == "DATASEC" {
        let (id, offset, size) = (element[0], element[1], element[2]);
        let target = model.get(id);
        let kind = kind_name(target);
        return format!(
            "type_id={id} offset={offset} size={size} ({kind} '{}')",
            quoted(&target.name)
        );
    }
    let name = model.string(element[0]);
    let name = quoted(&name);
    match (kind_name(type_), type_.kflag) {
        ("FUNC_PROTO", _) => format!("'{name}' type_id={}", element[1]),
        ("ENUM", false) => format!("'{name}' val={}", element[1]),
        ("ENUM", true) => format!("'{name}' val={}", element[1] as i32),
        ("ENUM64", signed) => {
            let value = (u64::from(element[2]) << 32) | u64::from(element[1]);
            match signed {
                true => format!("'{name}' val={}LL", value as i64),
                false => format!("'{name}' val={value}ULL"),
            }
        }
        (_, false) => format!("'{name}' type_id={} bits_offset={}", element[1], element[2]),
        (_, true) => bit_field(name, element[1], element[2]),
    }
}

fn bit_field(name: &str, id: u32, place: u32) -> String {
    let (offset, width) = (place & 0x00ff_ffff, place >> 24);
    let text = format!("'{name}' type_id={id} bits_offset={offset}");
    match width {
        0 => text,
        width => format!("{text} bitfield_size={width}"),
    }
}

fn kind_name(type_: &Type) -> &'static str {
    KINDS[type_.kind as usize]
}
