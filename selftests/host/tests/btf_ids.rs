// SPDX-License-Identifier: GPL-2.0

//! `.BTF_ids` sections: lists, sets, set8s, mapped and sorted; and what is refused.

use std::convert::Infallible;

use btfreloc_selftests::builder::{Builder, SIGNED};
use btfreloc_selftests::kernel::Vmlinux;
use rust_btfreloc::reloc::btf_ids::{fill, BtfIds, Error, Form, IdEntry, Patched, Reason, GONE};

type Symbols<'n> = [(u64, &'n str)];

fn bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes
        .chunks_exact(4)
        .map(|word| u32::from_ne_bytes(word.try_into().unwrap()))
        .collect()
}

fn iter<'s>(symbols: &'s Symbols<'s>) -> impl Iterator<Item = (u64, &'s [u8])> + Clone {
    symbols
        .iter()
        .map(|(offset, name)| (*offset, name.as_bytes()))
}

/// Words and what was done, or why not.
fn patch(
    section: &[u32],
    symbols: &Symbols<'_>,
    map: impl Fn(u32) -> Option<u32>,
) -> Result<(Vec<u32>, [u32; 4]), Error> {
    let section = bytes(section);
    // What the output held before does not matter.
    let mut output = vec![0xa5; section.len()];
    let ids = BtfIds::read(&section, iter(symbols), &mut output)?;
    let Patched {
        bytes,
        ids,
        changed,
        sets,
        sorted,
    } = ids.patch(map)?;
    Ok((words(bytes), [ids, changed, sets, sorted]))
}

/// Turns the order of ids around.
fn flip(id: u32) -> Option<u32> {
    1000u32.checked_sub(id)
}

const SET: &str = "__BTF_ID__set__s";
const SET8: &str = "__BTF_ID__set8__k";
const ID: &str = "__BTF_ID__struct__file__1";

#[test]
fn list_with_an_unused_word_and_one_not_found() {
    let symbols = [
        (0, ID),
        (8, "__BTF_ID__func__f__2"),
        (12, "__BTF_ID__typedef__t__3"),
        (0, "list"),
    ];
    let patched = patch(&[7, 0, 0, 990], &symbols, flip);
    assert_eq!(patched, Ok((vec![993, 0, 0, 10], [2, 2, 0, 0])));
}

#[test]
fn ids_that_stay_are_not_counted_as_changed() {
    let map = |id| Some(if id == 5 { 6 } else { id });
    let symbols = [(0, ID), (4, ID), (8, ID)];
    assert_eq!(
        patch(&[4, 5, 9], &symbols, map),
        Ok((vec![4, 6, 9], [3, 1, 0, 0]))
    );
}

#[test]
fn set_is_sorted_again_and_its_count_stays() {
    let patched = patch(&[3, 1, 2, 40], &[(0, SET)], flip);
    assert_eq!(patched, Ok((vec![3, 960, 998, 999], [3, 3, 1, 1])));
}

#[test]
fn set_still_in_order_is_not_counted_as_sorted() {
    let map = |id: u32| id.checked_add(1);
    assert_eq!(
        patch(&[2, 1, 2], &[(0, SET)], map),
        Ok((vec![2, 2, 3], [2, 2, 1, 0]))
    );
}

#[test]
fn ids_not_found_come_first_in_a_set() {
    let map = |id| Some(10 - id);
    assert_eq!(
        patch(&[3, 0, 1, 2], &[(0, SET)], map),
        Ok((vec![3, 0, 8, 9], [2, 2, 1, 1]))
    );
}

#[test]
fn what_is_gone_is_no_member_of_a_set() {
    let map = |id| Some(if id % 2 == 1 { GONE } else { id + 1 });
    let symbols = [(0, SET), (20, ID), (24, ID)];
    assert_eq!(
        patch(&[4, 1, 2, 3, 4, 5, 6], &symbols, map),
        Ok((vec![2, 3, 5, 0, 0, 0, 7], [6, 6, 1, 1]))
    );
    let section = [2, 1, 10, 0xaaaa, 21, 0xbbbb, 0, 0];
    assert_eq!(
        patch(&section, &[(0, SET8), (24, SET8)], map),
        Ok((vec![1, 1, 11, 0xaaaa, 0, 0, 0, 0], [2, 2, 2, 0]))
    );
    let all = patch(&[2, 1, 3], &[(0, SET)], map);
    assert_eq!(all, Ok((vec![0, 0, 0], [2, 2, 1, 0])));
    // What stands there already is no id.
    let (offset, id) = (4, GONE);
    let reason = Reason::Unmapped;
    let error = Error { offset, id, reason };
    assert_eq!(patch(&[1, GONE], &[(0, SET)], Some), Err(error));
}

