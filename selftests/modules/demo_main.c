// SPDX-License-Identifier: GPL-2.0
/*
 * btfreloc_demo: a module with all that depends on true BTF: kfuncs, a destructor, a list and a set of BTF ids.
 *
 * Parameters, below /sys/module/btfreloc_demo/parameters/:
 *   poke   a written number N calls btfreloc_demo_poke(), reading gives what that returned (N + 3000)
 *   ids    the content of .BTF_ids as it is now, one record a line, and what it should stand for:
 *            list NAME ID KIND TYPE          in the order of the list, so each id comes with its type
 *            set NAME ID...                  as the kernel searches it
 *            set8 NAME ID:FLAGS...
 *            has NAME KIND TYPE [FLAGS]      a set is sorted by id: what it should hold, in no order
 */
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>

#include "built_for.h"
#include "demo.h"

/* Names that are macros need one more step: BTF_ID pastes its arguments as they stand. */
#define ID_OF(kind, name)		BTF_ID(kind, name)
#define ID_FLAGS_OF(kind, name, flags)	BTF_ID_FLAGS(kind, name, flags)
#define NAME_OF(kind, name)		#kind " " __stringify(name),
#define FLAGS_NAME_OF(kind, name, flags) { flags, #kind " " #name },

#ifdef ABSENT
#define IF_ABSENT(X) X(struct, ABSENT)
#define IF_ABSENT_KFUNCS(X)			\
	X(func, btfreloc_demo_absent, 0)	\
	X(func, btfreloc_demo_pair, 0)
#else
#define IF_ABSENT(X)
#define IF_ABSENT_KFUNCS(X)
#endif
#ifdef ABSENT_PTR
#define IF_ABSENT_PTR_KFUNCS(X) X(func, btfreloc_demo_absent_ptr, 0)
#else
#define IF_ABSENT_PTR_KFUNCS(X)
#endif
#ifdef RESIZED
#define IF_RESIZED(X) X(struct, RESIZED)
#define IF_RESIZED_KFUNCS(X) X(func, btfreloc_demo_resized, 0)
#else
#define IF_RESIZED(X)
#define IF_RESIZED_KFUNCS(X)
#endif
#ifdef RESIZED_PTR
#define IF_RESIZED_PTR(X) X(struct, RESIZED_PTR)
#else
#define IF_RESIZED_PTR(X)
#endif

#define DEMO_LIST(X)				\
	X(struct, list_head)			\
	X(struct, btfreloc_demo)		\
	X(struct, task_struct)			\
	IF_ABSENT(X)				\
	X(struct, file)				\
	IF_RESIZED(X)				\
	X(struct, kref)				\
	IF_RESIZED_PTR(X)			\
	X(typedef, u64)				\
	X(func, btfreloc_demo_poke)

#define DEMO_SET(X)				\
	X(struct, task_struct)			\
	X(struct, btfreloc_demo_object)		\
	X(struct, list_head)			\
	X(func, btfreloc_demo_run)		\
	IF_ABSENT(X)				\
	X(struct, kref)				\
	X(struct, btfreloc_demo)		\
	X(struct, file)

#define DEMO_KFUNCS(X)				\
	X(func, btfreloc_demo_mix, 0)		\
	X(func, btfreloc_demo_task_tgid, KF_RCU) \
	X(func, btfreloc_demo_numbers, 0)	\
	IF_ABSENT_KFUNCS(X)			\
	IF_ABSENT_PTR_KFUNCS(X)			\
	IF_RESIZED_KFUNCS(X)			\
	X(func, btfreloc_demo_object_dtor, 0)

#define DEMO_DTOR(X)				\
	X(struct, btfreloc_demo_object)		\
	X(func, btfreloc_demo_object_dtor)

BTF_ID_LIST(demo_list)
DEMO_LIST(ID_OF)

BTF_SET_START(demo_set)
DEMO_SET(ID_OF)
BTF_SET_END(demo_set)

BTF_KFUNCS_START(demo_kfuncs)
DEMO_KFUNCS(ID_FLAGS_OF)
BTF_KFUNCS_END(demo_kfuncs)

