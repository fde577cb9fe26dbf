// SPDX-License-Identifier: GPL-2.0

//! A kernel's BTF in small: what modules refer to most, and all that makes matching hard.

use std::sync::OnceLock;

use crate::builder::{Builder, BOOL, SIGNED};
use crate::kernel::Vmlinux;
use crate::peer;
use rust_btfreloc::btf::Kind;

/// The kernel, with its tables.
pub fn vmlinux() -> &'static Vmlinux {
    static VMLINUX: OnceLock<Vmlinux> = OnceLock::new();
    VMLINUX.get_or_init(|| Vmlinux::new(build().bytes()))
}

/// The same for libbpf.
pub fn peer() -> &'static peer::Btf<'static> {
    static PEER: OnceLock<peer::Btf<'static>> = OnceLock::new();
    PEER.get_or_init(|| peer::Btf::base(&build().bytes()).unwrap())
}

/// Where BTF that is split off it starts: its first type id, and its first string offset.
pub fn end() -> (u32, u32) {
    let built = build();
    (built.next_id(), built.end_str())
}

fn build() -> Builder {
    let mut b = Builder::base();
    for (name, size, encoding) in [
        ("int", 4, SIGNED),
        ("char", 1, SIGNED),
        ("unsigned int", 4, 0),
        ("long int", 8, SIGNED),
        ("long unsigned int", 8, 0),
        ("short unsigned int", 2, 0),
        ("unsigned char", 1, 0),
        ("_Bool", 1, BOOL),
    ] {
        b.int(name, size, encoding);
    }
    known(&mut b);
    alike(&mut b);
    b
}

const INT: u32 = 1;
const CHAR: u32 = 2;
const LONG: u32 = 4;

/// What the seeds, which are real modules, refer to.
fn known(b: &mut Builder) {
    let void_pointer = b.ptr(0);
    let pointer = |b: &mut Builder, id| b.ptr(id);
    let head = b.next_id() + 1;
    let to_head = pointer(b, head);
    b.structure(
        "list_head",
        16,
        &[("next", [to_head, 0]), ("prev", [to_head, 64])],
    );
    let name = b.array(CHAR, INT, 56);
    let proto = b.func_proto(INT, &[("", [void_pointer])]);
    let callback = pointer(b, proto);
    b.structure(
        "file_operations",
        264,
        &[("owner", [void_pointer, 0]), ("open", [callback, 64])],
    );
    b.structure(
        "module",
        1216,
        &[("list", [head, 64]), ("name", [name, 192])],
    );
    b.structure("device", 792, &[("kobj", [head, 0])]);
    b.structure("device_driver", 144, &[("name", [void_pointer, 0])]);
    b.structure("mutex", 32, &[("owner", [LONG, 0])]);
    b.bit_fields(
        "sk_buff",
        232,
        &[("len", [INT, 0, 0]), ("cloned", [INT, 33, 1])],
    );
    b.structure("net_device", 2368, &[("state", [LONG, 0])]);
    b.structure("rc_map", 56, &[("size", [INT, 0])]);
    b.structure(
        "rc_map_table",
        16,
        &[("scancode", [LONG, 0]), ("keycode", [INT, 64])],
    );
    b.structure("rc_map_list", 72, &[("list", [head, 0])]);
    b.structure("nls_table", 80, &[("charset", [void_pointer, 0])]);
    b.enumeration(
        "rc_proto",
        4,
        &[("RC_PROTO_UNKNOWN", [0]), ("RC_PROTO_RC5", [2])],
    );
    let u32_t = b.typedef("u32", 3);
    let atomic = b.structure("", 4, &[("counter", [INT, 0])]);
    b.typedef("atomic_t", atomic);
    let tag = b.type_tag("rcu", u32_t);
    pointer(b, tag);
    b.constant(CHAR);
    b.refer(Kind::Volatile, LONG);
    b.float("double", 8);
    let init = b.func("init", proto, 1);
    b.decl_tag("kfunc", init, -1);
    let jiffies = b.var("jiffies", LONG, 1);
    b.datasec(".data", 8, &[[jiffies, 0, 8]]);
}

/// Types that share a name.
fn alike(b: &mut Builder) {
    let array = b.array(CHAR, INT, 4);
    for part in [array, INT] {
        b.structure("sized_alike", 4, &[("a", [part, 0])]);
        b.enumeration("enum_twin", 4, &[("A", [1]), ("B", [2])]);
        b.structure("twin", 8, &[("a", [INT, 0]), ("b", [INT, 32])]);
    }
    b.structure("rival", 8, &[("a", [INT, 0])]);
    b.structure("rival", 8, &[("other", [INT, 32])]);
    b.structure("sizes", 4, &[("a", [INT, 0])]);
    b.structure("sizes", 8, &[("a", [LONG, 0])]);
    let inner = [
        b.union("", 4, &[("a", [INT, 0])]),
        b.structure("", 4, &[("c", [CHAR, 0])]),
    ];
    for inner in inner {
        b.structure("nested", 4, &[("", [inner, 0])]);
    }
    b.structure("both", 8, &[("a", [LONG, 0])]);
    b.union("both", 8, &[("a", [LONG, 0])]);
    b.fwd("both", false);
    b.fwd("hidden", false);
    b.fwd("hidden_union", true);
    b.int("signed", 4, SIGNED);
    b.int("signed", 4, 0);
    b.enumeration("state", 4, &[("ON", [1])]);
    b.enum64("state", 8, true, &[("LATER", [1, 1])]);
    b.enum64("wide", 8, false, &[("WIDE", [0, 1])]);
}
