// SPDX-License-Identifier: GPL-2.0
/*
 * btfreloc_asked: types of the kernel that only .BTF_ids names, as no type of the module refers to them.
 *
 * The parameter /sys/module/btfreloc_asked/parameters/ids gives them, one a line: ID KIND TYPE
 */
#include <linux/btf_ids.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sysfs.h>

int btfreloc_asked_next(int value);

#define ASKED(X)			\
	X(func, vfs_read)		\
	X(struct, inode_operations)	\
	X(union, bpf_attr)		\
	X(typedef, filldir_t)

#define ID_OF(kind, name)	BTF_ID(kind, name)
#define NAME_OF(kind, name)	#kind " " #name,

BTF_ID_LIST(asked_list)
ASKED(ID_OF)

static const char * const asked_names[] = { ASKED(NAME_OF) };

static int ids_get(char *buf, const struct kernel_param *kp)
{
	int i, at = 0;

	for (i = 0; i < ARRAY_SIZE(asked_names); i++)
		at += sysfs_emit_at(buf, at, "%u %s\n", asked_list[i], asked_names[i]);
	return at;
}

static const struct kernel_param_ops ids_ops = {
	.get = ids_get,
};
module_param_cb(ids, &ids_ops, NULL, 0400);

static int __init btfreloc_asked_init(void)
{
	return btfreloc_asked_next(-1);
}
module_init(btfreloc_asked_init);

static void __exit btfreloc_asked_exit(void)
{
}
module_exit(btfreloc_asked_exit);

MODULE_DESCRIPTION("Types that only .BTF_ids names");
MODULE_LICENSE("GPL");
