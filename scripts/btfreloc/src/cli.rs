// SPDX-License-Identifier: GPL-2.0

//! What can be typed. Help, man pages and completions are all made from this.

use std::path::{Path, PathBuf};

use clap::{value_parser, ArgGroup, Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use rust_btfreloc::reloc::SuppliedName;
use rust_btfreloc::version;

const INPUTS: &str = "\
MODULE: a .ko, .ko.xz, .ko.zst or .ko.gz file, raw BTF, a folder that is searched for modules, or - for \
standard input.
KERNEL: a vmlinux or vmlinuz file, raw BTF such as /sys/kernel/btf/vmlinux, - for standard input, or the \
release of a kernel that is installed here.";

const STATUS: &str = "\
Exit status: 0 if all checks passed, 1 if there are findings, 2 if something could not be read or the command \
line is wrong.";

/// What is built in.
#[cfg(feature = "encode")]
macro_rules! features {
    () => {
        "+encode"
    };
}
#[cfg(not(feature = "encode"))]
macro_rules! features {
    () => {
        "-encode"
    };
}
const LONG_VERSION: &str = concat!(version!(), "\nfeatures: ", features!());

/// Checks whether the BTF of kernel modules is valid on a kernel, relocates it, and makes it.
#[derive(Parser)]
#[command(name = "btfreloc", version = version!(), long_version = LONG_VERSION, after_long_help = STATUS, after_help = STATUS)]
pub struct Cli {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Report what became of the BTF of the modules that are loaded, and what to do
    Status(Status),
    /// Show the BTF in files: sections, sizes, kinds and ids, and what it is split off
    Inspect(Inspect),
    /// Report what rust_btfreloc would do with modules on kernels, and what the kernel alone would
    Check(Check),
    /// Report which types differ between two kernels, and which modules use them
    Diff(Diff),
    /// Write the BTF that would be registered for a module on a kernel
    Relocate(Relocate),
    /// Fill the .BTF_ids of modules from their BTF, as resolve_btfids does
    ResolveIds(ResolveIds),
    /// Make the BTF of modules from their DWARF, as kbuild does it where there is a vmlinux
    Encode(Encode),
    /// Give modules with plain split BTF a .BTF.base, so that they relocate to other kernels
    Distill(Distill),
    /// Write the BTF of a kernel to a file, or to where rust_btfreloc looks for that of other builds
    Extract(Extract),
    /// Write the types that BPF programs need of a kernel and its modules, for CO-RE without its BTF
    MinCore(MinCore),
    /// List the functions of modules with their addresses, and give modules a table of them
    Funcs(Funcs),
    /// Write the man pages into a folder
    Man {
        /// An existing folder
        #[arg(value_hint = ValueHint::DirPath)]
        dir: PathBuf,
    },
    /// Print a shell's completions
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// `btfreloc status`
#[derive(Args)]
#[command(after_help = STATUS_STATUS)]
pub struct Status {
    /// Modules by name, loaded or not; all that are loaded where none is named
    #[arg(value_name = "MODULE")]
    pub modules: Vec<String>,
    /// Show of each module what became of its BTF, not of those alone for which there is something to do
    #[arg(short, long)]
    pub verbose: bool,
    /// Show only modules for which there is something to do
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// How the result is printed
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
    /// The root of the machine
    #[arg(long, hide = true, default_value = "/", value_hint = ValueHint::DirPath)]
    pub root: PathBuf,
}

const STATUS_STATUS: &str = "\
Anybody may run it; root sees as well what rust_btfreloc reports of each module, and the kernel log.

Exit status: 0 if the BTF of every module is valid and complete, or it has none; 1 if there is something to do; 2 if \
a module is not there, something could not be read or the command line is wrong.";

/// `btfreloc inspect`
#[derive(Args)]
#[command(after_help = INPUTS)]
pub struct Inspect {
    /// Modules, kernels, raw BTF or folders; - for standard input
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
    /// Report as well whether plain split BTF is stale on this kernel
    #[arg(long, value_name = "KERNEL", value_hint = ValueHint::AnyPath)]
    pub against: Option<PathBuf>,
    /// How the result is printed
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
}

const CHECK: &str = "\
Verdicts:
  relocates exactly             every base type has its match
  relocates with opaque types   types without a match become the module's own: declared, or of a size alone
  rebased exactly               of standalone BTF, every type that the kernel has is the same there
  rebased with conflicts        types that the kernel has in another layout stay the module's own
  registered without types of unknown kinds
                                the kernel would refuse it for types that it does not know: the rest of it is valid
  left alone                    the kernel takes the BTF as it is
  dropped                       the module loads without BTF
  left to the kernel            the kernel's own verdict holds
  no BTF                        there is none, or none that describes a type";

/// `btfreloc check`
#[derive(Args)]
#[command(after_help = format!("{CHECK}\n\n{INPUTS}\n\n{CHECK_STATUS}"))]
pub struct Check {
    /// Modules by file or, as modinfo takes them, by name; folders that are searched for them; - for
    /// standard input
    #[arg(required = true, value_name = "MODULE", value_hint = ValueHint::AnyPath)]
    pub modules: Vec<PathBuf>,
    /// A kernel they are to be loaded on, by default the running one; once for each kernel, or a folder
    /// such as /boot for all that are in it
    #[arg(long, value_name = "KERNEL", value_hint = ValueHint::AnyPath)]
    pub against: Vec<PathBuf>,
    /// A kernel that modules with plain split BTF were built for: what becomes of them where rust_btfreloc
    /// finds its BTF; several are tried one after the other. By default what it finds on this machine, for
    /// the running kernel
    #[arg(long, value_name = "KERNEL", value_hint = ValueHint::AnyPath)]
    pub base: Vec<PathBuf>,
    /// The release whose modules are meant by name, by default that of the running kernel
    #[arg(long, value_name = "RELEASE")]
    pub release: Option<String>,
    /// Show each type with its candidates and why they are taken or not
    #[arg(long)]
    pub explain: bool,
    /// Write a page for a browser as well: modules by kernels, each verdict with its reasons; - for
    /// standard output, in place of the text
    #[arg(long, value_name = "FILE.html", value_hint = ValueHint::FilePath)]
    pub matrix: Option<PathBuf>,
    /// Judge as with the module parameter policy=0, and treat modules without BTF as failures
    #[arg(long)]
    pub strict: bool,
    /// Show each module with its verdict, not how many have which
    #[arg(short, long)]
    pub verbose: bool,
    /// Show only findings
    #[arg(short, long)]
    pub quiet: bool,
    /// How the result is printed
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
    /// The root of the machine
    #[arg(long, hide = true, default_value = "/", value_hint = ValueHint::DirPath)]
    pub root: PathBuf,
}

const CHECK_STATUS: &str = "\
Exit status: 0 if every module relocates exactly, is left alone or has no BTF; 1 if one has opaque types, is \
dropped or is left to the kernel, and with --strict if one has no BTF; 2 if something could not be read or the \
command line is wrong.";

const DIFF: &str = "\
Types are compared by kind and name; of several of one name, those that are the same are paired first, then \
those of one size, then the others, in the order of their ids. What a type refers to by name is compared with that \
name alone; names of typedefs and spellings of integers make no difference. A module uses a type that its BTF \
names, and a function that it imports; plain split BTF has to be that of the first kernel.";

const DIFF_STATUS: &str = "\
Exit status: 0 if nothing differs that a module uses, or nothing at all where there are no modules; 1 if something \
does; 2 if something could not be read or the command line is wrong.";

/// `btfreloc diff`
#[derive(Args)]
#[command(after_help = format!("{DIFF}\n\n{INPUTS}\n\n{DIFF_STATUS}"))]
pub struct Diff {
    /// The kernel that modules were built for
    #[arg(value_name = "KERNEL", value_hint = ValueHint::AnyPath)]
    pub from: PathBuf,
    /// The kernel that takes its place
    #[arg(value_name = "KERNEL", value_hint = ValueHint::AnyPath)]
    pub to: PathBuf,
    /// Modules, and folders that are searched for them, by default those of the first kernel in
    /// /lib/modules
    #[arg(value_name = "MODULE", value_hint = ValueHint::AnyPath)]
    pub modules: Vec<PathBuf>,
    /// Show all that changed in each type, the modules that use it, and types that none uses
    #[arg(short, long)]
    pub verbose: bool,
    /// How the result is printed
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
}

/// `btfreloc relocate`
#[derive(Args, Clone, Default)]
#[command(
    after_help = format!("{IN_PLACE}\n\n{INPUTS}\n\n{RELOCATE_STATUS}"),
    group = ArgGroup::new("result").required(true)
)]
pub struct Relocate {
    /// The module; - for standard input. With --in-place modules, and folders that are searched for them
    #[arg(required = true, value_name = "MODULE", value_hint = ValueHint::AnyPath)]
    pub modules: Vec<PathBuf>,
    /// The kernel it is to be loaded on
    #[arg(long, value_name = "KERNEL", value_hint = ValueHint::AnyPath)]
    pub against: PathBuf,
    /// Where the raw BTF goes, readable with `bpftool btf dump -B`; - for standard output
    #[arg(short, long, group = "result", value_name = "BTF", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Change the modules themselves: their BTF becomes what that kernel takes without rust_btfreloc
    #[arg(long, group = "result")]
    pub in_place: bool,
    /// The kernel that modules with plain split BTF were built for, so that it can be relocated; several
    /// are tried one after the other. By default those of /lib/firmware/btfreloc
    #[arg(long, conflicts_with = "output", value_name = "KERNEL", value_hint = ValueHint::AnyPath)]
    pub base: Vec<PathBuf>,
    /// Change only what the kernel would refuse or misread: modules whose .BTF.base it relocates itself
    /// keep that for other kernels
    #[arg(long, conflicts_with = "output")]
    pub if_needed: bool,
    /// Remove BTF that would be dropped as the module loads; else such a module is left as it is
    #[arg(long, conflicts_with = "output")]
    pub drop: bool,
    /// Keep each file that is changed as it was, as FILE.orig
    #[arg(long, conflicts_with = "output")]
    pub backup: bool,
    /// Say what would be done, and do nothing
    #[arg(long, conflicts_with = "output")]
    pub dry_run: bool,
    /// What signs a module: it is called with the path of a file, not compressed, for each that is changed
    #[arg(long, conflicts_with = "output", value_name = "PROGRAM", value_hint = ValueHint::CommandName)]
    pub sign_with: Option<PathBuf>,
    /// Show only what was left as it is and has no valid BTF
    #[arg(short, long, conflicts_with = "output")]
    pub quiet: bool,
    /// How the result is printed
    #[arg(long, conflicts_with = "output", value_enum, default_value = "text")]
    pub format: Format,
    /// Where the raw .BTF.inline goes that belongs to it, for kernels that read that section
    #[arg(long, conflicts_with = "in_place", value_name = "BTF", value_hint = ValueHint::FilePath)]
    pub inline: Option<PathBuf>,
    /// Refuse where a type has no match, as with the module parameter policy=0
    #[arg(long)]
    pub strict: bool,
}

