// SPDX-License-Identifier: GPL-2.0

//! What the man pages show: each line is run by `tests/pages.rs`.

/// A command line, and what it is for.
pub struct Example {
    /// What for.
    pub what: &'static str,
    /// What is typed.
    pub line: &'static str,
}

const fn example(what: &'static str, line: &'static str) -> Example {
    Example { what, line }
}

const STATUS: &[Example] = &[
    example("What there is to do on this machine:", "btfreloc status"),
    example(
        "Of one module, loaded or not, what became of its BTF or would become of it:",
        "btfreloc status foo",
    ),
    example("For a program to read:", "btfreloc status --format json"),
];
const CHECK: &[Example] = &[
    example(
        "What becomes of a module of the running kernel on that:",
        "btfreloc check foo",
    ),
    example(
        "Of a file on each kernel that is installed, type by type:",
        "btfreloc check foo.ko --against /boot --explain",
    ),
    example(
        "A page for a browser, of all modules that were built outside of the kernel:",
        "btfreloc check /lib/modules/*/updates --against /boot --matrix page.html",
    ),
];
const INSPECT: &[Example] = &[
    example("What kind of BTF a module has:", "btfreloc inspect foo.ko"),
    example(
        "Whether plain split BTF is that of the running kernel, for a program to read:",
        "btfreloc inspect foo.ko --against /sys/kernel/btf/vmlinux --format json",
    ),
];
const DIFF: &[Example] = &[
    example(
        "Which types an update changes that the modules of the running kernel use:",
        "btfreloc diff /sys/kernel/btf/vmlinux /boot/vmlinuz-new /lib/modules/*/updates",
    ),
    example(
        "All that changes, for a program to read:",
        "btfreloc diff /sys/kernel/btf/vmlinux /boot/vmlinuz-new foo.ko --format json",
    ),
];
const RELOCATE: &[Example] = &[
    example(
        "What /sys/kernel/btf/foo would hold, readable with bpftool btf dump -B /sys/kernel/btf/vmlinux:",
        "btfreloc relocate foo.ko --against /sys/kernel/btf/vmlinux -o foo.btf",
    ),
    example(
        "What would be changed in a module so that the running kernel takes its BTF without rust_btfreloc:",
        "btfreloc relocate foo.ko --in-place --dry-run --against /sys/kernel/btf/vmlinux",
    ),
    example(
        "All modules from outside of the kernel, changed, each kept as it was beside it:",
        "btfreloc relocate /lib/modules/*/updates --in-place --backup --against /boot/vmlinuz-*",
    ),
];
const RESOLVE_IDS: &[Example] = &[
    example(
        "As the last step of a build:",
        "btfreloc resolve-ids foo.ko",
    ),
    example(
        "To another file, compressed:",
        "btfreloc resolve-ids foo.ko -o foo.ko.xz",
    ),
];
#[cfg(feature = "encode")]
const ENCODE: &[Example] = &[
    example(
        "In a build command that has to serve where kbuild makes BTF itself as well:",
        "btfreloc encode --if-missing foo.ko",
    ),
    example(
        "With a table of its functions, so that of several of one name each can be found:",
        "btfreloc encode --funcs foo.ko",
    ),
    example(
        "For a kernel that is not at hand; such a module needs rust_btfreloc to load:",
        "btfreloc encode --standalone foo.ko",
    ),
];
const DISTILL: &[Example] = &[
    example(
        "For the kernel whose image is named:",
        "btfreloc distill foo.ko --base /boot/vmlinuz-*",
    ),
    example(
        "Without changing the module:",
        "btfreloc distill foo.ko --raw-btf foo.btf --raw-base foo.base.btf",
    ),
];
const EXTRACT: &[Example] = &[
    example(
        "Before a kernel is replaced by another build of its release, so that modules of the new build load:",
        "btfreloc extract /boot/vmlinuz-new --firmware /lib/firmware/btfreloc",
    ),
    example(
        "Raw BTF, for bpftool and the like:",
        "btfreloc extract /boot/vmlinuz-new -o vmlinux.btf",
    ),
    example(
        "A vmlinux for headers that have none, with which kbuild makes BTF for modules:",
        "btfreloc extract /boot/vmlinuz-new --elf -o vmlinux",
    ),
];
const MIN_CORE: &[Example] = &[
    example(
        "The file that libbpf takes as btf_custom_path, on a kernel without BTF:",
        "btfreloc min-core --base /sys/kernel/btf/vmlinux prog.bpf.o --merged prog.btf",
    ),
    example(
        "With what a module has, a file each as in /sys/kernel/btf:",
        "btfreloc min-core --base /sys/kernel/btf/vmlinux --module foo.ko prog.bpf.o -o btf",
    ),
];
const FUNCS: &[Example] = &[
    example(
        "Where the functions of a module are in its file:",
        "btfreloc funcs foo.ko",
    ),
    example(
        "For a program to read:",
        "btfreloc funcs foo.ko --format json",
    ),
];
const FUNCS_ADD: &[Example] = &[example(
    "Where kbuild made BTF, after the build:",
    "btfreloc funcs add foo.ko",
)];
const MAN: &[Example] = &[example("Into this folder:", "btfreloc man .")];
const COMPLETIONS: &[Example] = &[example(
    "For bash, where it looks for them:",
    "btfreloc completions bash >/usr/local/share/bash-completion/completions/btfreloc",
)];

/// Those of a command.
pub fn of(command: &str) -> &'static [Example] {
    match command {
        "status" => STATUS,
        "check" => CHECK,
        "inspect" => INSPECT,
        "diff" => DIFF,
        "relocate" => RELOCATE,
        "resolve-ids" => RESOLVE_IDS,
        #[cfg(feature = "encode")]
        "encode" => ENCODE,
        "distill" => DISTILL,
        "extract" => EXTRACT,
        "min-core" => MIN_CORE,
        "funcs" => FUNCS,
        "funcs-add" => FUNCS_ADD,
        "man" => MAN,
        "completions" => COMPLETIONS,
        _ => &STATUS[..1],
    }
}

/// Files that belong to a command, each with what it is.
pub fn files(command: &str) -> &'static [(&'static str, &'static str)] {
    const BASES: (&str, &str) = (
        "/lib/firmware/btfreloc/RELEASE.btf, RELEASE.1.btf, ...",
        "vmlinux BTF of the builds of a release, the newest first, plain or with .zst or .xz after the name: with it plain \
         split BTF of another build is relocated.",
    );
    const IN_PLACE: (&str, &str) = (
        "/etc/btfreloc/in-place.conf",
        "Which modules are changed in place with each kernel that is installed, by /etc/kernel/postinst.d/btfreloc-in-place: \
         \"folder NAME\" for those in /lib/modules/RELEASE/NAME, \"sign-with PROGRAM\" for what signs them. None by default.",
    );
    match command {
        "relocate" => &[IN_PLACE, BASES],
        "check" | "status" | "extract" => &[BASES],
        _ => &[],
    }
}

/// Pages of others that belong to those of a command.
pub fn see_also(command: &str) -> &'static [&'static str] {
    match command {
        "encode" | "resolve-ids" => &["pahole(1)"],
        "status" => &["bpftool-btf(8)", "lsmod(8)", "dmesg(1)"],
        "inspect" | "relocate" | "diff" => &["bpftool-btf(8)"],
        "extract" => &["bpftool-btf(8)", "pahole(1)"],
        "funcs" => &["bpftrace(8)"],
        "man" | "completions" => &[],
        _ => &["bpftool-btf(8)", "modinfo(8)", "modprobe(8)"],
    }
}