#[test]
fn set8_takes_flags_along() {
    let section = [2, 1, 10, 0xaaaa, 20, 0xbbbb, 77];
    let patched = patch(&section, &[(0, SET8), (24, ID)], flip);
    assert_eq!(
        patched,
        Ok((vec![2, 1, 980, 0xbbbb, 990, 0xaaaa, 923], [3, 3, 1, 1]))
    );
}

#[test]
fn flags_and_counts_that_look_like_ids_stay() {
    let section = [1, 1, 1, 1, 1, 1];
    let patched = patch(&section, &[(0, SET8), (16, SET)], |_| Some(500));
    assert_eq!(patched, Ok((vec![1, 1, 500, 1, 1, 500], [2, 2, 2, 0])));
}

#[test]
fn empty_sets() {
    let section = [0, 0, 0, 3];
    let patched = patch(&section, &[(0, SET), (4, SET8), (12, ID)], flip);
    assert_eq!(patched, Ok((vec![0, 0, 0, 997], [1, 1, 2, 0])));
}

#[test]
fn ids_in_sets_have_symbols_and_are_mapped_once() {
    let mut symbols = [
        (0, SET),
        (0, "s"),
        (4, "__BTF_ID__func__a__1"),
        (8, "__BTF_ID__func__b__2"),
        (12, SET8),
        (20, "__BTF_ID__func__a__3"),
        (28, "__BTF_ID__func__b__4"),
        (36, ID),
        (36, "__BTF_ID__struct__file__2"),
    ];
    let section = [2, 3, 4, 2, 1, 3, 16, 4, 32, 500];
    let expected = (vec![2, 996, 997, 2, 1, 996, 32, 997, 16, 500], [5, 4, 2, 2]);
    assert_eq!(patch(&section, &symbols, flip), Ok(expected.clone()));
    symbols.reverse();
    assert_eq!(patch(&section, &symbols, flip), Ok(expected));
}

#[test]
fn types_that_become_one_lie_side_by_side() {
    let section = [3, 1, 5, 0x20, 6, 0x40, 7, 0x10];
    let map = |id| Some(if id == 6 { 9 } else { 12 });
    let patched = patch(&section, &[(0, SET8)], map);
    assert_eq!(
        patched,
        Ok((vec![3, 1, 9, 0x40, 12, 0x10, 12, 0x20], [3, 3, 1, 1]))
    );
}

#[test]
fn twice_gives_the_same() {
    let section = [2, 1, 10, 0xaaaa, 20, 0xbbbb, 77];
    let symbols = [(0, SET8), (24, ID)];
    assert_eq!(
        patch(&section, &symbols, flip),
        patch(&section, &symbols, flip)
    );
}

#[test]
fn any_alignment() {
    let section = bytes(&[2, 5, 4, 8]);
    for shift in 0..4 {
        let shifted: Vec<u8> = vec![9; shift].into_iter().chain(section.clone()).collect();
        let mut output = vec![9; shifted.len()];
        let symbols = [(0, SET), (12, ID)];
        let ids = BtfIds::read(&shifted[shift..], iter(&symbols), &mut output[shift..]).unwrap();
        assert_eq!(words(ids.patch(flip).unwrap().bytes), [2, 995, 996, 992]);
        assert_eq!(output[..shift], vec![9; shift]);
    }
}

#[test]
fn empty_section() {
    assert_eq!(patch(&[], &[], flip), Ok((vec![], [0; 4])));
}