const IN_PLACE: &str = "\
With --in-place a module gets plain split BTF of that kernel and loses its .BTF.base, its .BTF_ids are changed \
with it, and all else is kept: the other sections, how the file is compressed, its mode, owner, times and extended \
attributes. A signature is no longer valid and is removed. What would have no valid BTF is left as it is, and so is \
each file that cannot be written. Done again, nothing changes.";

const RELOCATE_STATUS: &str = "\
Exit status: 0 if BTF was written, 1 if none would be registered by rust_btfreloc, 2 if something could not be \
read or written or the command line is wrong. With --in-place: 0 if every module was changed or needs no change, \
1 if one was left as it is and its BTF is not valid on that kernel, 2 as before.";

/// `btfreloc resolve-ids`
#[derive(Args)]
#[command(after_help = format!("{INPUTS}\n\n{RESOLVE_IDS_STATUS}"))]
pub struct ResolveIds {
    /// Modules, and folders that are searched for them, edited in place; - is edited from standard
    /// input to standard output
    #[arg(required = true, value_name = "MODULE", value_hint = ValueHint::AnyPath)]
    pub modules: Vec<PathBuf>,
    /// The kernel they were built for, by default the one that is installed of their vermagic's release,
    /// else the running one; modules with .BTF.base or standalone BTF do without
    #[arg(long, value_name = "KERNEL", value_hint = ValueHint::AnyPath)]
    pub base: Option<PathBuf>,
    /// Where the module goes instead, compressed as the name says; - for standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Show warnings and errors alone
    #[arg(short, long)]
    pub quiet: bool,
    /// How the result is printed
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
}

