// SPDX-License-Identifier: GPL-2.0

//! Shows the function addresses of each module that has a table of them and whose BTF the kernel has
//! registered, for as long as it is loaded.

use super::loads::{key, Key};
use crate::shell::{
    module::ModuleRef,
    report::{Dir, File, Folder, FuncsReport},
};
use kernel::{
    new_mutex,
    prelude::*,
    rbtree::{RBTree, RBTreeNodeReservation},
    sync::{Arc, Mutex},
};

/// A table that is shown once the kernel has registered the module's BTF.
struct Pending {
    report: Arc<FuncsReport>,
    /// Room in [`FuncTables::shown`].
    room: RBTreeNodeReservation<Key, File<FuncsReport>>,
}

/// The tables of all modules.
#[pin_data]
pub(super) struct FuncTables {
    #[pin]
    pending: Mutex<RBTree<Key, Pending>>,
    #[pin]
    shown: Mutex<RBTree<Key, File<FuncsReport>>>,
    dir: Arc<Dir>,
}

impl FuncTables {
    /// None yet; `dir` has a folder for them.
    pub(super) fn new(dir: Arc<Dir>) -> impl PinInit<Self> {
        pin_init!(Self {
            pending <- new_mutex!(RBTree::new()),
            shown <- new_mutex!(RBTree::new()),
            dir,
        })
    }

    /// `report` is to be shown if the kernel takes the BTF of `module`.
    ///
    /// # Errors
    ///
    /// `ENOMEM`
    pub(super) fn before_kernel(&self, module: ModuleRef<'_>, report: Arc<FuncsReport>) -> Result {
        let node = RBTreeNodeReservation::new(GFP_KERNEL)?;
        let room = RBTreeNodeReservation::new(GFP_KERNEL)?;
        let node = node.into_node(key(module), Pending { report, room });
        self.pending.lock().insert(node);
        Ok(())
    }

    /// The kernel has looked at the BTF of `module`; returns whether its table is shown now, which it
    /// is where that BTF was `registered`. `None` where it has none.
    pub(super) fn after_kernel(
        &self,
        module: ModuleRef<'_>,
        registered: impl FnOnce() -> bool,
    ) -> Option<bool> {
        let pending = self.pending.lock().remove(&key(module))?;
        if !registered() {
            return Some(false);
        }
        let file = File::new(&self.dir, Folder::Inner, module.name(), pending.report);
        let node = pending.room.into_node(key(module), file);
        self.shown.lock().insert(node);
        Some(true)
    }

    /// `module` goes away.
    pub(super) fn going(&self, module: ModuleRef<'_>) {
        // Let go of each lock at once: removing the file may take a second.
        let shown = self.shown.lock().remove(&key(module));
        drop(shown);
        let pending = self.pending.lock().remove(&key(module));
        drop(pending);
    }
}