fn entries(section: &[u32], symbols: &Symbols<'_>) -> Vec<(u32, String, u32)> {
    let section = bytes(section);
    let mut output = vec![0; section.len()];
    let ids = BtfIds::read(&section, iter(symbols), &mut output).unwrap();
    let mut all = Vec::new();
    let add = |entry: IdEntry<'_>| {
        all.push((entry.offset, text(entry.form), entry.id));
        Ok::<(), ()>(())
    };
    ids.each(iter(symbols), add).unwrap();
    all
}

fn text(form: Form<'_>) -> String {
    let text = |name: &[u8]| String::from_utf8(name.to_vec()).unwrap();
    match form {
        Form::Id { kind, name } => format!("{} {}", text(kind), text(name)),
        Form::Set(name) => format!("set {}", text(name)),
        Form::Set8 { name, flags } => format!("set8 {} {flags:#x}", text(name)),
    }
}

#[test]
fn each_id_once_with_its_name_or_that_of_its_set() {
    let symbols = [
        (0, "__BTF_ID__struct__file__1"),
        (4, "__BTF_ID__func____bpf_trace_x__93740"),
        (8, SET),
        (12, "__BTF_ID__func__a__3"),
        (16, SET8),
        (24, "__BTF_ID__func__b__4"),
        (0, "list"),
    ];
    let section = [70, 80, 1, 90, 2, 1, 100, 0x10, 0, 0x2];
    let expected = [
        (0, "struct file", 70),
        (4, "func __bpf_trace_x", 80),
        (12, "set s", 90),
        (24, "set8 k 0x10", 100),
        (32, "set8 k 0x2", 0),
    ];
    let expected = expected.map(|(offset, form, id)| (offset, form.to_string(), id));
    assert_eq!(entries(&section, &symbols), expected);
}

#[test]
fn names_as_symbols_make_them() {
    let names = [
        (
            "__BTF_ID__struct__nf_conn___init__849265",
            "struct nf_conn___init",
        ),
        ("__BTF_ID__union__u2__1", "union u2"),
        ("__BTF_ID__typedef____u32__12", "typedef __u32"),
        ("__BTF_ID__func__f", "func f"),
        ("__BTF_ID__func__f_1", "func f_1"),
    ];
    for (symbol, expected) in names {
        assert_eq!(
            entries(&[1], &[(0, symbol)]),
            [(0, expected.to_string(), 1)]
        );
    }
}

#[test]
fn the_visitor_may_stop() {
    let section = bytes(&[2, 5, 6]);
    let mut output = vec![0; section.len()];
    let ids = BtfIds::read(&section, iter(&[(0, SET)]), &mut output).unwrap();
    let mut seen = 0;
    let stop = ids.each(iter(&[(0, SET)]), |entry| {
        seen += 1;
        Err(entry.id)
    });
    assert_eq!((stop, seen), (Err(5), 1));
}

fn refused(section: &[u32], symbols: &Symbols<'_>) -> (u32, u32, Reason) {
    let Error { offset, id, reason } = patch(section, symbols, flip).unwrap_err();
    (offset, id, reason)
}

#[test]
fn refused_symbols() {
    assert_eq!(refused(&[7, 8], &[]), (0, 0, Reason::NoSymbols));
    assert_eq!(
        refused(&[7, 8], &[(0, "list"), (4, "")]),
        (0, 0, Reason::NoSymbols)
    );
    assert_eq!(refused(&[7, 8], &[(0, ID)]), (4, 0, Reason::NoSymbol(8)));
    assert_eq!(refused(&[7, 8], &[(2, ID)]), (2, 0, Reason::Misaligned));
    assert_eq!(refused(&[7, 8], &[(8, ID)]), (8, 0, Reason::Outside));
    assert_eq!(refused(&[7, 8], &[(8, SET)]), (8, 0, Reason::Outside));
    assert_eq!(
        refused(&[7, 8], &[(1 << 40, ID)]),
        (u32::MAX, 0, Reason::Outside)
    );
    assert_eq!(refused(&[], &[(0, ID)]), (0, 0, Reason::Outside));
    for name in [
        "__BTF_ID__",
        "__BTF_ID__set",
        "__BTF_ID__set_x",
        "__BTF_ID__enum__e__1",
    ] {
        assert_eq!(refused(&[7, 8], &[(4, name)]), (4, 0, Reason::UnknownForm));
    }
}