const RESOLVE_IDS_STATUS: &str = "\
Exit status: 0 if every id was found, 1 if one was not, and is 0 in the module now, 2 if something could not be \
read or written or the command line is wrong.";

/// What `btfreloc encode` and `btfreloc distill` change, and where it goes.
#[derive(Args)]
pub struct Change {
    /// Modules, and folders that are searched for them; - for standard input
    #[arg(required = true, value_name = "MODULE", value_hint = ValueHint::AnyPath)]
    pub modules: Vec<PathBuf>,
    /// The kernel that they were built for, by default the one that is installed of their vermagic's release,
    /// else the running one
    #[arg(long, value_name = "KERNEL", value_hint = ValueHint::AnyPath)]
    pub base: Option<PathBuf>,
    /// Where the module goes instead, compressed as its name says; - for standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Show warnings and errors alone
    #[arg(short, long)]
    pub quiet: bool,
    /// How the result is printed; nothing is where a module goes to standard output
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
}

impl Change {
    /// All files that are read.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.modules.iter().chain(&self.base).map(PathBuf::as_path)
    }
}

/// `btfreloc encode`
#[derive(Args)]
#[command(after_help = format!("{INPUTS}\n\n{CHANGED}\n\n{CHANGE_STATUS}"))]
pub struct Encode {
    /// Modules that are changed.
    #[command(flatten)]
    pub change: Change,
    /// Make standalone BTF, for kernels whose vmlinux is not at hand; it needs rust_btfreloc to load
    #[arg(long, conflicts_with = "base")]
    pub standalone: bool,
    /// Make BTF anew where there is some, which is left as it is otherwise
    #[arg(long)]
    pub force: bool,
    /// Do nothing, and say nothing, where there is BTF: pahole and the kernel are not needed then
    #[arg(long, conflicts_with = "force")]
    pub if_missing: bool,
    /// Say in .BTF how long the types of each kind are, for readers that do not know all kinds; kernels
    /// before 7.2 may refuse the longer header
    #[arg(long)]
    pub layout: bool,
    /// Make .BTF.funcs as well, a table of the module's functions with their addresses; also where there is
    /// BTF already
    #[arg(long)]
    pub funcs: bool,
    /// The pahole to call
    #[arg(long, value_name = "PROGRAM", default_value = "pahole", value_hint = ValueHint::CommandName)]
    pub pahole: PathBuf,
}

