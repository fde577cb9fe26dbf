// SPDX-License-Identifier: GPL-2.0

//! Makes types of BTF ones of kinds that nobody knows, for the VM tests: see [`USAGE`].

use std::process::ExitCode;
use std::{env, fs};

use btfreloc_selftests::invent::{invent, with_locations};
use btfreloc_selftests::model::Model;
use rust_btfreloc::btf::{Form, Kind};

const USAGE: &str = "usage: invent-kind [--base BASE] [--layout|--locations] IN OUT NAME...

OUT is the .BTF in IN, split off BASE or standalone, with the types of these names made ones of kinds that nobody knows;
with --layout it says how long they are. With --locations types that say where the FUNC NAME was inlined are added.";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("invent-kind: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let mut args: Vec<_> = env::args().skip(1).collect();
    let base = match args.iter().position(|arg| arg == "--base") {
        Some(at) if at + 1 < args.len() => args.drain(at..at + 2).nth(1),
        _ => None,
    };
    let mut flag = |name| {
        let at = args.iter().position(|arg| arg == name);
        at.map(|at| args.remove(at)).is_some()
    };
    let (described, locations) = (flag("--layout"), flag("--locations"));
    let [input, output, names @ ..] = &args[..] else {
        return Err(USAGE.to_owned());
    };
    let read = |path: &String| fs::read(path).map_err(|error| format!("{path}: {error}"));
    let btf = read(input)?;
    let (form, model) = match &base {
        Some(base) => (Form::Split, Model::base(&read(base)?).split(&btf)),
        None => (Form::Base, Model::base(&btf)),
    };
    let own: Vec<_> = model.own().map(|(_, type_)| &type_.name).collect();
    if let Some(name) = names.iter().find(|name| !own.contains(name)) {
        return Err(format!("{input} has no type {name}"));
    }
    let named = |id: u32| names.contains(&model.get(id).name);
    let func = model
        .own()
        .find(|(id, type_)| type_.kind == Kind::Func as u32 && named(*id));
    let invented = match (locations, func) {
        (false, _) => invent(&btf, form, described, |place, _| names.contains(own[place])),
        (true, Some((func, _))) => with_locations(&btf, form, model.end_id(), func),
        (true, None) => return Err(format!("{input} has no such FUNC")),
    };
    fs::write(output, invented).map_err(|error| format!("{output}: {error}"))
}
