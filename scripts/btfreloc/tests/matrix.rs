// SPDX-License-Identifier: GPL-2.0

//! `btfreloc check --matrix`: the page says what the other formats say, and nothing in it acts.

mod common;
mod page;

use std::collections::BTreeMap;
use std::fs;

use btfreloc_selftests::builder::Builder;
use common::{boot, built_for, elf, file, folder, module, run, running, small_kernel, text};
use page::Page;
use rquickjs::{CatchResultExt, Context, Function, Runtime};
use serde_json::Value;

const FOLDERS: [&str; 5] = ["own/distilled", "own/plain", "distilled", "plain", "broken"];

fn kernels() -> [String; 2] {
    [running(), built_for()].map(|release| text(&boot(&release, "vmlinux.btf")))
}

/// Runs `check` on the test modules with these options.
fn check(modules: &[String], options: &[&str]) -> common::Run {
    let kernels = kernels();
    let mut args = vec!["check"];
    args.extend(options);
    args.extend(modules.iter().map(String::as_str));
    args.extend(kernels.iter().flat_map(|kernel| ["--against", kernel]));
    run(&args)
}

fn modules() -> Vec<String> {
    FOLDERS.map(|path| text(&module(path))).to_vec()
}

#[test]
fn every_verdict_is_on_the_page() {
    let path = text(&folder("matrix-verdicts").join("page.html"));
    let run = check(&modules(), &["--format", "json", "--matrix", &path]);
    let json = run.json();
    let page = Page::parse(&fs::read_to_string(&path).unwrap());
    let (cells, rows) = (page.cells(), json["results"].as_array().unwrap());
    assert!(cells.len() > 80, "{}", cells.len());
    assert_eq!(cells.len(), rows.len());
    let kernels = kernels();
    let mut counts = BTreeMap::<_, [u64; 2]>::new();
    for (cell, row) in cells.iter().zip(rows) {
        assert_eq!(cell.module, row["module"], "{cell:?}");
        assert_eq!(kernels[cell.column], row["kernel"], "{cell:?}");
        assert_eq!(cell.outcome, row["outcome"], "{cell:?}");
        let opaque = row["relocation"]["opaque"].as_u64().unwrap_or(0);
        if opaque != 0 {
            assert_eq!(cell.words, format!("{opaque} opaque "));
        }
        counts.entry(cell.outcome.clone()).or_default()[cell.column] += 1;
    }
    let mut summary = page.summary();
    assert!(summary
        .remove("refused")
        .is_some_and(|refused| refused[0] > 0));
    summary.retain(|_, counts| counts.iter().any(|count| *count != 0));
    assert!(summary.len() > 3, "{summary:?}");
    assert!(summary
        .iter()
        .map(|(verdict, count)| (verdict, &count[..]))
        .eq(counts.iter().map(|(verdict, count)| (verdict, &count[..]))));
}

/// A verdict as `--format text` prints it: its first line, and what is below it, each type with
/// its candidates as one.
fn blocks(text: &str) -> Vec<(String, Vec<String>)> {
    let mut blocks: Vec<(String, Vec<String>)> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("    ") {
            None => blocks.push((line.to_owned(), Vec::new())),
            Some(line) => {
                let block = &mut blocks.last_mut().unwrap().1;
                match line.strip_prefix("    ") {
                    None => block.push(line.to_owned()),
                    Some(line) => *block.last_mut().unwrap() += &format!("\n{line}"),
                }
            }
        }
    }
    blocks
}

/// The same of what the page opens.
fn opened(reasons: &Value) -> Vec<String> {
    let one = |shown: &Value| {
        let [kind, fate] = ["type", "fate"].map(|key| shown[key].as_str().unwrap());
        let below = shown["below"].as_array().unwrap().iter();
        let below = below.map(|line| format!("\n{}", line.as_str().unwrap()));
        format!(
            "[{}] {kind} -> {fate}{}",
            shown["id"],
            below.collect::<String>()
        )
    };
    let types = reasons["types"].as_array().unwrap().iter().map(one);
    let alone = reasons["alone"]
        .as_str()
        .filter(|alone| alone.contains(": "));
    let conflicts = reasons["conflicts"].as_array().unwrap().iter();
    let conflicts = conflicts.map(|line| line.as_str().unwrap().to_owned());
    types
        .chain(conflicts)
        .chain(alone.map(|alone| format!("the kernel alone {alone}")))
        .collect()
}

