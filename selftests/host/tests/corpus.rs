// SPDX-License-Identifier: GPL-2.0

//! What `make check-corpus` counts and keeps: a mismatch shows, and what changed is measured again.

use std::fs;
use std::path::{Path, PathBuf};

use btfreloc_selftests::corpus::figures::{Apart, Row};
use btfreloc_selftests::corpus::measure::Way;
use btfreloc_selftests::corpus::pair::measure;
use btfreloc_selftests::corpus::shipped::Rebuilt;
use btfreloc_selftests::corpus::store::{inputs, load, save};
use btfreloc_selftests::corpus::table::Table;
use btfreloc_selftests::modules;
use btfreloc_selftests::peer::judge::{Kernel, Rule};

/// A folder for one test, empty.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn row() -> Row {
    let mut row = Row {
        from: "1.0-a".to_owned(),
        to: "2.0-b".to_owned(),
        mismatches: 7,
        inputs: "0123".to_owned(),
        ..Row::default()
    };
    row.figures.modules = 3;
    row.figures.opaque = 2;
    row.figures.compared.peer_accepts = 1;
    let apart = Apart {
        modules: 1,
        types: 4,
    };
    row.completed.by_rule.insert(Rule::Kind, apart);
    row.lacking.insert("STRUCT gone".to_owned(), 2);
    row
}

#[test]
fn what_is_wrong_is_counted() {
    let kit = modules::kit();
    let release = modules::releases(&kit).remove(0);
    let mut others = modules::kernels(&kit).into_iter();
    let (_, other) = others.find(|(name, _)| *name != release.name).unwrap();
    let kernel = Kernel::new(other);
    let rebuilt = Rebuilt::of(kernel.vmlinux());
    // Not the kernel that they were built for.
    let way = Way {
        from: &kernel,
        to: &kernel,
        round: Some(&rebuilt),
    };
    let sum = measure(&way, &modules::sample(&release.modules, 10), || ());
    assert_eq!(sum.figures.modules, 10);
    assert!(sum.mismatches.len() >= 9, "{:?}", sum.mismatches);
}

#[test]
fn pairs_are_kept_with_the_keys_that_are_promised() {
    let file = folder("pairs").join("corpus.json");
    assert_eq!(load(&file), []);
    save(&file, &[row()]).unwrap();
    assert_eq!(load(&file), [row()]);
    let text = fs::read_to_string(&file).unwrap();
    let rows: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(rows[0]["from"], "1.0-a");
    assert_eq!(rows[0]["to"], "2.0-b");
    let figures = ["modules", "exact", "opaque", "refused", "peer_accepts"];
    for key in figures.iter().chain(&["references", "mismatches"]) {
        assert!(rows[0][key].is_u64(), "{key}");
    }
    assert_eq!(rows[0]["mismatches"], 7);
    assert_eq!(rows[0]["completed"]["by_rule"]["kind"]["types"], 4);
    fs::write(&file, "[{").unwrap();
    assert_eq!(load(&file), []);
}

#[test]
fn the_table_explains_itself() {
    let text = Table(&[row()]).to_string();
    for words in [
        "1.0-a -> 2.0-b",
        "by rule there: kind: 4 types in 1 modules",
        "1 different types are opaque, most often: STRUCT gone (2)",
        "kind: a STRUCT becomes a STRUCT only",
    ] {
        assert!(text.contains(words), "{words}:\n{text}");
    }
}

#[test]
fn what_changed_is_measured_again() {
    let module = folder("inputs").join("a.ko");
    fs::write(&module, "1").unwrap();
    let paths = [module.clone()];
    let key = |program: &[u8], kernels, paths: &[PathBuf]| inputs(program, kernels, paths).unwrap();
    let kernels: [&[u8]; 2] = [b"from", b"to"];
    let first = key(b"program", kernels, &paths);
    assert_eq!(key(b"program", kernels, &paths), first);
    assert_ne!(key(b"programs", kernels, &paths), first);
    assert_ne!(key(b"program", [b"from", b"other"], &paths), first);
    assert_ne!(key(b"program", kernels, &[]), first);
    fs::write(&module, "12").unwrap();
    assert_ne!(key(b"program", kernels, &paths), first);
}