/// `btfreloc distill`
#[derive(Args)]
#[command(after_help = format!("{INPUTS}\n\n{CHANGED}\n\n{CHANGE_STATUS}"))]
pub struct Distill {
    /// Modules that are changed.
    #[command(flatten)]
    pub change: Change,
    /// Say in .BTF how long the types of each kind are, for readers that do not know all kinds; kernels
    /// before 7.2 may refuse the longer header
    #[arg(long)]
    pub layout: bool,
    /// Where the new .BTF goes, raw; then the module is left as it is unless there is an --output
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub raw_btf: Option<PathBuf>,
    /// Where the new .BTF.base goes, raw; likewise
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub raw_base: Option<PathBuf>,
}

/// `btfreloc extract`
#[derive(Args)]
#[command(
    after_help = format!("{EXTRACT}\n\n{EXTRACT_STATUS}"),
    group = ArgGroup::new("to").required(true)
)]
pub struct Extract {
    /// A vmlinux or vmlinuz file, raw BTF such as /sys/kernel/btf/vmlinux, - for standard input, or the
    /// release of a kernel that is installed here
    #[arg(value_name = "KERNEL", value_hint = ValueHint::AnyPath)]
    pub kernel: PathBuf,
    /// Where it goes, compressed as the name says (.zst, .xz, .gz); - for standard output
    #[arg(short, long, group = "to", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Put it into this folder, such as /lib/firmware/btfreloc, under the name by which rust_btfreloc asks
    /// for it
    #[arg(long, group = "to", value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub firmware: Option<PathBuf>,
    /// Builds of one release that are kept there, the newest
    #[arg(long, value_name = "N", default_value_t = 3, requires = "firmware",
        value_parser = value_parser!(u8).range(1..=i64::from(SuppliedName::MOST)))]
    pub keep: u8,
    /// How files there are compressed
    #[arg(long, value_enum, default_value = "zst", requires = "firmware")]
    pub compress: Compress,
    /// The release, where KERNEL does not name it
    #[arg(long, value_name = "RELEASE", requires = "firmware")]
    pub release: Option<String>,
    /// Write an ELF file, with .BTF, and with the compiler in .comment: a vmlinux that kbuild and dkms take
    #[arg(long, conflicts_with = "firmware")]
    pub elf: bool,
    /// What .comment says, by default the compiler that KERNEL names
    #[arg(long, value_name = "TEXT", requires = "elf")]
    pub compiler: Option<String>,
    /// Show warnings and errors alone
    #[arg(short, long)]
    pub quiet: bool,
    /// How the result is printed; nothing is where the BTF goes to standard output
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
}

