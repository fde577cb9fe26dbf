// SPDX-License-Identifier: GPL-2.0

//! Signatures: what makes a new one, and whether the running kernel wants one.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{ensure, Context, Result};

use crate::output::without_signature;

/// Signs `elf`, a module, with `program`, which is given the path of a file called `name`, not
/// compressed, and signs that, as `scripts/sign-file` of the kernel does.
///
/// # Errors
///
/// It cannot be run, fails, or leaves something else than the module and a signature.
pub(super) fn signed(program: &Path, name: &str, elf: &[u8]) -> Result<Vec<u8>> {
    let folder = tempfile::tempdir().context("temporary folder")?;
    let file = folder.path().join(name);
    fs::write(&file, elf).context("temporary file")?;
    let label = || program.display().to_string();
    let run = Command::new(program)
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output()
        .with_context(label)?;
    let said = String::from_utf8_lossy(&run.stderr);
    let said = said.trim_end().lines().last();
    ensure!(
        run.status.success(),
        "{}: {}: {}",
        label(),
        run.status,
        said.unwrap_or("it says nothing")
    );
    let signed = fs::read(&file).with_context(label)?;
    let unsigned = without_signature(&signed);
    ensure!(
        unsigned == elf && unsigned.len() != signed.len(),
        "{}: it left no module with a signature: it has to append one to the file that it is given",
        label()
    );
    Ok(signed)
}

/// Whether the kernel that runs in `root` takes signed modules alone.
pub fn enforced(root: &Path) -> bool {
    let read = |path| fs::read_to_string(root.join(path)).unwrap_or_default();
    let lockdown = read("sys/kernel/security/lockdown");
    read("sys/module/module/parameters/sig_enforce").starts_with(['Y', '1'])
        || lockdown.contains("[integrity]")
        || lockdown.contains("[confidentiality]")
}
