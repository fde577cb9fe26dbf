// SPDX-License-Identifier: GPL-2.0

//! Tables of function addresses: read, mapped to other BTF, and what is refused.

use btfreloc_selftests::builder::{put, Builder};
use btfreloc_selftests::kernel::Vmlinux;
use proptest::prelude::*;
use rust_btfreloc::btf::{Blob, Btf, Form, Kind, Section, Table};
use rust_btfreloc::reloc::btf_ids::GONE;
use rust_btfreloc::reloc::funcs::{
    header, Error, FuncFlags, FuncRecord, Funcs, MappedFuncs, Reason, HEADER_LEN, RECORD_LEN,
};

fn record(type_id: u32, addr: u64) -> FuncRecord {
    FuncRecord {
        type_id,
        flags: FuncFlags::default(),
        addr,
    }
}

fn table(records: &[FuncRecord]) -> Vec<u8> {
    let count = u32::try_from(records.len()).unwrap();
    let mut bytes = header(count).to_vec();
    bytes.extend(records.iter().flat_map(FuncRecord::bytes));
    bytes
}

/// vmlinux with an INT and a FUNC, and a module with a FUNC_PROTO and two FUNCs.
fn kernel_and_module() -> (Vmlinux, Vec<u8>) {
    let mut vmlinux = Builder::base();
    let int = vmlinux.int("int", 4, 1);
    let proto = vmlinux.func_proto(int, &[]);
    vmlinux.func("kernel_func", proto, 1);
    let mut split = Builder::split(&vmlinux);
    let proto = split.func_proto(int, &[]);
    split.func("show", proto, 0);
    split.func("store", proto, 0);
    (Vmlinux::new(vmlinux.bytes()), split.bytes())
}

const PROTO: u32 = 4;
const SHOW: u32 = 5;
const STORE: u32 = 6;
/// The module's code.
const CODE: std::ops::Range<u64> = 0x1000..0x2000;

/// Id, address and name of each function, where an id becomes what `new_id` gives.
fn mapped(
    bytes: &[u8],
    new_id: &dyn Fn(u32) -> Option<u32>,
) -> Result<Vec<(u32, u64, String)>, Error> {
    let (vmlinux, split) = kernel_and_module();
    let base = vmlinux.base();
    let blob = Blob::parse(Section::Btf, Form::Split, &split).unwrap();
    let mut offsets = [0; 3];
    let table = Table::build(&blob, base.btf().end_id(), &mut offsets, 0).unwrap();
    let btf = Btf::split(base.btf(), blob, table);
    let funcs = Funcs::parse(bytes)?;
    let mapped = MappedFuncs::new(funcs, &btf, new_id, |addr| CODE.contains(&addr))?;
    assert_eq!(mapped.count(), funcs.count());
    let mut all = Vec::new();
    mapped.each(|func| {
        let name = String::from_utf8(func.name.to_vec()).unwrap();
        all.push((func.record.type_id, func.record.addr, name));
    });
    Ok(all)
}

fn refused(bytes: &[u8]) -> (u32, Reason) {
    let Error { offset, reason } = mapped(bytes, &Some).unwrap_err();
    (offset, reason)
}

#[test]
fn functions_that_share_a_func_have_an_address_each() {
    let bytes = table(&[
        record(SHOW, 0x1000),
        record(SHOW, 0x1fff),
        record(STORE, 0x1800),
    ]);
    let show = |addr| (SHOW, addr, "show".to_owned());
    let store = (STORE, 0x1800, "store".to_owned());
    assert_eq!(
        mapped(&bytes, &Some),
        Ok(vec![show(0x1000), show(0x1fff), store])
    );
    assert_eq!(mapped(&table(&[]), &Some), Ok(Vec::new()));
}

#[test]
fn ids_become_those_of_the_btf_that_the_kernel_reads() {
    let bytes = table(&[record(2, 0x1000), record(3, 0x1800), record(4, 0x1900)]);
    let new_id = |id| match id {
        2 => Some(SHOW),
        3 => Some(GONE),
        4 => Some(STORE),
        _ => None,
    };
    // That of a type which was left out is not shown.
    assert_eq!(
        mapped(&bytes, &new_id),
        Ok(vec![
            (SHOW, 0x1000, "show".to_owned()),
            (STORE, 0x1900, "store".to_owned())
        ])
    );
    let bytes = table(&[record(2, 0x1000), record(9, 0x1800)]);
    let error = Error {
        offset: HEADER_LEN + RECORD_LEN,
        reason: Reason::NotOwn(9),
    };
    assert_eq!(mapped(&bytes, &new_id), Err(error));
}

