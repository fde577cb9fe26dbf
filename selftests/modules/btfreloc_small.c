// SPDX-License-Identifier: GPL-2.0
/* btfreloc_small: a module with a little BTF, which the build removes or damages (see scripts/build-modules). */
#include <linux/list.h>
#include <linux/module.h>

struct btfreloc_small {
	struct list_head list;
	struct btfreloc_small *next;
	int value;
};

static struct btfreloc_small small = {
	.list = LIST_HEAD_INIT(small.list),
	.next = &small,
};

static int __init btfreloc_small_init(void)
{
	return small.value;
}
module_init(btfreloc_small_init);

static void __exit btfreloc_small_exit(void)
{
	small.value = 1;
}
module_exit(btfreloc_small_exit);

MODULE_DESCRIPTION("A module with a little BTF");
MODULE_LICENSE("GPL");