/// What the kernel's firmware loader unpacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Compress {
    /// Zstandard (CONFIG_FW_LOADER_COMPRESS_ZSTD)
    Zst,
    /// xz (CONFIG_FW_LOADER_COMPRESS_XZ)
    Xz,
    /// Not compressed
    None,
}

const EXTRACT: &str = "\
With --firmware, BTF that is there already is not written again. The newest build of a release is RELEASE.btf, \
the one before it RELEASE.1.btf, and so on, each with .zst or .xz after it where it is compressed.";

const EXTRACT_STATUS: &str = "\
Exit status: 0 if the BTF is where it was to go, 2 if something could not be read or written or the command line \
is wrong.";

const CHANGED: &str = "\
Modules are changed in place, compressed as they were, and all else in them is kept. A signature is no longer \
valid and is removed.";

const CHANGE_STATUS: &str = "\
Exit status: 0 if every module was changed or needs no change, 1 if one was refused, 2 if something could not be \
read or written or the command line is wrong.";

const MIN_CORE: &str = "\
In the folder of --output are the BTF of vmlinux and of each module that is needed, under the names that they \
have below /sys/kernel/btf, for loaders that take split BTF. What --merged writes is for \
libbpf's btf_custom_path, which takes one file and looks at no modules besides.

EXAMPLES
  One file for one program, to be opened with btf_custom_path:
    btfreloc min-core --base vmlinux --modules /lib/modules/RELEASE prog.bpf.o --merged RELEASE.btf
  A folder for several, with the modules each in its file:
    btfreloc min-core --base vmlinux --modules /lib/modules/RELEASE *.bpf.o -o RELEASE";

const MIN_CORE_STATUS: &str = "\
Exit status: 0 if everything was written, 1 if a relocation is ambiguous or does not fit, and nothing was written, \
2 if something could not be read or written or the command line is wrong.";

