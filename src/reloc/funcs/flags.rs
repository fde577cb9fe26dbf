// SPDX-License-Identifier: GPL-2.0

//! The flags of a record of `.BTF.funcs`.

/// Flags of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FuncFlags(pub u32);

impl FuncFlags {
    /// Its symbol is global.
    pub const GLOBAL: FuncFlags = FuncFlags(1 << 0);
    /// Its symbol is weak.
    pub const WEAK: FuncFlags = FuncFlags(1 << 1);
    /// BPF programs may call it.
    pub const KFUNC: FuncFlags = FuncFlags(1 << 2);
    /// It is gone once the module is initialised; it has no address.
    pub const INIT: FuncFlags = FuncFlags(1 << 3);
    /// ftrace can be attached to it.
    pub const TRACEABLE: FuncFlags = FuncFlags(1 << 4);
    /// There are others of the same FUNC.
    pub const SAME_NAMED: FuncFlags = FuncFlags(1 << 5);
    /// The compiler changed it, and gave its symbol a suffix (`.isra.0`, `.constprop.0`): its
    /// parameters may not be those of its FUNC.
    pub const CHANGED: FuncFlags = FuncFlags(1 << 6);

    /// Each flag with its word.
    pub const WORDS: [(FuncFlags, &'static str); 7] = [
        (FuncFlags::GLOBAL, "global"),
        (FuncFlags::WEAK, "weak"),
        (FuncFlags::KFUNC, "kfunc"),
        (FuncFlags::INIT, "init"),
        (FuncFlags::TRACEABLE, "traceable"),
        (FuncFlags::SAME_NAMED, "same-named"),
        (FuncFlags::CHANGED, "changed"),
    ];

    /// The flags of both.
    pub const fn with(self, flags: FuncFlags) -> Self {
        FuncFlags(self.0 | flags.0)
    }

    /// Whether it has all of `flags`.
    pub const fn has(self, flags: FuncFlags) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// Whether all are known.
    pub fn is_known(self) -> bool {
        let known = FuncFlags::WORDS
            .iter()
            .fold(0, |all, (flag, _)| all | flag.0);
        self.0 & !known == 0
    }
}
