// SPDX-License-Identifier: GPL-2.0
/* btfreloc_bare: data and nothing else, so that there is nothing for BTF to describe. */
#include <linux/module.h>

extern const u32 btfreloc_bare[4];
const u32 btfreloc_bare[4] = { 1, 2, 3, 4 };
EXPORT_SYMBOL(btfreloc_bare);

MODULE_DESCRIPTION("A module without types of its own");
MODULE_LICENSE("GPL");
