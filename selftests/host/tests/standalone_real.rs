// SPDX-License-Identifier: GPL-2.0

//! Real standalone BTF, rebased, beside what libbpf takes for types of the base.
//!
//! `cargo test --release --test standalone_real -- --ignored --nocapture` looks at every module of
//! the kit and prints the table.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use btfreloc_selftests::kernel::Vmlinux;
use btfreloc_selftests::modules;
use btfreloc_selftests::peer::{self, dedup::dedup, flatten, Btf, Type};
use btfreloc_selftests::rebase::prove::{self, name, prove, Proof};
use btfreloc_selftests::rebase::{is_standalone, rebase, Rebased};
use rust_btfreloc::elf::Elf;
use rust_btfreloc::reloc::standalone::{Difference, RebasePlan, StandaloneSurvey};

/// Modules of each release that every run looks at, the largest hundredth left out.
const SAMPLE: usize = 8;

const FUNC: u32 = 12;
const DATASEC: u32 = 15;
const DECL_TAG: u32 = 17;

/// A kernel as the core and as libbpf hold it.
struct Kernel {
    core: Vmlinux,
    peer: Btf<'static>,
}

impl Kernel {
    fn new(bytes: Vec<u8>) -> Self {
        Kernel {
            peer: Btf::base(&bytes).unwrap(),
            core: Vmlinux::new(bytes),
        }
    }

    /// Rebases `btf` and proves the result.
    fn rebase(&self, btf: &[u8], alone: &Btf<'_>) -> Result<(Rebased, Proof), String> {
        if !is_standalone(btf) {
            return Err("not taken for standalone BTF".to_owned());
        }
        let rebased = rebase(&self.core, btf).map_err(|error| error.to_string())?;
        let verdict = self.core.verify(&rebased.btf);
        verdict.map_err(|error| format!("the kernel would refuse the result: {error}"))?;
        if rebased.btf.len() > btf.len() {
            return Err(format!("{} bytes became {}", btf.len(), rebased.btf.len()));
        }
        let proof = prove(&self.peer, alone, &rebased)?;
        Ok((rebased, proof))
    }
}

/// Why the core and libbpf may differ on whether a type is vmlinux's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rule {
    /// Vmlinux has the type twice; each took another.
    Twins,
    /// A function is the module's, as are the tags on it, though vmlinux has the same.
    Functions,
    /// What has no name and no named type of vmlinux leads to stays the module's.
    Anonymous,
    /// libbpf copies a struct from which a pointer leads to what vmlinux only declares.
    Declared,
    /// libbpf takes one type of the module for each of vmlinux: where pointers lead to two that are
    /// the same, it copies the struct.
    Several,
    /// libbpf leaves a declaration of what the base has, where no struct that it compared leads to it.
    Declarations,
    /// libbpf up to 1.7 never finds a typedef of the base: it enters it under another hash.
    Typedefs,
    /// libbpf copies what refers to a type that it copied.
    Copied,
}

/// How many types differ by which rule, in how many modules, and how many references were proved.
#[derive(Debug, Default)]
struct Row {
    modules: u32,
    types: u64,
    mapped: u64,
    own: u64,
    references: u64,
    rules: BTreeMap<Rule, u32>,
}

/// A standalone module, what became of it, and what libbpf takes for vmlinux's.
struct Compared<'k> {
    kernel: &'k Kernel,
    alone: &'k Btf<'k>,
    rebased: &'k Rebased,
    proof: &'k Proof,
    peer: Vec<u32>,
}

