// SPDX-License-Identifier: GPL-2.0

//! The C file that bpftool makes of a module with opaque or renamed types compiles, and its structs are
//! as large as they were.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use btfreloc_selftests::builder::{Builder, SIGNED};
use btfreloc_selftests::kernel::Vmlinux;
use btfreloc_selftests::rebase::rebase;

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
    let base = distilled();
    let loaded = Vmlinux::new(vmlinux().bytes());
    let done = loaded.relocate(&base.bytes(), &module(&base).bytes());
    let done = done.unwrap();
    assert_eq!(done.counts.opaque, 10);
    compiles("c-dump", &loaded, &done.btf, SIZES);
}

const RENAMED_SIZES: &str = "
_Static_assert(sizeof(struct task____own) == 12, \"task\");
_Static_assert(sizeof(union value____own) == 8, \"value\");
_Static_assert(sizeof(struct holder) == 32, \"holder\");
_Static_assert(__builtin_offsetof(struct holder, task) == 8, \"task in holder\");
_Static_assert(sizeof(struct list____own) == 16, \"list\");
";

/// Structs of a standalone module that vmlinux has in another layout: held, pointed to by
/// themselves, and declared.
#[test]
fn so_does_that_of_a_module_with_renamed_types() {
    let vmlinux = || {
        let mut b = Builder::base();
        let int = b.int("int", 4, SIGNED);
        for name in ["task", "list", "value", "declared"] {
            b.structure(name, 4, &[("x", [int, 0])]);
        }
        b
    };
    let mut b = Builder::base();
    let int = b.int("int", 4, SIGNED);
    let bits = [
        ("x", [int, 0, 3]),
        ("y", [int, 32, 32]),
        ("odd", [int, 64, 5]),
    ];
    let task = b.bit_fields("task", 12, &bits);
    let list = b.next_id() + 1;
    b.ptr(list);
    b.structure("list", 16, &[("next", [list - 1, 0]), ("x", [int, 64])]);
    // libbpf gives no union the size that its members do not.
    let value = b.union("value", 8, &[("list", [list - 1, 0])]);
    let declared = b.fwd("list", false);
    let declared = b.ptr(declared);
    let members = [
        ("value", [value, 0]),
        ("task", [task, 64]),
        ("list", [declared, 192]),
    ];
    b.structure("holder", 32, &members);
    let loaded = Vmlinux::new(vmlinux().bytes());
    let done = rebase(&loaded, &b.bytes()).unwrap();
    compiles("c-dump-renamed", &loaded, &done.btf, RENAMED_SIZES);
}

/// The C file that bpftool makes of `btf`, and `sizes` after it, compile.
fn compiles(folder: &str, loaded: &Vmlinux, btf: &[u8], sizes: &str) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(folder);
    fs::create_dir_all(&folder).unwrap();
    let file = |name: &str| folder.join(name);
    fs::write(file("vmlinux"), loaded.bytes()).unwrap();
    fs::write(file("module"), btf).unwrap();
    let mut dump = Command::new("bpftool");
    dump.arg("-B").arg(file("vmlinux"));
    dump.args(["btf", "dump", "file"]).arg(file("module"));
    let dump = dump.args(["format", "c"]).output().unwrap();
    let text = String::from_utf8(dump.stdout).unwrap();
    assert!(dump.status.success(), "{text}{dump:?}", dump = dump.stderr);
    fs::write(file("module.c"), text.clone() + sizes).unwrap();
    let mut clang = Command::new("clang");
    clang.args(["-target", "bpf", "-fsyntax-only", "-Wno-visibility"]);
    let clang = clang.arg(file("module.c")).output().unwrap();
    let said = String::from_utf8_lossy(&clang.stderr);
    assert!(clang.status.success(), "{said}{text}");
}