/// Opens every verdict of `page` on `kernels` kernels and holds it against the text; returns how
/// many types there were.
fn says_the_same(text: &str, page: &Page, kernels: usize) -> usize {
    let cells = (0..page.cells().len()).map(|cell| (cell / kernels, cell % kernels));
    let cells: Vec<_> = cells.collect();
    let mut blocks = blocks(text);
    blocks.retain(|(line, _)| !line.contains(" checked: "));
    assert_eq!(blocks.len(), cells.len());
    let mut types = 0;
    for ((line, mut shown), reasons) in blocks.into_iter().zip(page.reasons(&cells)) {
        let mut opened = opened(&reasons);
        types += opened.len();
        shown.sort();
        opened.sort();
        assert_eq!(shown, opened, "{line}");
        let first = line.split("; the kernel alone ").next().unwrap();
        match reasons["said"].as_str() {
            Some(said) => assert!(first.ends_with(said), "{line}: {said}"),
            None => assert!(
                [": left alone", ": no BTF"]
                    .iter()
                    .any(|end| first.ends_with(end)),
                "{line}"
            ),
        }
        let alone = reasons["alone"].as_str().unwrap_or_default();
        let shown = shown.iter().any(|line| line.ends_with(alone));
        assert!(shown || line.ends_with(alone), "{line}: {alone}");
    }
    types
}

#[test]
fn opened_verdicts_say_what_is_explained() {
    let path = text(&folder("matrix-reasons").join("page.html"));
    let run = check(&modules(), &["--explain", "--matrix", &path]);
    let page = Page::parse(&fs::read_to_string(&path).unwrap());
    let types = says_the_same(run.text(), &page, 2);
    assert!(types > 1000, "{types}");
}

#[test]
fn standalone_btf_has_its_conflicts() {
    let folder = folder("matrix-standalone");
    let kernel = file(&folder, "vmlinux", &small_kernel());
    let mut own = Builder::base();
    let int = own.int("int", 4, 1);
    own.structure("task", 8, &[("pid", [int, 0])]);
    let module = file(&folder, "module.ko", &elf(&[(".BTF", &own.bytes())]));
    let path = text(&folder.join("page.html"));
    let run = run(&["check", &module, "--against", &kernel, "--matrix", &path]);
    let page = Page::parse(&fs::read_to_string(&path).unwrap());
    let cells = page.cells();
    assert_eq!(
        (&*cells[0].outcome, &*cells[0].words),
        ("conflicts", "1 conflict ")
    );
    let conflict = "[2] STRUCT task is not vmlinux [2]: it has 8 bytes, 4 in vmlinux";
    assert_eq!(page.reasons(&[(0, 0)])[0]["conflicts"][0], conflict);
    assert_eq!(says_the_same(run.text(), &page, 1), 1);
}

#[test]
fn without_explain_the_page_has_the_opaque_types_with_their_candidates() {
    let folder = folder("matrix-opaque");
    let [brief, whole] = ["brief.html", "whole.html"].map(|name| text(&folder.join(name)));
    let modules = [text(&module("distilled"))];
    let plain = check(&modules, &[]);
    let with_page = check(&modules, &["--matrix", &brief]);
    assert_eq!(
        (plain.status, plain.text()),
        (with_page.status, with_page.text())
    );
    check(&modules, &["--explain", "--matrix", &whole]);
    let [brief, whole] = [brief, whole].map(|path| {
        let page = Page::parse(&fs::read_to_string(path).unwrap());
        let cells: Vec<_> = (0..page.cells().len())
            .map(|cell| (cell / 2, cell % 2))
            .collect();
        page.reasons(&cells)
    });
    let mut opaque = 0;
    for (mut brief, mut whole) in brief.into_iter().zip(whole) {
        let [brief, whole] = [&mut brief, &mut whole].map(|reasons| reasons["types"].take());
        let is_opaque = |shown: &&Value| shown["opaque"] == true;
        let whole: Vec<_> = whole
            .as_array()
            .unwrap()
            .iter()
            .filter(is_opaque)
            .cloned()
            .collect();
        assert_eq!(*brief.as_array().unwrap(), whole);
        opaque += whole.len();
    }
    assert!(opaque > 0);
}

/// Breaks out of text, of an attribute, of a script and of a template, if it is let.
const HOSTILE: &str = "\"'><img src=x onerror=alert(1)><!--{{ 7 }}{% x %}&lt;";

