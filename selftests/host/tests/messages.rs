// SPDX-License-Identifier: GPL-2.0

//! `docs/messages.md` has all that the kernel module and the tool print: of each string in the source
//! the parts between the placeholders are looked for in the page.
//!
//! Each match over causes and reasons in `src/text` is exhaustive, so a new variant has words there.

use std::fs;
use std::path::{Path, PathBuf};

/// Files and folders with messages.
const PRINTING: [&str; 5] = [
    "rust_btfreloc.rs",
    "src/kernel",
    "src/reloc",
    "src/text",
    "scripts/btfreloc/src",
];
/// What explains itself: help, man pages, and the page for a browser.
const SELF_EXPLAINING: [&str; 3] = [
    "btfreloc/src/cli.rs",
    "btfreloc/src/docs",
    "src/check/matrix",
];

#[test]
fn no_message_is_missing() {
    let page = fs::read_to_string(top().join("docs/messages.md")).unwrap();
    let mut files = Vec::new();
    for path in PRINTING {
        sources(&top().join(path), &mut files);
    }
    let (mut missing, mut found) = (Vec::new(), 0);
    for file in &files {
        let source = fs::read_to_string(file).unwrap();
        found += source_messages(&source).len();
        let file = file.file_name().unwrap().to_string_lossy();
        missing.extend(absent(&source, &page).map(|words| format!("{file}: {words}")));
    }
    assert!(
        found > 250,
        "only {found} messages were found in the source"
    );
    assert!(missing.is_empty(), "not in docs/messages.md: {missing:#?}");
}

#[test]
fn a_missing_message_is_found() {
    let page = "`section of N bytes`, `type [ID] is\nnot known: try again`";
    let source = r#"
        // "not a message", nor is 'the quote "' here
        f.write_str("it is not known: \
                     try again")?; let quote = '"';
        write!(f, "section of {len} bytes: {more:#?}, is new here", len = 3)?;
        bytes.starts_with(b"of no use"); found.expect("parsed before");
        write!(f, "{name}")
    "#;
    assert_eq!(
        source_messages(source),
        ["it is not known: try again", "section of", "is new here"]
    );
    assert_eq!(
        absent(source, page).collect::<Vec<_>>(),
        ["it is not known: try again", "is new here"]
    );
}

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn sources(path: &Path, files: &mut Vec<PathBuf>) {
    if SELF_EXPLAINING.iter().any(|end| path.ends_with(end)) {
        return;
    }
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            sources(&entry.unwrap().path(), files);
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        files.push(path.to_owned());
    }
}

/// The messages of `source` that are not in `page`.
fn absent<'p>(source: &str, page: &'p str) -> impl Iterator<Item = String> + 'p {
    let page = one_line(page);
    let messages = source_messages(source).into_iter();
    messages.filter(move |words| !page.contains(words))
}

/// What the strings of `source` have between placeholders, where that is two words or more.
fn source_messages(source: &str) -> Vec<String> {
    let literals = literals(source).into_iter();
    let parts = literals.flat_map(|text| {
        let parts = text
            .split('{')
            .enumerate()
            .map(|(index, part)| match index {
                0 => part.to_owned(),
                _ => part.split_once('}').map_or("", |(_, part)| part).to_owned(),
            });
        parts.collect::<Vec<_>>()
    });
    let parts = parts.map(|part| {
        let words = one_line(&part);
        let edge = |c: char| c.is_whitespace() || ";:,.()[]\"'".contains(c);
        words.trim_matches(edge).to_owned()
    });
    parts.filter(|words| words.contains(' ')).collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The strings for people in Rust's `source`: not those of bytes, not what `expect` would say, and no
/// reasons for the compiler.
fn literals(source: &str) -> Vec<String> {
    let (mut found, mut rest) = (Vec::new(), source);
    while let Some(at) = rest.find(['"', '\'', '/']) {
        let (before, there) = rest.split_at(at);
        if there.starts_with("//") {
            rest = there.split_once('\n').map_or("", |(_, rest)| rest);
        } else if let Some(after) = there.strip_prefix('"') {
            let (text, after) = string(after);
            if !["b", "c", "expect(", "reason = "]
                .iter()
                .any(|end| before.ends_with(end))
            {
                found.push(text);
            }
            rest = after;
        } else {
            // A quotation mark as a character is no string.
            let mut quotes = ["'\"'", "'\\\"'"].iter();
            let quote = quotes.find_map(|quote| there.strip_prefix(quote));
            rest = quote.unwrap_or(&there[1..]);
        }
    }
    found
}

/// The string that begins here, and what follows it.
fn string(source: &str) -> (String, &str) {
    let (mut text, mut chars) = (String::new(), source.chars());
    while let Some(char) = chars.next() {
        match char {
            '"' => break,
            '\\' => match chars.next() {
                Some('\n') => chars = chars.as_str().trim_start().chars(),
                Some(quoted @ ('"' | '\\')) => text.push(quoted),
                _ => text.push(' '),
            },
            char => text.push(char),
        }
    }
    (text, chars.as_str())
}