impl Compared<'_> {
    /// The type of vmlinux that it became, by the core and by libbpf.
    fn ids(&self, id: u32) -> (Option<u32>, Option<u32>) {
        let base = |id: &u32| *id < self.kernel.peer.end_id();
        let ours = self.rebased.new_ids[id as usize].filter(base);
        (ours, Some(self.peer[id as usize - 1]).filter(base))
    }

    /// The rule by which a type differs; `None` where there is none for it.
    fn rule(&self, id: u32, type_: &Type<'_>, ids: (Option<u32>, Option<u32>)) -> Option<Rule> {
        let is_reference = type_.name.is_empty() || type_.kind() == peer::TYPE_TAG;
        let is_composite = matches!(type_.kind(), peer::STRUCT | peer::UNION);
        let copied = |id: u32| id != 0 && self.ids(id).1.is_none();
        match ids {
            (Some(_), Some(_)) => Some(Rule::Twins),
            (None, _) if is_what_a_module_brings(type_) => Some(Rule::Functions),
            (None, _) => is_reference.then_some(Rule::Anonymous),
            (Some(_), None) if type_.kind() == peer::FWD => Some(Rule::Declarations),
            (Some(_), None) if type_.kind() == peer::TYPEDEF => Some(Rule::Typedefs),
            (Some(ours), None) if is_composite => {
                let proof = self.proof;
                let declared = proof.to_declared.contains(&(id, ours));
                let several = proof.to_several.contains(&(id, ours));
                let rule = several.then_some(Rule::Several);
                declared.then_some(Rule::Declared).or(rule)
            }
            (Some(_), None) => (is_reference && type_.ids().any(copied)).then_some(Rule::Copied),
        }
    }

    fn count(&self, rules: &mut BTreeMap<Rule, u32>) -> Result<(), String> {
        for (id, type_) in self.alone.own() {
            let ids = self.ids(id);
            if ids.0 == ids.1 {
                continue;
            }
            let rule = self.rule(id, &type_, ids);
            let rule = rule.ok_or_else(|| format!("[{id}] {}: {ids:?}", name(&type_)))?;
            *rules.entry(rule).or_default() += 1;
        }
        Ok(())
    }
}

impl Row {
    /// Rebases `btf`, proves the result and compares it with libbpf's.
    fn add(&mut self, kernel: &Kernel, btf: &[u8]) -> Result<Rebased, String> {
        let alone = Btf::base(btf).map_err(|err| format!("libbpf: {err:?}"))?;
        let (rebased, proof) = kernel.rebase(btf, &alone)?;
        let peer = dedup(&kernel.peer, &alone).map_err(|err| format!("libbpf: {err:?}"))?;
        let compared = Compared {
            kernel,
            alone: &alone,
            rebased: &rebased,
            proof: &proof,
            peer,
        };
        compared.count(&mut self.rules)?;
        self.modules += 1;
        self.types += u64::from(alone.own_count());
        self.mapped += u64::from(rebased.counts.mapped);
        self.own += u64::from(rebased.counts.own);
        self.references += proof.references;
        Ok(rebased)
    }
}

/// The kernels of the kit whose modules are there, each with some of those.
fn releases(limit: usize) -> Vec<(Kernel, Vec<PathBuf>)> {
    let kit = modules::kit();
    let mut kernels: BTreeMap<_, _> = modules::kernels(&kit).into_iter().collect();
    let releases = modules::releases(&kit).into_iter();
    let read = |release: modules::Release| {
        let kernel = Kernel::new(kernels.remove(&release.name).unwrap());
        let modules = match limit {
            usize::MAX => &release.modules[..],
            _ => &release.modules[..release.modules.len() * 99 / 100],
        };
        (kernel, modules::sample(modules, limit))
    };
    releases.map(read).collect()
}

/// A module of the kit with all that it refers to in vmlinux: what is vmlinux's is known.
fn flattened(kernel: &Kernel, path: &Path, row: &mut Row) -> Result<(), String> {
    let Some(btf) = modules::btf(path) else {
        return Ok(());
    };
    if is_standalone(&btf) {
        return Err("its split BTF is taken for standalone BTF".to_owned());
    }
    let module = Btf::split(&kernel.peer, &btf).unwrap();
    if module.own_count() == 0 {
        return Ok(());
    }
    let flat = flatten(&module);
    let rebased = row.add(kernel, &flat.btf)?;
    for (id, from) in (1..).zip(&flat.from) {
        let type_ = module.get(*from).unwrap();
        let named = is_named(&type_);
        let new = rebased.new_ids[id];
        if named
            && *from < kernel.peer.end_id()
            && new.is_none_or(|new| new >= kernel.peer.end_id())
        {
            return Err(format!("[{from}] {} became {new:?}", name(&type_)));
        }
    }
    Ok(())
}

fn all_flattened(limit: usize) {
    for (kernel, paths) in releases(limit) {
        let mut row = Row::default();
        for path in paths {
            let done = flattened(&kernel, &path, &mut row);
            done.unwrap_or_else(|what| panic!("{}: {what}", path.display()));
        }
        println!("{row:?}");
        assert!(row.modules > 0 && row.references > 0);
    }
}

#[test]
fn modules_with_all_they_refer_to_are_vmlinuxs_where_they_came_from_it() {
    all_flattened(SAMPLE);
}