#[test]
fn refused_sets() {
    assert_eq!(refused(&[2, 8], &[(0, SET)]), (0, 0, Reason::SetTooLong(2)));
    assert_eq!(
        refused(&[9, 1, 0, 8], &[(4, SET8)]),
        (4, 0, Reason::SetTooLong(1))
    );
    for count in [u32::MAX, u32::MAX / 4, u32::MAX / 8, 1 << 30, 1 << 29] {
        assert_eq!(
            refused(&[count, 8], &[(0, SET)]),
            (0, 0, Reason::SetTooLong(count))
        );
        assert_eq!(
            refused(&[count, 8], &[(0, SET8)]),
            (0, 0, Reason::SetTooLong(count))
        );
    }
    // A set8 without room for its own flags.
    assert_eq!(refused(&[0], &[(0, SET8)]), (0, 0, Reason::SetTooLong(0)));
}

#[test]
fn refused_overlaps() {
    let section = [2, 2, 0, 0, 0, 0];
    let overlap = |at| (at, 0, Reason::Overlap);
    assert_eq!(refused(&section, &[(0, SET), (0, SET)]), overlap(0));
    assert_eq!(refused(&section, &[(0, SET), (4, SET)]), overlap(4));
    assert_eq!(refused(&section, &[(4, SET), (0, SET)]), overlap(4));
    assert_eq!(refused(&section, &[(0, SET), (0, ID)]), overlap(0));
    assert_eq!(refused(&section, &[(0, ID), (0, SET)]), overlap(0));
    assert_eq!(refused(&section, &[(0, SET8), (4, ID)]), overlap(4));
    assert_eq!(refused(&section, &[(12, ID), (0, SET8)]), overlap(12));
}

#[test]
fn refused_lengths() {
    let mut output = [0; 8];
    let read = BtfIds::read(&[0; 7], iter(&[]), &mut output[..7]);
    assert_eq!(
        read.err(),
        Some(Error {
            offset: 0,
            id: 0,
            reason: Reason::Length
        })
    );
    let read = BtfIds::read(&[0; 4], iter(&[]), &mut output);
    assert_eq!(
        read.err(),
        Some(Error {
            offset: 4,
            id: 0,
            reason: Reason::Output
        })
    );
}

#[test]
fn unmapped_ids_are_named() {
    let known = |id| flip(id).filter(|_| id != 8);
    let error = |offset| {
        Err(Error {
            offset,
            id: 8,
            reason: Reason::Unmapped,
        })
    };
    assert_eq!(patch(&[1, 2, 8], &[(0, SET), (8, ID)], known), error(8));
    assert_eq!(patch(&[1, 0, 8, 8], &[(0, SET8)], known), error(8));
    assert_eq!(patch(&[7, 8], &[(0, ID), (4, ID)], known), error(4));
}

/// Numbers that look random and are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        u32::try_from(self.0 >> 33).unwrap() % end
    }
}

#[test]
fn sorts_as_the_standard_library_does() {
    let mut random = Random(1);
    for len in (0..70).chain([127, 128, 129, 1000, 4096]) {
        for spread in [1, 3, 1 << 20] {
            let map = |id: u32| Some(id.wrapping_mul(0x9e37_79b1) >> 8);
            let ids: Vec<u32> = (0..len).map(|_| 1 + random.below(spread)).collect();
            let set: Vec<u32> = [len].into_iter().chain(ids.iter().copied()).collect();
            let mut expected: Vec<u32> = ids.iter().filter_map(|id| map(*id)).collect();
            expected.sort_unstable();
            assert_eq!(patch(&set, &[(0, SET)], map).unwrap().0[1..], expected);

            let pairs: Vec<(u32, u32)> = ids.iter().map(|id| (*id, random.below(4))).collect();
            let flat = |pairs: &[(u32, u32)]| -> Vec<u32> {
                pairs.iter().flat_map(|(id, flags)| [*id, *flags]).collect()
            };
            let set: Vec<u32> = [len, 1].into_iter().chain(flat(&pairs)).collect();
            let mut expected: Vec<_> = pairs
                .iter()
                .map(|(id, flags)| (map(*id).unwrap(), *flags))
                .collect();
            expected.sort_unstable();
            assert_eq!(
                patch(&set, &[(0, SET8)], map).unwrap().0[2..],
                flat(&expected)
            );
        }
    }
}

