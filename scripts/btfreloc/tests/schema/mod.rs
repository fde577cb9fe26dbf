// SPDX-License-Identifier: GPL-2.0

//! Holds what is printed for programs against `docs/btfreloc.schema.json`.

// Each test program uses a part of it.
#![allow(dead_code)]

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::common::Run;

/// A page of `docs`.
pub fn docs(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    fs::read_to_string(path.join(name)).unwrap()
}

pub fn schema() -> Value {
    serde_json::from_str(&docs("btfreloc.schema.json")).unwrap()
}

/// What a run printed, which is valid.
pub fn valid(run: &Run) -> Value {
    let printed = run.json();
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let errors = validator.iter_errors(&printed);
    let errors: Vec<_> = errors
        .map(|error| format!("{}: {error:.500}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    assert_eq!(printed["schema"], 1);
    assert_eq!(printed["version"], env!("CARGO_PKG_VERSION"));
    printed
}