/// `btfreloc min-core`
#[derive(Args)]
#[command(
    after_help = format!("{MIN_CORE}\n\n{INPUTS}\n\n{MIN_CORE_STATUS}"),
    group = ArgGroup::new("where").required(true).multiple(true)
)]
pub struct MinCore {
    /// BPF programs as clang compiles them, with BTF
    #[arg(required = true, value_name = "PROG.bpf.o", value_hint = ValueHint::FilePath)]
    pub programs: Vec<PathBuf>,
    /// The kernel they are to be loaded on
    #[arg(long, value_name = "KERNEL", value_hint = ValueHint::AnyPath)]
    pub base: PathBuf,
    /// A folder of modules whose types they may read, such as /lib/modules/RELEASE
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub modules: Vec<PathBuf>,
    /// One such module
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub module: Vec<PathBuf>,
    /// Where vmlinux and one file a module go; it is made if need be
    #[arg(short, long, group = "where", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub output: Option<PathBuf>,
    /// Where all of it goes as one file; - for standard output
    #[arg(long, group = "where", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub merged: Option<PathBuf>,
    /// The module whose type is meant in that file, where those of several differ
    #[arg(long, requires = "merged", value_name = "MODULE")]
    pub prefer: Option<String>,
    /// Show warnings and errors alone
    #[arg(short, long)]
    pub quiet: bool,
    /// How the result is printed; nothing is where the file goes to standard output
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
}

const FUNCS: &str = "\
NAME is that of a function or of a symbol; whatever has a slash, or .ko in it, is a file (./x, where it has neither). \
Without a file and without --module all that is loaded is listed, vmlinux as well.

A function of a file has a section and an offset in it, a loaded one an address: from the module's .BTF.funcs, as \
rust_btfreloc shows it, or from /proc/kallsyms by the names in BTF, where ftrace's part is not known.";

const FUNCS_STATUS: &str = "\
Exit status: 0 if what was asked for is listed, 1 if there is no such function or its address is not shown, 2 if \
something could not be read or the command line is wrong.";

/// `btfreloc funcs`
#[derive(Args)]
#[command(
    after_help = format!("{FUNCS}\n\n{FUNCS_STATUS}"),
    args_conflicts_with_subcommands = true
)]
pub struct Funcs {
    /// What is done; by default functions are listed.
    #[command(subcommand)]
    pub command: Option<FuncsCommand>,
    /// What is listed.
    #[command(flatten)]
    pub list: FuncsList,
}

/// What `btfreloc funcs` lists.
#[derive(Args)]
pub struct FuncsList {
    /// Modules, and folders that are searched for them, then a function
    #[arg(value_name = "FILE|NAME", value_hint = ValueHint::AnyPath)]
    pub what: Vec<PathBuf>,
    /// The functions of a loaded module, or of vmlinux; with a FILE of it that is not stripped, with the object
    /// and the line of each
    #[arg(long, value_name = "MODULE")]
    pub module: Option<String>,
    /// Only functions of this object or source file, such as foo.c, or on this line of it, foo.c:12
    #[arg(long, value_name = "FILE")]
    pub object: Option<String>,
    /// Print addresses alone, one a line, as kprobe.multi and bpftrace take them
    #[arg(long, conflicts_with = "format")]
    pub addrs: bool,
    /// The kernel that modules with plain split BTF were built for, by default as for encode
    #[arg(long, value_name = "KERNEL", value_hint = ValueHint::AnyPath)]
    pub base: Option<PathBuf>,
    /// How the result is printed
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
    /// The root of the machine
    #[arg(long, hide = true, default_value = "/", value_hint = ValueHint::DirPath)]
    pub root: PathBuf,
}

/// What is done about functions.
#[derive(Subcommand)]
pub enum FuncsCommand {
    /// Give modules that have BTF and symbols a table of their functions, .BTF.funcs
    #[command(after_help = format!("{INPUTS}\n\n{CHANGED}\n\n{CHANGE_STATUS}"))]
    Add(Change),
}
