// SPDX-License-Identifier: GPL-2.0
/*
 * btfreloc_structops: a struct_ops of a module's own, struct btfreloc_ops, whose one operation BPF programs implement.
 *
 * /sys/module/btfreloc_structops/parameters/call: a written number N calls add(N, 2) of what is attached; reading
 * gives what that returned, or -1 where nothing is attached.
 */
#include <linux/bpf.h>
#include <linux/bpf_verifier.h>
#include <linux/btf.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>

struct btfreloc_ops {
	int (*add)(int a, int b);
};

static DEFINE_MUTEX(lock);
static struct btfreloc_ops *attached;
static int result = -1;

static int btfreloc_ops_add(int a, int b)
{
	return 0;
}

static struct btfreloc_ops stubs = {
	.add = btfreloc_ops_add,
};

static int ops_init(struct btf *btf)
{
	return 0;
}

static int ops_init_member(const struct btf_type *t, const struct btf_member *member, void *kdata, const void *udata)
{
	return 0;
}

static int ops_reg(void *kdata, struct bpf_link *link)
{
	int err = 0;

	mutex_lock(&lock);
	if (attached)
		err = -EBUSY;
	else
		attached = kdata;
	mutex_unlock(&lock);
	return err;
}

static void ops_unreg(void *kdata, struct bpf_link *link)
{
	mutex_lock(&lock);
	attached = NULL;
	mutex_unlock(&lock);
}

static bool ops_is_valid_access(int off, int size, enum bpf_access_type type, const struct bpf_prog *prog,
				struct bpf_insn_access_aux *info)
{
	return bpf_tracing_btf_ctx_access(off, size, type, prog, info);
}

static const struct bpf_verifier_ops verifier_ops = {
	.get_func_proto = bpf_base_func_proto,
	.is_valid_access = ops_is_valid_access,
};

static struct bpf_struct_ops btfreloc_struct_ops = {
	.verifier_ops = &verifier_ops,
	.init = ops_init,
	.init_member = ops_init_member,
	.reg = ops_reg,
	.unreg = ops_unreg,
	.cfi_stubs = &stubs,
	.name = "btfreloc_ops",
	.owner = THIS_MODULE,
};

static int call(const char *val, const struct kernel_param *param)
{
	int n, err = kstrtoint(val, 0, &n);

	if (err)
		return err;
	mutex_lock(&lock);
	result = attached ? attached->add(n, 2) : -1;
	mutex_unlock(&lock);
	return 0;
}

static const struct kernel_param_ops call_ops = {
	.set = call,
	.get = param_get_int,
};
module_param_cb(call, &call_ops, &result, 0644);

static int __init btfreloc_structops_init(void)
{
	return register_bpf_struct_ops(&btfreloc_struct_ops, btfreloc_ops);
}
module_init(btfreloc_structops_init);

static void __exit btfreloc_structops_exit(void)
{
}
module_exit(btfreloc_structops_exit);

MODULE_DESCRIPTION("A struct_ops that BPF programs implement");
MODULE_LICENSE("GPL");