#[test]
#[ignore = "takes minutes: every module of the kit"]
fn standalone_corpus() {
    all_flattened(usize::MAX);
}

/// A FUNC, VAR, DATASEC or DECL_TAG, which are never another's.
fn is_what_a_module_brings(type_: &Type<'_>) -> bool {
    matches!(type_.kind(), FUNC | peer::VAR | DATASEC | DECL_TAG)
}

/// What has a name, and is not only on the way to another type.
fn is_named(type_: &Type<'_>) -> bool {
    !type_.name.is_empty() && type_.kind() != peer::TYPE_TAG
}

#[test]
fn vmlinux_on_itself_keeps_only_its_functions_and_what_they_take() {
    for (release, bytes) in modules::kernels(&modules::kit()) {
        let kernel = Kernel::new(bytes);
        let alone = Btf::base(kernel.core.bytes()).unwrap();
        let (rebased, proof) = kernel.rebase(kernel.core.bytes(), &alone).unwrap();
        let is_vmlinuxs =
            |id: u32| rebased.new_ids[id as usize].is_some_and(|new| new < alone.end_id());
        for (id, type_) in alone.own() {
            let what = || format!("{release}: [{id}] {}", name(&type_));
            let brought = is_what_a_module_brings(&type_);
            if is_named(&type_) {
                assert_eq!(is_vmlinuxs(id), !brought, "{}", what());
            }
            if is_vmlinuxs(id) {
                assert!(type_.ids().all(is_vmlinuxs), "{}", what());
            }
        }
        println!(
            "{release}: {:?}, {} references",
            rebased.counts, proof.references
        );
    }
}

/// The types of a kernel that another has, and those that differ.
#[test]
fn vmlinux_on_another_differs_where_libbpf_says_so() {
    let kernels = modules::kernels(&modules::kit());
    let [(_, old), .., (_, new)] = &kernels[..] else {
        panic!("the kit holds one kernel: run scripts/kit");
    };
    let kernel = Kernel::new(new.clone());
    let mut row = Row::default();
    let rebased = row.add(&kernel, old).unwrap();
    println!("{row:?}");
    let alone = Btf::base(old).unwrap();
    let became = |name: &[u8]| {
        let found = alone
            .own()
            .find(|(_, type_)| type_.kind() == peer::STRUCT && type_.name == name);
        let new = found
            .and_then(|(id, _)| rebased.new_ids[id as usize])
            .unwrap();
        new < kernel.peer.end_id()
    };
    assert!(became(b"list_head") && became(b"hlist_node") && became(b"qspinlock"));
    assert!(!became(b"task_struct"));
    let mut conflicts = 0u32;
    let survey = StandaloneSurvey::of(old).unwrap();
    let mut scratch = vec![0; survey.scratch_len()];
    let base = kernel.core.base();
    let plan = RebasePlan::new(&base, &survey, &mut scratch).unwrap();
    for conflict in plan.conflicts() {
        conflicts += 1;
        let (own, theirs) = (conflict.found.type_id, conflict.found.candidate);
        let (own, theirs) = (alone.get(own).unwrap(), kernel.peer.get(theirs).unwrap());
        let how = conflict.found.difference;
        let holds = match how {
            Difference::Size { found, expected } => {
                (own.word(), theirs.word()) == (found, expected)
            }
            Difference::Kind { found, expected } => {
                (own.kind(), theirs.kind()) == (found as u32, expected as u32)
            }
            Difference::Name => own.name != theirs.name,
            Difference::Void { found, expected } => (found == 0) != (expected == 0),
            Difference::TooMany => false,
            // The words after the size differ.
            _ => own.vlen() != theirs.vlen() || !own.parts().skip(2).eq(theirs.parts().skip(2)),
        };
        assert!(holds, "{conflict:?}");
    }
    println!("{conflicts} conflicts");
    assert!(conflicts > 1000);
}

/// The modules that scripts/build-modules left with DWARF, each with the kernel it is compiled for.
fn with_dwarf() -> Vec<(String, PathBuf)> {
    let build = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../build");
    let mut modules = Vec::new();
    for (release, _) in modules::kernels(&modules::kit()) {
        let work = build.join(&release).join("modules/work");
        for folder in fs::read_dir(&work).into_iter().flatten() {
            for file in fs::read_dir(folder.unwrap().path()).into_iter().flatten() {
                let path = file.unwrap().path();
                if path.extension().is_some_and(|end| end == "ko") && has_dwarf(&path) {
                    modules.push((release.clone(), path));
                }
            }
        }
    }
    assert!(
        !modules.is_empty(),
        "{}: no modules: run scripts/build tests",
        build.display()
    );
    modules
}

