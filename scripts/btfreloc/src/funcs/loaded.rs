// SPDX-License-Identifier: GPL-2.0

//! The functions of what is loaded: as rust_btfreloc shows a module's table, else each symbol of
//! `/proc/kallsyms` that is named like a FUNC of its BTF.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::{anyhow, bail, Context, Result};
use rust_btfreloc::btf::{Btf, Kind};
use rust_btfreloc::reloc::funcs::FuncFlags;
use rust_btfreloc::text::Name;

use super::function::{count_same_named, named, Function};
use super::kallsyms::{Kallsyms, VMLINUX};
use super::make::tagged;
use crate::input::Kernel;
use crate::resolve_ids::split_on;
use crate::status::Finding;

/// The machine on which it is loaded.
pub(super) struct Loaded<'a> {
    root: &'a Path,
    pub kallsyms: Kallsyms,
    vmlinux: OnceLock<Arc<Kernel>>,
}

impl<'a> Loaded<'a> {
    /// The machine of `root`.
    ///
    /// # Errors
    ///
    /// Its symbols cannot be read.
    pub(super) fn new(root: &'a Path) -> Result<Self> {
        Ok(Loaded {
            root,
            kallsyms: Kallsyms::read(root)?,
            vmlinux: OnceLock::new(),
        })
    }

    /// vmlinux, and the modules with BTF.
    ///
    /// # Errors
    ///
    /// The kernel shows no BTF.
    pub(super) fn modules(&self) -> Result<Vec<String>> {
        let folder = self.root.join("sys/kernel/btf");
        let entries = fs::read_dir(&folder)
            .with_context(|| format!("{}: this kernel shows no BTF", folder.display()))?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        // MODULE.inline is about inlined functions, which are at no one address.
        let mut names: Vec<_> = names.filter(|name| !name.contains('.')).collect();
        names.sort_by_key(|name| (name != VMLINUX, name.clone()));
        Ok(names)
    }

    /// The functions of `module`.
    ///
    /// # Errors
    ///
    /// It is not loaded, or has neither a table nor BTF.
    pub(super) fn functions(&self, module: &str) -> Result<Vec<Function>> {
        let mut functions = match self.table(module)? {
            Some(table) => self.of_table(module, &table)?,
            None => self.of_btf(module)?,
        };
        count_same_named(&mut functions);
        Ok(functions)
    }

