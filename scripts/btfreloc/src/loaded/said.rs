// SPDX-License-Identifier: GPL-2.0

//! The line that rust_btfreloc writes of a module, in the log and in debugfs, taken apart.

use super::row::State;

/// What rust_btfreloc says of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) state: State,
    /// Figures, or the reason.
    pub(super) words: Option<String>,
    /// What became of `.BTF_ids`.
    pub(super) ids: Option<String>,
    /// The file with the BTF of another build, where that was used.
    pub(super) supplied: Option<String>,
}

const SUPPLIED: &str = " by way of firmware ";
/// What comes after this was done before.
const REFUSED: &str = "refused by the kernel, which does not show it in /sys/kernel/btf; it was ";
const IDS_STAY: &str = "its .BTF_ids stay";
const LEFT_OUT: &str = "left out: ";

impl Said {
    /// Takes a line that begins with `BTF` apart; `None` where it is of another form.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let line = without_time(line.strip_prefix("BTF ")?);
        if let Some(words) = line.strip_prefix(REFUSED) {
            return Some(Said::of(State::Refused, Some(words)));
        }
        let (head, words) = match line.find([':', ';']) {
            Some(end) => (&line[..end], line.get(end + 2..)),
            None => (line, None),
        };
        let (verb, supplied) = match head.split_once(SUPPLIED) {
            Some((verb, file)) => (verb, Some(file.to_owned())),
            None => (head, None),
        };
        let state = state(verb, words.unwrap_or_default(), supplied.is_some())?;
        Some(Said {
            supplied,
            ..Said::of(state, words)
        })
    }

    fn of(state: State, words: Option<&str>) -> Self {
        let (words, ids) = words.map_or((None, None), without_ids);
        Said {
            state,
            words,
            ids,
            supplied: None,
        }
    }
}

fn state(verb: &str, words: &str, supplied: bool) -> Option<State> {
    let left_out = words.contains(LEFT_OUT);
    Some(match verb {
        "relocated" | "rebased" | "reduced" if left_out => State::Reduced,
        "relocated" if count(words, " opaque") != 0 => State::Opaque,
        "relocated" if supplied => State::Repaired,
        "relocated" => State::Relocated,
        "rebased" if count(words, " differ from ") != 0 => State::Conflicts,
        "rebased" => State::Rebased,
        "reduced" => State::Reduced,
        "dropped" if words.starts_with("it describes no type") => State::NoBtf,
        "dropped" => State::Dropped,
        "left to the kernel" => State::LeftToKernel,
        _ => return None,
    })
}

/// The number before `what`, the first of it.
fn count(words: &str, what: &str) -> u32 {
    let before = words.split(what).next().filter(|_| words.contains(what));
    let number = before.and_then(|before| before.rsplit(' ').next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// The line without how long it took.
fn without_time(line: &str) -> &str {
    match line.rsplit_once(", in ") {
        Some((rest, time)) if time.ends_with(" ns") => rest,
        _ => line,
    }
}

/// The words, and what they say of `.BTF_ids`, which is a part between separators.
fn without_ids(words: &str) -> (Option<String>, Option<String>) {
    let marks = [".BTF_ids changed", ".BTF_ids set to 0", IDS_STAY];
    let Some(mark) = marks.iter().find_map(|mark| words.find(mark)) else {
        return (Some(words.to_owned()), None);
    };
    let before = &words[..mark];
    let separators = [", ", "; "];
    let start = separators.iter().filter_map(|sep| before.rfind(sep)).max();
    let ids_start = start.map_or(0, |start| start + 2);
    // The reason why ids stay is the rest; figures end with the next part.
    let len = match words[mark..].starts_with(IDS_STAY) {
        true => words.len() - ids_start,
        false => words[ids_start..]
            .find([',', ';'])
            .unwrap_or(words.len() - ids_start),
    };
    let (ids, after) = words[ids_start..].split_at(len);
    let rest = format!("{}{after}", &words[..start.unwrap_or(0)]);
    let rest = rest.trim_start_matches("; ").to_owned();
    ((!rest.is_empty()).then_some(rest), Some(ids.to_owned()))
}