#[test]
fn large_sets_in_any_order_take_no_time() {
    const LEN: u32 = 100_000;
    let orders: [fn(u32) -> u32; 4] = [
        |at| LEN - at,
        |_| 7,
        |at| at ^ 1,
        |at| (at.wrapping_mul(0x9e37_79b1) >> 12) | 1,
    ];
    let start = std::time::Instant::now();
    for order in orders {
        let set: Vec<u32> = [LEN].into_iter().chain((0..LEN).map(order)).collect();
        let patched = patch(&set, &[(0, SET)], Some).unwrap().0;
        assert!(patched[1..].is_sorted());
    }
    // In squared time it would be hours.
    assert!(start.elapsed().as_secs() < 60);
}

#[test]
fn random_sections_and_symbols_never_panic() {
    let names = [ID, SET, SET8, "list", "__BTF_ID__x__y"];
    let mut random = Random(2);
    let mut accepted = 0;
    for _ in 0..30_000 {
        let len = random.below(12);
        let section: Vec<u32> = (0..len)
            .map(|_| [0, 0, 1, 2, 3, 50, u32::MAX][random.below(7) as usize])
            .collect();
        let symbols: Vec<(u64, &str)> = (0..random.below(8))
            .map(|_| {
                let offset = if random.below(9) == 0 {
                    random.below(60)
                } else {
                    random.below(13) * 4
                };
                (
                    u64::from(offset),
                    names[random.below(16).saturating_sub(11) as usize % 5],
                )
            })
            .collect();
        let Ok((patched, _)) = patch(&section, &symbols, |id| id.checked_add(1)) else {
            continue;
        };
        accepted += 1;
        assert_eq!(patched.len(), section.len());
        // No word is mapped twice, and what is 0 stays or moves within its set.
        let grown: u64 = patched.iter().map(|word| u64::from(*word)).sum();
        let before: u64 = section.iter().map(|word| u64::from(*word)).sum();
        assert!(grown - before <= section.len() as u64);
    }
    assert!(accepted > 200, "{accepted}");
}

#[test]
fn ids_of_dropped_btf_become_those_of_no_type() {
    let section = [2, 0, 40, 1, 30, 2, 7, 0, 2, 5, 6];
    let symbols: &Symbols<'_> = &[
        (0, "__BTF_ID__set8__kfuncs"),
        (24, "__BTF_ID__struct__file__1"),
        (32, "__BTF_ID__set__types"),
    ];
    let section = bytes(&section);
    let mut output = vec![0; section.len()];
    let ids = BtfIds::read(&section, iter(symbols), &mut output).unwrap();
    let patched = ids.patch(|_| Some(0)).unwrap();
    let (counts, bytes) = ((patched.ids, patched.changed), patched.bytes);
    // Counts and flags stay: a search of the sets finds nothing in them.
    assert_eq!(words(bytes), [2, 0, 0, 1, 0, 2, 0, 0, 2, 0, 0]);
    assert_eq!(counts, (5, 5));
}

/// Patches `section`, which is `live` where it is read.
fn in_place(
    section: &[u32],
    live: &[u32],
    symbols: &Symbols<'_>,
) -> Result<(Vec<u32>, usize), (u32, Reason)> {
    let (section, live) = (bytes(section), bytes(live));
    let mut output = vec![0; section.len()];
    let ids = BtfIds::read(&section, iter(symbols), &mut output)
        .and_then(|ids| ids.in_place(&live))
        .map_err(|error| (error.offset, error.reason))?;
    let mut visited = 0;
    let Ok(()) = ids.each(iter(symbols), |_| -> Result<(), Infallible> {
        visited += 1;
        Ok(())
    });
    let patched = ids
        .patch(flip)
        .map_err(|error| (error.offset, error.reason))?;
    Ok((words(patched.bytes), visited))
}