    /// What rust_btfreloc shows of a module; `None` where there is nothing, or it is not for who asks.
    fn table(&self, module: &str) -> Result<Option<String>> {
        let folder = self.root.join("sys/kernel/debug/btfreloc/funcs");
        let path = folder.join(module);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::NotFound | ErrorKind::PermissionDenied
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(error).with_context(|| path.display().to_string()),
        }
    }

    fn of_table(&self, module: &str, table: &str) -> Result<Vec<Function>> {
        let mut symbols = HashMap::<_, Vec<_>>::new();
        for (symbol, size) in self.kallsyms.functions(module) {
            let at: &mut Vec<_> = symbols.entry(symbol.address).or_default();
            at.push((symbol, size));
        }
        let line = |line: &str| {
            let shown = Shown::parse(line).ok_or_else(|| {
                anyhow!("the table of {module}: `{line}` is not ADDRESS ID FLAGS NAME")
            })?;
            let at = shown.address.and_then(|address| symbols.get(&address));
            let of_name = at.into_iter().flatten();
            let symbol = of_name
                .filter(|(symbol, _)| named(&symbol.name).is_some_and(|(of, _)| of == shown.name))
                .min_by_key(|(symbol, _)| symbol.name.len());
            Ok(Function {
                module: module.to_owned(),
                name: shown.name.to_owned(),
                symbol: symbol.map(|(symbol, _)| symbol.name.clone()),
                address: shown.address,
                size: symbol.and_then(|(_, size)| *size),
                btf_id: Some(shown.id),
                flags: shown.flags,
                ..Function::default()
            })
        };
        table.lines().map(line).collect()
    }

    fn of_btf(&self, module: &str) -> Result<Vec<Function>> {
        let vmlinux = self.vmlinux()?;
        if module == VMLINUX {
            return Ok(self.described(module, vmlinux.base().btf()));
        }
        let path = self.btf(module);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(_) if !self.root.join("sys/module").join(module).exists() => {
                bail!(Finding(format!("{module} is not loaded")))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => bail!(Finding(format!(
                "{module} has no BTF to name its functions (no {})",
                path.display()
            ))),
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        let described = |btf: &Btf<'_>| Ok(self.described(module, btf));
        split_on(vmlinux.base().btf(), &bytes, described)
            .with_context(|| path.display().to_string())
    }

    fn btf(&self, module: &str) -> PathBuf {
        self.root.join("sys/kernel/btf").join(module)
    }

    fn vmlinux(&self) -> Result<Arc<Kernel>> {
        if let Some(vmlinux) = self.vmlinux.get() {
            return Ok(Arc::clone(vmlinux));
        }
        let vmlinux = Arc::new(Kernel::read(&self.btf(VMLINUX))?);
        Ok(Arc::clone(self.vmlinux.get_or_init(|| vmlinux)))
    }

    /// Each symbol of `module` that is named like a FUNC of its BTF.
    fn described(&self, module: &str, btf: &Btf<'_>) -> Vec<Function> {
        let mut funcs = HashMap::<String, Vec<u32>>::new();
        for (id, record) in btf.own_records() {
            if record.kind() == Kind::Func {
                let name = btf.name(record.name_off()).unwrap_or_default();
                funcs.entry(Name(name).to_string()).or_default().push(id);
            }
        }
        let kfuncs: HashSet<_> = tagged(btf).map(|name| Name(name).to_string()).collect();
        let init = self.kallsyms.address("_sinittext").unwrap_or(0)
            ..self.kallsyms.address("_einittext").unwrap_or(0);
        let functions = self.kallsyms.functions(module);
        let function = |(symbol, size): (&super::kallsyms::KernelSymbol, _)| {
            let (name, changed) = named(&symbol.name)?;
            let ids = funcs.get(name)?;
            let mut flags = symbol.flags().with(changed);
            if kfuncs.contains(name) {
                flags = flags.with(FuncFlags::KFUNC);
            }
            let gone = init.contains(&symbol.address);
            if gone {
                flags = flags.with(FuncFlags::INIT);
            }
            Some(Function {
                module: module.to_owned(),
                name: name.to_owned(),
                symbol: Some(symbol.name.clone()),
                address: (!gone && symbol.address != 0).then_some(symbol.address),
                size: if self.kallsyms.hidden { None } else { size },
                btf_id: match ids[..] {
                    [id] => Some(id),
                    _ => None,
                },
                flags,
                ..Function::default()
            })
        };
        functions.filter_map(function).collect()
    }

    /// Where the sections of `module` are, to whom that is shown.
    ///
    /// # Errors
    ///
    /// It is shown to root only.
    pub(super) fn section(&self, module: &str, section: &str) -> Result<u64> {
        let folder = self.root.join("sys/module").join(module).join("sections");
        let path = folder.join(section);
        let text = fs::read_to_string(&path)
            .with_context(|| format!("{}: run as root", path.display()))?;
        let digits = text.trim().trim_start_matches("0x");
        u64::from_str_radix(digits, 16).with_context(|| path.display().to_string())
    }

    /// What hides addresses, in words.
    pub(super) fn hidden(&self) -> String {
        let restrict = fs::read_to_string(self.root.join("proc/sys/kernel/kptr_restrict"));
        match restrict.as_deref().map(str::trim) {
            Ok("2") => "addresses are hidden, as kernel.kptr_restrict is 2: as root, `sysctl \
                        kernel.kptr_restrict=1` shows them to root"
                .to_owned(),
            _ => "addresses are hidden: run as root".to_owned(),
        }
    }
}

/// A line of a table: `ADDRESS ID FLAGS NAME`.
struct Shown<'l> {
    /// None for what is gone after init, and where addresses are hidden.
    address: Option<u64>,
    id: u32,
    flags: FuncFlags,
    name: &'l str,
}

impl<'l> Shown<'l> {
    fn parse(line: &'l str) -> Option<Self> {
        let mut words = line.splitn(4, ' ');
        let address = match words.next()? {
            "-" => None,
            address => Some(u64::from_str_radix(address, 16).ok()?),
        };
        Some(Shown {
            address: address.filter(|address| *address != 0),
            id: words.next()?.parse().ok()?,
            flags: flags(words.next()?)?,
            name: words.next()?,
        })
    }
}

/// The flags of these words, `-` being none.
fn flags(words: &str) -> Option<FuncFlags> {
    if words == "-" {
        return Some(FuncFlags::default());
    }
    words
        .split(',')
        .try_fold(FuncFlags::default(), |all, word| {
            let mut known = FuncFlags::WORDS.iter();
            let (flag, _) = known.find(|(_, known)| *known == word)?;
            Some(all.with(*flag))
        })
}