/// Whether the module was compiled with debug information, and not stripped of it.
fn has_dwarf(module: &Path) -> bool {
    let image = modules::read(module);
    Elf::parse(&image).is_ok_and(|elf| elf.section(b".debug_info").is_some())
}

/// What pahole makes of the DWARF of a module, with the flags that kbuild gives it.
fn pahole(module: &Path, base: Option<&Path>) -> Vec<u8> {
    let features = "encode_force,var,float,enum64,decl_tag,type_tag,optimized_func,consistent_func";
    let name = module.file_name().unwrap().to_str().unwrap();
    let kind = if base.is_some() { "split" } else { "alone" };
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.{kind}.btf"));
    // pahole writes over what is there and leaves the rest.
    let _ = fs::remove_file(&out);
    let mut command = Command::new("pahole");
    command.arg("-J").arg(format!("--btf_features={features}"));
    command.arg(format!("--btf_encode_detached={}", out.display()));
    command.args(base.map(|base| format!("--btf_base={}", base.display())));
    let status = command
        .arg(module)
        .status()
        .expect("pahole is not there: run in the kit's root");
    assert!(status.success(), "pahole cannot read {}", module.display());
    fs::read(out).unwrap()
}

/// Names of the module's own functions, and of its own structs, unions and enums, plain where they
/// were renamed.
fn brings(btf: &Btf<'_>) -> (BTreeSet<String>, BTreeSet<String>) {
    let text = |type_: Type<'_>| {
        let name = String::from_utf8(type_.name.to_vec()).unwrap();
        name.trim_end_matches("____own").to_owned()
    };
    let of = |wanted: &[u32]| {
        let types = btf.own().map(|(_, type_)| type_);
        let types = types.filter(|type_| wanted.contains(&type_.kind()) && !type_.name.is_empty());
        types.map(text).collect()
    };
    let composite = [peer::STRUCT, peer::UNION, peer::ENUM, peer::ENUM64];
    (of(&[FUNC]), of(&composite))
}

#[test]
fn what_pahole_makes_with_and_without_a_base_brings_the_same() {
    let kit = modules::kit();
    let kernels: BTreeMap<_, _> = modules::kernels(&kit).into_iter().collect();
    let mut tasks = 0;
    for (release, module) in with_dwarf() {
        let kernel = Kernel::new(kernels[&release].clone());
        let btf = pahole(&module, None);
        let alone = Btf::base(&btf).unwrap();
        let mut row = Row::default();
        let rebased = row.add(&kernel, &btf).unwrap();
        let ours = Btf::split(&kernel.peer, &rebased.btf).unwrap();
        let base = kit.join("boot").join(&release).join("vmlinux.btf");
        let split = pahole(&module, Some(&base));
        let theirs = Btf::split(&kernel.peer, &split).unwrap();
        println!(
            "{release} {}: {} bytes, split {}, rebased {}, {row:?}",
            module.display(),
            btf.len(),
            split.len(),
            rebased.btf.len()
        );
        let ((functions, own), (their_functions, their_own)) = (brings(&ours), brings(&theirs));
        assert_eq!(functions, their_functions, "{}", module.display());
        // pahole may copy what vmlinux has; what it does not copy is no module's.
        assert!(own.is_subset(&their_own), "{}: {own:?}", module.display());
        for name in their_own.difference(&own) {
            let of_vmlinux = alone
                .own()
                .filter(|(_, type_)| type_.name == name.as_bytes());
            for (id, type_) in of_vmlinux.filter(|(_, type_)| type_.kind() != peer::TYPEDEF) {
                let new = rebased.new_ids[id as usize];
                assert!(
                    new.is_some_and(|new| new < ours.start_id()),
                    "{}",
                    prove::name(&type_)
                );
            }
        }
        for (id, task) in alone
            .own()
            .filter(|(_, type_)| type_.name == b"task_struct")
        {
            let new = rebased.new_ids[id as usize].unwrap();
            assert!(new < ours.start_id(), "{}", module.display());
            assert_eq!(kernel.peer.get(new).unwrap().kind(), peer::STRUCT);
            tasks += u32::from(task.kind() == peer::STRUCT);
        }
    }
    assert!(
        tasks > 0,
        "no module that knows struct task_struct was looked at"
    );
}