#[test]
fn what_relocations_changed_is_left_alone() {
    let symbols: &Symbols<'_> = &[
        (0, "__BTF_ID__struct__file__1"),
        (4, "__BTF_ID__struct__path__2"),
        (12, "__BTF_ID__set__types"),
    ];
    let section = [7, 8, 0, 1, 5];
    let flipped = |id| flip(id).unwrap();
    let patched = [flipped(7), flipped(8), 0, 1, flipped(5)];
    assert_eq!(
        in_place(&section, &section, symbols),
        Ok((patched.to_vec(), 3))
    );
    // An id, and a word that is none.
    let live = [7, 0xdead, 0xbeef, 1, 5];
    let patched = [flipped(7), 0xdead, 0xbeef, 1, flipped(5)];
    assert_eq!(
        in_place(&section, &live, symbols),
        Ok((patched.to_vec(), 2))
    );
    // No set can be sorted again of which a part is no id.
    let count = [7, 8, 0, 2, 5];
    assert_eq!(
        in_place(&section, &count, symbols),
        Err((12, Reason::Changed))
    );
    let member = [7, 8, 0, 1, 6];
    assert_eq!(
        in_place(&section, &member, symbols),
        Err((16, Reason::Changed))
    );
    assert_eq!(
        in_place(&section, &section[..4], symbols),
        Err((16, Reason::Output))
    );
}

/// The words of a section without ids, filled in from `vmlinux`, and how many were.
fn filled(vmlinux: &Builder, section: &[u32], symbols: &Symbols<'_>) -> (Vec<u32>, u32) {
    let vmlinux = Vmlinux::new(vmlinux.bytes());
    let section = bytes(section);
    let mut output = vec![0xa5; section.len()];
    let ids = BtfIds::read(&section, iter(symbols), &mut output).unwrap();
    let mut asked = Vec::new();
    ids.asked(iter(symbols), |word| asked.push(word));
    ids.patch(Some).unwrap();
    let count = fill(&mut output, &mut asked, vmlinux.base().btf());
    (words(&output), count)
}

#[test]
fn what_a_list_asks_for_is_found_by_kind_and_name() {
    let mut vmlinux = Builder::base();
    let int = vmlinux.int("int", 4, SIGNED);
    let proto = vmlinux.func_proto(int, &[]);
    let other = vmlinux.func_proto(0, &[]);
    vmlinux.typedef("vfs_read", int);
    let read = vmlinux.func("vfs_read", proto, 0);
    let file = vmlinux.structure("file", 4, &[("x", [int, 0])]);
    vmlinux.union("file", 4, &[]);
    let size = vmlinux.typedef("size", int);
    // The same twice.
    vmlinux.func("vfs_read", proto, 1);
    vmlinux.structure("file", 4, &[("x", [int, 0])]);
    // Not the same.
    vmlinux.func("init", proto, 0);
    vmlinux.func("init", other, 0);
    vmlinux.structure("state", 4, &[]);
    vmlinux.structure("state", 8, &[]);
    let symbols = [
        (0, "__BTF_ID__func__vfs_read__1"),
        (4, "__BTF_ID__struct__file__2"),
        (8, "__BTF_ID__typedef__size__3"),
        (12, "__BTF_ID__func__init__4"),
        (16, "__BTF_ID__struct__state__5"),
        (20, "__BTF_ID__union__size__6"),
        (24, "__BTF_ID__func__gone__7"),
        // It has its id.
        (28, "__BTF_ID__func__vfs_read__8"),
        // A second symbol of the same word.
        (0, "__BTF_ID__func__vfs_read__9"),
    ];
    let (words, count) = filled(&vmlinux, &[0, 0, 0, 0, 0, 0, 0, 99], &symbols);
    assert_eq!(words, [read, file, size, 0, 0, 0, 0, 99]);
    assert_eq!(count, 4, "one word twice");
}

#[test]
fn what_a_set_asks_for_is_left_as_it_is() {
    let mut vmlinux = Builder::base();
    let proto = vmlinux.func_proto(0, &[]);
    vmlinux.func("vfs_read", proto, 0);
    let symbols = [(0, SET), (4, "__BTF_ID__func__vfs_read__1"), (8, ID)];
    let (words, count) = filled(&vmlinux, &[2, 0, 7], &symbols);
    assert_eq!((&words[..], count), (&[2, 0, 7][..], 0));
}
