// SPDX-License-Identifier: GPL-2.0

//! The C file that bpftool makes of a module with opaque types compiles, and its structs are as large
//! as they were.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use btfreloc_selftests::builder::{Builder, SIGNED};
use btfreloc_selftests::kernel::Vmlinux;

const SIZES: &str = "
_Static_assert(sizeof(struct own) == 56, \"own\");
_Static_assert(__builtin_offsetof(struct own, after) == 52, \"after\");
_Static_assert(sizeof(((struct own *)0)->odd) == 3, \"odd\");
_Static_assert(sizeof(((struct own *)0)->small) == 1, \"small\");
_Static_assert(sizeof(((struct own *)0)->large) == 8, \"large\");
";

/// Types of each kind and size that vmlinux lacks, held and pointed to, some by the name of another
/// type there.
fn distilled() -> Builder {
    let mut b = Builder::base();
    b.int("int", 4, SIGNED);
    b.structure("scalars", 16, &[]);
    b.union("value", 8, &[]);
    b.structure("odd", 3, &[]);
    b.enumeration("small", 1, &[]);
    b.enumeration("large", 8, &[]);
    b.structure("turned", 8, &[]);
    b.structure("pointee", 8, &[]);
    b.union("other", 8, &[]);
    b.enumeration("state", 4, &[]);
    b.structure("element", 4, &[]);
    b
}

fn module(base: &Builder) -> Builder {
    let mut b = Builder::split(base);
    let state = b.typedef("state", 10);
    let pointers = [2, 7, 8, 9, 10].map(|id| b.ptr(id));
    let elements = b.array(11, 1, 4);
    let members = [
        ("scalars", [2, 0]),
        ("odd", [4, 128]),
        ("small", [5, 152]),
        ("state", [state, 160]),
        ("large", [6, 192]),
        ("turned", [7, 256]),
        ("pointer", [pointers[0], 320]),
        ("element", [11, 384]),
        ("after", [1, 416]),
    ];
    b.structure("own", 56, &members);
    // libbpf gives no union the size that its members do not.
    b.structure("holder", 8, &[("value", [3, 0])]);
    let params = pointers.map(|id| ("p", [id]));
    let proto = b.func_proto(1, &params);
    b.func("run", proto, 1);
    let elements = b.ptr(elements);
    b.structure("table", 8, &[("elements", [elements, 0])]);
    b
}

fn vmlinux() -> Builder {
    let mut b = Builder::base();
    let int = b.int("int", 4, SIGNED);
    b.union("turned", 8, &[("a", [int, 0])]);
    b.structure("other", 8, &[("a", [int, 0])]);
    b.typedef("pointee", int);
    b
}

#[test]
fn it_compiles() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("c-dump");
    fs::create_dir_all(&folder).unwrap();
    let file = |name: &str| folder.join(name);
    let base = distilled();
    let loaded = Vmlinux::new(vmlinux().bytes());
    let done = loaded.relocate(&base.bytes(), &module(&base).bytes());
    let done = done.unwrap();
    assert_eq!(done.counts.opaque, 10);
    fs::write(file("vmlinux"), loaded.bytes()).unwrap();
    fs::write(file("module"), &done.btf).unwrap();
    let mut dump = Command::new("bpftool");
    dump.arg("-B").arg(file("vmlinux"));
    dump.args(["btf", "dump", "file"]).arg(file("module"));
    let dump = dump.args(["format", "c"]).output().unwrap();
    let text = String::from_utf8(dump.stdout).unwrap();
    assert!(dump.status.success(), "{text}{dump:?}", dump = dump.stderr);
    fs::write(file("module.c"), text.clone() + SIZES).unwrap();
    let mut clang = Command::new("clang");
    clang.args(["-target", "bpf", "-fsyntax-only", "-Wno-visibility"]);
    let clang = clang.arg(file("module.c")).output().unwrap();
    let said = String::from_utf8_lossy(&clang.stderr);
    assert!(clang.status.success(), "{said}{text}");
}