#[test]
fn hostile_names_stay_names() {
    let folder = folder("matrix-hostile");
    let kernel_name = format!("kernel{HOSTILE}");
    let kernel = file(&folder, &kernel_name, &small_kernel());
    let mut base = Builder::base();
    base.structure("</script><script>alert(2)</script>", 4, &[]);
    let mut split = Builder::split(&base);
    split.ptr(1);
    let sections = [(".BTF", &*split.bytes()), (".BTF.base", &*base.bytes())];
    // A folder's slash makes it the end of a script.
    fs::create_dir_all(folder.join("<")).unwrap();
    let name = format!("</script>{HOSTILE}.ko");
    let module = file(&folder, &name, &elf(&sections));
    let unreadable = file(&folder, &format!("bad{HOSTILE}.ko"), b"no module");
    let run = run(&[
        "check",
        &module,
        &unreadable,
        "--against",
        &kernel,
        "--matrix",
        "-",
    ]);
    assert_eq!(run.status, 2);
    let page = Page::parse(run.text());

    let cells = page.cells();
    assert_eq!((cells.len(), &*cells[0].module), (1, &*module));
    let heads: Vec<_> = page.all("bdi").map(|element| &*element.text).collect();
    assert!(heads.contains(&&*kernel_name), "{heads:?}");
    let error = format!("{unreadable}: neither ELF nor BTF");
    assert!(
        heads.iter().any(|head| head.starts_with(&error)),
        "{heads:?}"
    );
    let reasons = &page.reasons(&[(0, 0)])[0];
    let said = reasons["said"].as_str().unwrap();
    assert!(
        said.contains("</script><script>alert(2)</script>"),
        "{said}"
    );
    nothing_acts(&page);
}

#[test]
fn what_would_turn_a_name_around_is_spelt_out() {
    let folder = folder("matrix-turned");
    let kernel = file(&folder, "vmlinux", &small_kernel());
    let module = file(&folder, "a\u{202e}ok.evil\u{7}\u{e9}.ko", &elf(&[]));
    let run = run(&["check", &module, "--against", &kernel, "--matrix", "-"]);
    let cells = Page::parse(run.text()).cells();
    assert!(
        cells[0]
            .module
            .ends_with("/a\\u{202e}ok.evil\\u{7}\u{e9}.ko"),
        "{cells:?}"
    );
    assert_eq!(cells[0].outcome, "no-btf");
}

/// Only the page's own two scripts, and nothing that loads, sends or runs.
fn nothing_acts(page: &Page) {
    assert_eq!(page.all("script").count(), 2);
    for name in [
        "img", "iframe", "object", "embed", "a", "base", "audio", "video", "svg",
    ] {
        assert_eq!(page.all(name).count(), 0, "{name}");
    }
    for element in &page.0 {
        for (name, value) in &element.attributes {
            let loads = [
                "src",
                "srcset",
                "href",
                "action",
                "formaction",
                "data",
                "poster",
            ];
            assert!(!name.starts_with("on"), "{element:?}");
            assert!(
                !loads.contains(&&**name) || value == "data:,",
                "{element:?}"
            );
        }
    }
}

#[test]
fn the_page_needs_nothing_from_outside() {
    let run = check(&[text(&module("own/distilled"))], &["--matrix", "-"]);
    let page = Page::parse(run.text());
    nothing_acts(&page);
    for needle in [
        "://",
        "url(",
        "@import",
        "fetch(",
        "XMLHttpRequest",
        "import(",
    ] {
        assert!(!run.text().contains(needle), "{needle}");
    }
    let policy = page.all("meta").find_map(|meta| {
        meta.attributes.get("content").filter(|_| {
            meta.attributes
                .get("http-equiv")
                .is_some_and(|name| name == "Content-Security-Policy")
        })
    });
    assert!(
        policy.unwrap().starts_with("default-src 'none'; "),
        "{policy:?}"
    );
}

#[test]
fn its_script_can_be_read() {
    let run = check(&[text(&module("own/distilled"))], &["--matrix", "-"]);
    let page = Page::parse(run.text());
    let script = &page.all("script").nth(1).unwrap().text;
    assert!(script.contains("reasonsOf"));
    let context = Context::full(&Runtime::new().unwrap()).unwrap();
    context.with(|js| {
        // Read, not run: there is no document here.
        let read = js.eval::<Function, _>(format!("(function () {{{script}}})"));
        read.catch(&js).unwrap();
    });
}

#[test]
fn one_stream_carries_one_thing() {
    let modules = [text(&module("own/distilled"))];
    let path = text(&folder("matrix-stream").join("page.html"));
    let to_file = check(&modules, &["--matrix", &path]);
    let to_stream = check(&modules, &["--matrix", "-"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), to_stream.text());
    assert_eq!(to_file.status, to_stream.status);
    let both = check(&modules, &["--matrix", "-", "--format", "json"]);
    let error = "btfreloc: --matrix - and --format json both write to standard output: name a file for the page\n";
    assert_eq!((both.status, both.text(), &*both.err), (2, "", error));
}

#[test]
fn a_page_that_cannot_be_written_is_reported_after_the_verdicts() {
    let modules = [text(&module("own/distilled"))];
    let run = check(&modules, &["--matrix", "/nowhere/page.html"]);
    assert!(run.text().contains("  relocates exactly; "), "{run:?}");
    assert!(
        run.err
            .starts_with("btfreloc: /nowhere/page.html: No such file or directory"),
        "{run:?}"
    );
    assert_eq!(run.status, 2);
}
