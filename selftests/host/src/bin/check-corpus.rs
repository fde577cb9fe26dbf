// SPDX-License-Identifier: GPL-2.0

//! check-corpus FILE RELEASE...: takes all stock modules of these kernels of the development kit to
//! each of them, with libbpf beside it; keeps the figures in FILE and prints them.
//!
//! Exit status 0: all is as it should be; 1: something is not; 2: it could not be measured.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, fs, io};

use btfreloc_selftests::corpus::figures::Row;
use btfreloc_selftests::corpus::measure::Way;
use btfreloc_selftests::corpus::pair::{by_name, measure, Sum};
use btfreloc_selftests::corpus::shipped::Rebuilt;
use btfreloc_selftests::corpus::store;
use btfreloc_selftests::corpus::table::Table;
use btfreloc_selftests::modules;
use btfreloc_selftests::peer::judge::Kernel;
use indicatif::{ProgressBar, ProgressStyle};

/// Mismatches that are shown of a pair.
const SHOWN: usize = 20;

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1);
    let file = args.next().map(PathBuf::from);
    let releases = args.map(|arg| arg.into_string()).collect();
    let (Some(file), Ok(releases)) = (file, releases) else {
        eprintln!("usage: check-corpus FILE RELEASE...");
        return ExitCode::from(2);
    };
    match run(&file, releases) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(err) => {
            eprintln!("check-corpus: {err}");
            ExitCode::from(2)
        }
    }
}

/// A pair that is to be measured, or was.
struct Pair {
    from: usize,
    to: usize,
    inputs: String,
    known: Option<Row>,
}

/// What is measured.
struct Corpus {
    names: Vec<String>,
    kernels: Vec<Vec<u8>>,
    /// The modules of each release, as far as the kit has them.
    modules: Vec<Vec<PathBuf>>,
}

/// Whether there are pairs, and nothing is wrong with them.
fn run(file: &Path, names: Vec<String>) -> io::Result<bool> {
    let corpus = Corpus::of(names);
    let pairs = corpus.pairs(&store::load(file))?;
    let mut rows: Vec<Row> = pairs.iter().filter_map(|pair| pair.known.clone()).collect();
    let todo: Vec<_> = pairs.iter().filter(|pair| pair.known.is_none()).collect();
    if !rows.is_empty() {
        let known = rows.len();
        eprintln!(
            "{known} of {} pairs were measured before, with this core and these files",
            pairs.len()
        );
    }
    let bar = bar(todo
        .iter()
        .map(|pair| corpus.modules[pair.from].len())
        .sum());
    for (number, pair) in todo.iter().enumerate() {
        let (from, to) = (&corpus.names[pair.from], &corpus.names[pair.to]);
        bar.set_message(format!("{from} -> {to} ({} of {})", number + 1, todo.len()));
        rows.push(corpus.measure(pair, &bar));
        store::save(file, &rows)?;
    }
    bar.finish_and_clear();
    // As the pairs stand, whichever were known.
    let place = |row: &Row| corpus.place(&row.from).zip(corpus.place(&row.to));
    rows.sort_by_key(place);
    store::save(file, &rows)?;
    print!("{}", Table(&rows));
    Ok(!rows.is_empty() && rows.iter().all(|row| row.mismatches == 0))
}

impl Corpus {
    fn of(names: Vec<String>) -> Self {
        let kit = modules::kit();
        let mut releases = modules::releases(&kit);
        let mut modules_of = |name: &String| {
            let at = releases.iter().position(|release| release.name == *name);
            at.map_or(Vec::new(), |at| releases.swap_remove(at).modules)
        };
        Corpus {
            kernels: names
                .iter()
                .map(|name| modules::kernel(&kit, name))
                .collect(),
            modules: names.iter().map(&mut modules_of).collect(),
            names,
        }
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// From each kernel whose modules are there to all; known where nothing has changed since.
    fn pairs(&self, known: &[Row]) -> io::Result<Vec<Pair>> {
        let program = fs::read(env::current_exe()?)?;
        let all = 0..self.names.len();
        let with_modules = all.clone().filter(|from| !self.modules[*from].is_empty());
        let pairs = with_modules.flat_map(|from| all.clone().map(move |to| (from, to)));
        let pair = |(from, to): (usize, usize)| {
            let kernels = [&*self.kernels[from], &*self.kernels[to]];
            let inputs = store::inputs(&program, kernels, &self.modules[from])?;
            let same = |row: &&Row| row.inputs == inputs && row.mismatches == 0;
            let known = known.iter().find(same).cloned();
            Ok(Pair {
                from,
                to,
                inputs,
                known,
            })
        };
        pairs.map(pair).collect()
    }

    fn measure(&self, pair: &Pair, bar: &ProgressBar) -> Row {
        let begin = Instant::now();
        let kernel = |at: usize| Kernel::new(self.kernels[at].clone());
        let (from, to) = (kernel(pair.from), kernel(pair.to));
        let round = (pair.from == pair.to).then(|| Rebuilt::of(to.vmlinux()));
        let way = Way {
            from: &from,
            to: &to,
            round: round.as_ref(),
        };
        let sum = measure(&way, &self.modules[pair.from], || bar.inc(1));
        let row = Row {
            from: self.names[pair.from].clone(),
            to: self.names[pair.to].clone(),
            figures: sum.figures.clone(),
            completed: sum.completed.clone(),
            lacking: by_name(&sum.lacking),
            mismatches: u32::try_from(sum.mismatches.len()).unwrap_or(u32::MAX),
            seconds: begin.elapsed().as_secs(),
            inputs: pair.inputs.clone(),
        };
        show(bar, &row, &sum);
        row
    }
}

fn show(bar: &ProgressBar, row: &Row, sum: &Sum) {
    bar.suspend(|| {
        let (modules, seconds) = (sum.figures.modules, row.seconds);
        eprintln!(
            "{} -> {}: {modules} modules in {seconds} s",
            row.from, row.to
        );
        for what in sum.mismatches.iter().take(SHOWN) {
            eprintln!("  {what}");
        }
        if sum.mismatches.len() > SHOWN {
            eprintln!("  and {} more", sum.mismatches.len() - SHOWN);
        }
    });
}

/// A bar for this many modules, which only a terminal shows.
fn bar(count: usize) -> ProgressBar {
    let bar = ProgressBar::new(count as u64);
    let template = "{msg} {bar:20} {pos}/{len} modules, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
