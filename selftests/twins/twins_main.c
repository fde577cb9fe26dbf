// SPDX-License-Identifier: GPL-2.0
/*
 * btfreloc_twins: two static functions of one name and prototype, btfreloc_twins_step(), and one function of each other
 * sort that .BTF.funcs has records of.
 *
 * Parameters, below /sys/module/btfreloc_twins/parameters/: a written number N calls a function once, reading gives what
 * that returned.
 *   one     btfreloc_twins_step() of twins_one.c (N + 100)
 *   two     btfreloc_twins_step() of twins_two.c (N + 200)
 *   folded  btfreloc_twins_folded.constprop.0, twice (6 N + 3)
 *   kfunc   btfreloc_twins_kfunc() (N + 1000)
 *   weak    btfreloc_twins_weak() (N + 2000)
 */
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/module.h>
#include <linux/moduleparam.h>

#include "twins.h"

struct call {
	int (*func)(int n);
	int result;
};

static int run_call(const char *val, const struct kernel_param *param)
{
	struct call *call = param->arg;
	int n, err = kstrtoint(val, 0, &n);

	if (!err)
		call->result = call->func(n);
	return err;
}

static int show_call(char *buf, const struct kernel_param *param)
{
	const struct call *call = param->arg;

	return sysfs_emit(buf, "%d\n", call->result);
}

static const struct kernel_param_ops call_ops = {
	.set = run_call,
	.get = show_call,
};

#define CALL(name, function)						\
	static struct call name##_call = { .func = function };		\
	module_param_cb(name, &call_ops, &name##_call, 0644)

CALL(one, btfreloc_twins_one);
CALL(two, btfreloc_twins_two);
CALL(folded, btfreloc_twins_fold);
CALL(kfunc, btfreloc_twins_kfunc);
CALL(weak, btfreloc_twins_weak);

BTF_KFUNCS_START(twins_kfuncs)
BTF_ID_FLAGS(func, btfreloc_twins_kfunc)
BTF_KFUNCS_END(twins_kfuncs)

static const struct btf_kfunc_id_set twins_kfunc_set = {
	.owner = THIS_MODULE,
	.set = &twins_kfuncs,
};

static int __init btfreloc_twins_init(void)
{
	return btfreloc_twins_first(0) ?: register_btf_kfunc_id_set(BPF_PROG_TYPE_SYSCALL, &twins_kfunc_set);
}
module_init(btfreloc_twins_init);

static void __exit btfreloc_twins_exit(void)
{
}
module_exit(btfreloc_twins_exit);

MODULE_DESCRIPTION("Two functions of one name");
MODULE_LICENSE("GPL");
