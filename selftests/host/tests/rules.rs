// SPDX-License-Identifier: GPL-2.0

//! The rules of the core that its text shows: no `unsafe`, no allocator, imports that point
//! downwards; and of this repository: a licence in each file, a test of each reason.

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms of the core, each with those that it may use.
const ROOMS: [(&str, &[&str]); 4] = [
    ("btf", &["btf"]),
    ("elf", &["elf", "btf"]),
    ("reloc", &["reloc", "elf", "btf"]),
    ("text", &["text", "reloc", "elf", "btf"]),
];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// All files below `folder`, but for what was built and what git keeps.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let (path, name) = (entry.path(), entry.file_name());
        let skipped = ["build", "target", ".git", "__pycache__"]
            .iter()
            .any(|skip| name == *skip);
        match entry.file_type().unwrap() {
            kind if kind.is_dir() && !skipped => found.extend(files(&path)),
            kind if kind.is_file() => found.push(path),
            _ => {}
        }
    }
    found.sort();
    found
}

/// The files of a room of the core with their text.
fn room(name: &str) -> Vec<(PathBuf, String)> {
    let source = repository().join("src");
    let inside = files(&source.join(name));
    assert!(inside.len() > 2, "{name}");
    inside
        .into_iter()
        .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
        .collect()
}

fn core() -> impl Iterator<Item = (PathBuf, String)> {
    ROOMS.iter().flat_map(|(name, _)| room(name))
}

/// The text without its comments.
fn code(text: &str) -> String {
    let lines = text.lines().map(|line| line.split("//").next().unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

/// The words that follow `start`, each up to what is no letter, digit or underscore.
fn words_after<'t>(text: &'t str, start: &'t str) -> impl Iterator<Item = &'t str> {
    text.split(start).skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        &rest[..end.unwrap_or(rest.len())]
    })
}

#[test]
fn the_core_has_no_unsafe_code() {
    let root = fs::read_to_string(repository().join("src/lib.rs")).unwrap();
    assert!(root.contains("#![forbid(unsafe_code)]"));
    for (path, text) in core() {
        assert!(!code(&text).contains("unsafe"), "{path:?}");
    }
}

#[test]
fn the_core_has_no_allocator() {
    let root = fs::read_to_string(repository().join("src/lib.rs")).unwrap();
    assert!(root.contains("#![no_std]"));
    for (path, text) in core() {
        for word in ["extern crate", "std::", "alloc::", "#[macro_use]"] {
            assert!(!code(&text).contains(word), "{word} in {path:?}");
        }
    }
}

#[test]
fn imports_point_downwards() {
    for (name, allowed) in ROOMS {
        for (path, text) in room(name) {
            for used in words_after(&code(&text), "crate::") {
                assert!(allowed.contains(&used), "{path:?} uses {used}");
            }
        }
    }
}

/// How many modules deep the file is: `crate::btf` is 1.
fn depth(path: &Path) -> usize {
    let inside = path
        .strip_prefix(repository().join("src"))
        .unwrap()
        .components()
        .count();
    if path.ends_with("mod.rs") {
        inside - 1
    } else {
        inside
    }
}

#[test]
fn no_import_leaves_its_room_upwards() {
    for (path, text) in core() {
        let upwards = "super::".repeat(depth(&path));
        assert!(!code(&text).contains(&upwards), "{path:?}");
    }
}

/// Whether the file is source: by its name, or by the interpreter that it names.
fn is_source(path: &Path, text: &str) -> bool {
    let name = path.file_name().unwrap().to_str().unwrap();
    let endings = [
        "rs", "c", "h", "sh", "py", "toml", "S", "lds", "awk", "js", "css", "html", "go",
    ];
    let extension = path.extension().and_then(|extension| extension.to_str());
    if name.starts_with('.') {
        return false;
    }
    let by_name = matches!(name, "Makefile" | "Kbuild" | "Kconfig");
    by_name || text.starts_with("#!/") || extension.is_some_and(|ending| endings.contains(&ending))
}

#[test]
fn every_source_file_names_its_licence_first() {
    let mut count = 0;
    for path in files(&repository()) {
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        if is_source(&path, &text) {
            let head: String = text.lines().take(2).collect();
            assert!(
                head.contains("SPDX-License-Identifier: GPL-2.0"),
                "{path:?}"
            );
            count += 1;
        }
    }
    assert!(count > 50);
}

/// The variants of `enum Reason` in this file.
fn reasons(file: &str) -> Vec<String> {
    let text = fs::read_to_string(repository().join("src").join(file)).unwrap();
    let (_, body) = text.split_once("pub enum Reason {\n").unwrap();
    let (body, _) = body.split_once("\n}").unwrap();
    let variants = body.lines().filter_map(|line| {
        let variant = line.strip_prefix("    ")?;
        let end = variant
            .find(|c: char| !c.is_alphanumeric())
            .unwrap_or(variant.len());
        variant
            .starts_with(|c: char| c.is_ascii_uppercase())
            .then(|| variant[..end].to_string())
    });
    variants.collect()
}

/// More than 2^32 symbols, which take an image of 96 GiB.
const OUT_OF_REACH: &str = "TooMany";

#[test]
fn every_reason_is_provoked_by_a_test() {
    let tests = |names: &[&str]| -> String {
        let paths = names
            .iter()
            .map(|name| repository().join("selftests/host/tests").join(name));
        paths
            .map(|path| fs::read_to_string(path).unwrap())
            .collect()
    };
    let rows: [(&str, &[&str]); 3] = [
        (
            "btf/error.rs",
            &[
                "header.rs",
                "verify.rs",
                "commit.rs",
                "stale.rs",
                "reduced.rs",
            ],
        ),
        ("elf/error.rs", &["elf.rs"]),
        ("reloc/btf_ids/mod.rs", &["btf_ids.rs"]),
    ];
    for (file, names) in rows {
        let text = tests(names);
        let reasons = reasons(file);
        assert!(reasons.len() > 5, "{file}");
        for reason in reasons.into_iter().filter(|reason| reason != OUT_OF_REACH) {
            let named = words_after(&text, "Reason::").any(|word| word == reason);
            assert!(named, "no test provokes Reason::{reason} of {file}");
        }
    }
}
