// SPDX-License-Identifier: GPL-2.0

//! Man pages and completions, made from the definitions of the command line.

pub mod examples;

use std::fmt::Write as _;
use std::fs;
use std::io::{stdout, Write};
use std::iter;
use std::path::Path;

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::cli::Cli;
use crate::status::Status;

/// Writes a page for the tool and one for each command into `dir`.
///
/// # Errors
///
/// The folder cannot be written to.
pub fn man(dir: &Path) -> Result<Status> {
    let mut tool = Cli::command().disable_help_subcommand(true);
    tool.build();
    let commands = || {
        let commands = tool.get_subcommands();
        commands.flat_map(|command| iter::once(command).chain(command.get_subcommands()))
    };
    for command in commands().chain([&tool]) {
        let name = page_name(command);
        let others = commands().map(page_name).filter(|other| *other != name);
        write_page(dir, command, others)
            .with_context(|| format!("{}: cannot write man pages there", dir.display()))?;
    }
    Ok(Status::Clean)
}

fn write_page<'a>(
    dir: &Path,
    command: &clap::Command,
    others: impl Iterator<Item = &'a str>,
) -> Result<()> {
    let name = page_name(command);
    let is_tool = name == TOOL;
    let man = Man::new(command.clone()).manual("User Commands");
    let mut page = Vec::new();
    man.render(&mut page)?;
    let mut page = String::from_utf8(page)?.replace(".SH EXTRA\n", ".SH NOTES\n");
    page += ".SH EXAMPLES\n";
    for example in examples::of(name) {
        let (what, line) = (roff(example.what), roff(example.line));
        writeln!(page, ".PP\n{what}\n.PP\n.RS 4\n.nf\n{line}\n.fi\n.RE")?;
    }
    for (at, (file, what)) in examples::files(name).iter().enumerate() {
        let head = if at == 0 { ".SH FILES\n" } else { "" };
        writeln!(page, "{head}.TP\n\\fI{}\\fR\n{}", roff(file), roff(what))?;
    }
    let own = others.map(|other| format!("{TOOL}-{other}(1)"));
    let tool = (!is_tool).then(|| format!("{TOOL}(1)"));
    let foreign = examples::see_also(name).iter().map(ToString::to_string);
    let all: Vec<_> = tool.into_iter().chain(own).chain(foreign).collect();
    let all = all.iter().map(|page| bold(page)).collect::<Vec<_>>();
    writeln!(page, ".SH SEE ALSO\n{}", all.join(",\n"))?;
    Ok(fs::write(dir.join(man.get_filename()), page)?)
}

const TOOL: &str = "btfreloc";

/// What a command's page is called, without what all of them begin with: `funcs-add` for `btfreloc funcs add`.
fn page_name(command: &clap::Command) -> &str {
    let name = command
        .get_display_name()
        .unwrap_or_else(|| command.get_name());
    name.strip_prefix("btfreloc-").unwrap_or(name)
}

/// `text` as it is written in a page.
fn roff(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
}

/// A reference to another page, such as `btfreloc(1)`.
fn bold(page: &str) -> String {
    match page.split_once('(') {
        Some((name, section)) => format!("\\fB{}\\fR({section}", roff(name)),
        None => roff(page),
    }
}

/// Prints the completions of `shell`.
///
/// # Errors
///
/// Standard output cannot be written to.
pub fn completions(shell: Shell) -> Result<Status> {
    // Into memory first, as what makes them does not bear an error.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), TOOL, &mut script);
    stdout().write_all(&script).context("standard output")?;
    Ok(Status::Clean)
}