BTF_ID_LIST(demo_dtor)
DEMO_DTOR(ID_OF)

static const char * const demo_list_names[] = { DEMO_LIST(NAME_OF) };
static const char * const demo_set_names[] = { DEMO_SET(NAME_OF) };
static const char * const demo_dtor_names[] = { DEMO_DTOR(NAME_OF) };
static const struct {
	u32 flags;
	const char *name;
} demo_kfuncs_names[] = { DEMO_KFUNCS(FLAGS_NAME_OF) };

static const struct btf_kfunc_id_set demo_kfunc_set = {
	.owner = THIS_MODULE,
	.set = &demo_kfuncs,
};

int btfreloc_demo_tgid_of(struct task_struct *task)
{
	return task->tgid;
}

struct task_struct *btfreloc_demo_current(void)
{
	return current;
}

static int show_list(char *buf, int at, const char *list, const u32 *ids, const char * const *names, u32 cnt)
{
	u32 i;

	for (i = 0; i < cnt; i++)
		at += sysfs_emit_at(buf, at, "list %s %u %s\n", list, ids[i], names[i]);
	return at;
}

static int show_ids(char *buf, const struct kernel_param *param)
{
	u32 i;
	int at;

	at = show_list(buf, 0, "demo_list", demo_list, demo_list_names, ARRAY_SIZE(demo_list_names));
	at = show_list(buf, at, "demo_dtor", demo_dtor, demo_dtor_names, ARRAY_SIZE(demo_dtor_names));

	at += sysfs_emit_at(buf, at, "set demo_set");
	for (i = 0; i < demo_set.cnt; i++)
		at += sysfs_emit_at(buf, at, " %u", demo_set.ids[i]);
	at += sysfs_emit_at(buf, at, "\n");
	for (i = 0; i < ARRAY_SIZE(demo_set_names); i++)
		at += sysfs_emit_at(buf, at, "has demo_set %s\n", demo_set_names[i]);

	at += sysfs_emit_at(buf, at, "set8 demo_kfuncs");
	for (i = 0; i < demo_kfuncs.cnt; i++)
		at += sysfs_emit_at(buf, at, " %u:%u", demo_kfuncs.pairs[i].id, demo_kfuncs.pairs[i].flags);
	at += sysfs_emit_at(buf, at, "\n");
	for (i = 0; i < ARRAY_SIZE(demo_kfuncs_names); i++)
		at += sysfs_emit_at(buf, at, "has demo_kfuncs %s %u\n", demo_kfuncs_names[i].name,
				    demo_kfuncs_names[i].flags);
	return at;
}

static const struct kernel_param_ops ids_ops = {
	.get = show_ids,
};
module_param_cb(ids, &ids_ops, NULL, 0444);

static int poke_result;

static int run_poke(const char *val, const struct kernel_param *param)
{
	int n, err = kstrtoint(val, 0, &n);

	if (!err)
		poke_result = btfreloc_demo_run(n);
	return err;
}

static const struct kernel_param_ops poke_ops = {
	.set = run_poke,
	.get = param_get_int,
};
module_param_cb(poke, &poke_ops, &poke_result, 0644);

static int __init btfreloc_demo_init(void)
{
	const struct btf_id_dtor_kfunc dtor = {
		.btf_id = demo_dtor[0],
		.kfunc_btf_id = demo_dtor[1],
	};
	int err;

	err = register_btf_kfunc_id_set(BPF_PROG_TYPE_SYSCALL, &demo_kfunc_set);
	if (!err)
		err = register_btf_kfunc_id_set(BPF_PROG_TYPE_TRACING, &demo_kfunc_set);
	if (!err)
		err = register_btf_id_dtor_kfuncs(&dtor, 1, THIS_MODULE);
	return err;
}
module_init(btfreloc_demo_init);

static void __exit btfreloc_demo_exit(void)
{
}
module_exit(btfreloc_demo_exit);

MODULE_DESCRIPTION("What depends on a module's BTF, in one module");
MODULE_LICENSE("GPL");
