// SPDX-License-Identifier: GPL-2.0

//! The figures as a table.

use crate::callgrind::Part;
use crate::figures::{Figures, OfModule, Pair, Steps, Target};

/// Prints all figures of the host.
pub fn print(figures: &Figures) {
    println!(
        "{} modules of {}, relocated to {}, one core; ours beside libbpf {}",
        figures.corpus.modules, figures.from, figures.to, figures.peer
    );
    println!(
        "Buffers are part of each step. libbpf's parse is btf__new of the distilled base and of the \
         module;\nwithout it are its relocation, which leaves no bytes, and its distillation."
    );
    if figures.corpus.peer_refuses > 0 {
        println!(
            "libbpf refuses {} of them, which ends it early",
            figures.corpus.peer_refuses
        );
    }
    for module in &figures.modules {
        print_module(module);
    }
    println!("\n{:<28} {:>42}", "all modules", "time");
    each_step(&figures.corpus.nanoseconds, |name, pair| {
        println!("  {name:<26} {:>42}", columns(pair, milliseconds));
    });
    println!(
        "\n{:<28} {:>42} {:>42}",
        "vmlinux BTF, once", "instructions", "bytes held"
    );
    println!(
        "  {:<26} {:>42} {:>42}",
        "our index, libbpf's parse",
        columns(figures.kernel.instructions, instructions),
        columns(figures.kernel.bytes, kib)
    );
    println!("\n{:<28} {:>14} {:>14}", "targets", "measured", "target");
    figures.targets.iter().for_each(print_target);
}

fn print_module(module: &OfModule) {
    let title = format!("{}: {}, {} types", module.rank, module.module, module.types);
    println!(
        "\n{title}\n{:<28} {:>42} {:>42}",
        "", "instructions", "time"
    );
    let mut times = Vec::new();
    each_step(&module.nanoseconds, |_, pair| {
        times.push(columns(pair, microseconds))
    });
    let mut times = times.iter();
    each_step(&module.instructions, |name, pair| {
        let time = times.next().map_or("", String::as_str);
        println!(
            "  {name:<26} {:>42} {time:>42}",
            columns(pair, instructions)
        );
    });
    println!("  {:<26} {:>42}", "peak memory", columns(module.bytes, kib));
}

fn each_step(steps: &Steps, mut visit: impl FnMut(&str, Pair)) {
    visit("relocate", steps.relocate);
    visit("parse and relocate", steps.parse_and_relocate);
    visit("distill", steps.distill);
}

/// Ours, libbpf's, and the ratio.
fn columns(pair: Pair, unit: fn(f64) -> String) -> String {
    format!(
        "{:>15} {:>15} {:>9}",
        unit(pair.ours),
        unit(pair.peer),
        fraction(pair.ratio)
    )
}

fn print_target(target: &Target) {
    let show = |value: f64| match target.name.ends_with("_ratio") {
        true => fraction(value),
        false => format!("{value:.0}"),
    };
    let verdict = match target.times <= 1.0 {
        true => "met".to_owned(),
        false => {
            let parts: Vec<_> = target.dominated_by.iter().map(named).collect();
            format!(
                "missed {:.1} times over; {}",
                target.times,
                parts.join(", ")
            )
        }
    };
    let (value, wanted) = (show(target.value), show(target.target));
    println!("  {:<26} {value:>14} {wanted:>14}   {verdict}", target.name);
}

fn named(part: &Part) -> String {
    format!("{} {:.0} %", part.function, part.percent)
}

/// A ratio as one reads it: `1/63`, or `1.67` where it is no small part.
fn fraction(ratio: f64) -> String {
    match ratio < 0.5 {
        true => format!("1/{:.*}", usize::from(ratio > 0.1), 1.0 / ratio),
        false => format!("{ratio:.2}"),
    }
}

fn instructions(count: f64) -> String {
    format!("{:.1} k", count / 1e3)
}

fn microseconds(nanoseconds: f64) -> String {
    format!("{:.1} us", nanoseconds / 1e3)
}

fn milliseconds(nanoseconds: f64) -> String {
    format!("{:.1} ms", nanoseconds / 1e6)
}

fn kib(bytes: f64) -> String {
    format!("{:.1} KiB", bytes / 1024.0)
}