#[test]
fn functions_of_init_have_no_address() {
    let init = |addr| FuncRecord {
        flags: FuncFlags::INIT,
        ..record(SHOW, addr)
    };
    let shown = (SHOW, 0, "show".to_owned());
    assert_eq!(mapped(&table(&[init(0)]), &Some), Ok(vec![shown]));
    assert_eq!(
        refused(&table(&[init(0x1000)])),
        (HEADER_LEN + 8, Reason::InitAddress)
    );
}

#[test]
fn a_header_of_another_form_is_refused() {
    let whole = table(&[record(SHOW, 0x1000)]);
    let with = |at, value: u8| {
        let mut bytes = whole.clone();
        bytes[at] = value;
        refused(&bytes)
    };
    assert_eq!(with(0, 0), (0, Reason::Magic(0xfb00)));
    assert_eq!(with(2, 2), (2, Reason::Version(2)));
    assert_eq!(with(3, 1), (3, Reason::HeaderFlags(1)));
    assert_eq!(with(4, 24), (4, Reason::HeaderLen(24)));
    assert_eq!(with(8, 24), (8, Reason::RecordLen(24)));
    let length = |count, len| (12, Reason::Length { count, len });
    assert_eq!(with(12, 2), length(2, 32));
    assert_eq!(with(12, 0), length(0, 32));
    // It would wrap around to none.
    let mut many = table(&[]);
    put(&mut many, 12, 1 << 28);
    assert_eq!(refused(&many), length(1 << 28, 16));
    assert_eq!(refused(&whole[..31]), length(1, 31));
    assert_eq!(refused(&whole[..15]), (0, Reason::Short(15)));
    assert_eq!(refused(&[]), (0, Reason::Short(0)));
}

#[test]
fn a_record_that_does_not_hold_is_refused() {
    let second = |bad| {
        let (offset, reason) = refused(&table(&[record(SHOW, 0x1000), bad]));
        (offset - HEADER_LEN - RECORD_LEN, reason)
    };
    for id in [0, 1, 3, STORE + 1, GONE - 1, GONE] {
        assert_eq!(second(record(id, 0x1000)), (0, Reason::NotOwn(id)));
    }
    let kind = Kind::FuncProto;
    assert_eq!(
        second(record(PROTO, 0x1000)),
        (0, Reason::NotFunc { id: PROTO, kind })
    );
    for addr in [0, CODE.start - 1, CODE.end, u64::MAX] {
        assert_eq!(second(record(SHOW, addr)), (8, Reason::Outside));
    }
    let flags = FuncFlags(FuncFlags::GLOBAL.0 | (1 << 7));
    let unknown = FuncRecord {
        flags,
        ..record(SHOW, 0x1000)
    };
    assert_eq!(second(unknown), (4, Reason::Flags(0x81)));
}

#[test]
fn flags_have_words() {
    assert_eq!(FuncFlags::default().to_string(), "-");
    let flags = FuncFlags::GLOBAL
        .with(FuncFlags::KFUNC)
        .with(FuncFlags::SAME_NAMED);
    assert_eq!(flags.to_string(), "global,kfunc,same-named");
    assert!(flags.has(FuncFlags::KFUNC) && !flags.has(FuncFlags::KFUNC.with(FuncFlags::WEAK)));
}

proptest! {
    /// Whatever the bytes: they are read or refused, and what is read is written as the same bytes.
    #[test]
    fn what_is_read_is_what_is_written(
        bytes in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..64),
            proptest::collection::vec((0..8_u32, 0..256_u32, any::<u64>()), 0..4).prop_map(|records| {
                table(&records.iter().map(|(type_id, flags, addr)| FuncRecord {
                    type_id: *type_id,
                    flags: FuncFlags(*flags),
                    addr: *addr,
                }).collect::<Vec<_>>())
            }),
        ]
    ) {
        if let Ok(funcs) = Funcs::parse(&bytes) {
            let records: Vec<_> = funcs.records().map(|(_, record)| record).collect();
            prop_assert_eq!(table(&records), &bytes[..]);
        }
        if let Ok(all) = mapped(&bytes, &Some) {
            for (id, addr, _) in all {
                prop_assert!([SHOW, STORE].contains(&id));
                prop_assert!(addr == 0 || CODE.contains(&addr));
            }
        }
    }
}
