// SPDX-License-Identifier: GPL-2.0
/*
 * btfreloc_notifier: module notifiers that get in the way of the load of one module.
 *
 * Parameters:
 *   module   name of that module
 *   at       priorities of the notifiers, at most four: 2147483647 comes before rust_btfreloc where this module was
 *            loaded first, 1 after it and before the kernel, -1 after the kernel
 *   act      what each of them does when the module is COMING:
 *              watch    logs where its BTF is, and again when it is GOING
 *              fail     fails the load
 *              file     makes /sys/kernel/btf/MODULE, as if the kernel had registered its BTF, until the
 *                       module is GOING
 *              unfile   removes that file
 *              hide     lets the kernel find no BTF, so that it registers none
 *              hold     keeps the load of 'other' here until the module is loaded
 *              borrow   points to the BTF of 'other', which is held
 *   other    name of the module that is held
 */
#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/kernfs.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/notifier.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#define NOTIFIERS 4

static char *module = "";
module_param(module, charp, 0444);

static char *other = "";
module_param(other, charp, 0444);

static int at[NOTIFIERS];
static int at_count;
module_param_array(at, int, &at_count, 0444);

static char *act[NOTIFIERS];
static int act_count;
module_param_array(act, charp, &act_count, 0444);

static struct notifier_block notifiers[NOTIFIERS];

/* The folder /sys/kernel/btf, which the kernel makes at boot and never removes. */
static struct kobject *btf_folder;
static struct bin_attribute file = {
	.attr = { .mode = 0444 },
};

static DECLARE_COMPLETION(held);
static DECLARE_COMPLETION(loaded);
static struct module *holding;

static bool is(const char *name, const struct module *mod)
{
	return !strcmp(mod->name, name);
}

static void watch(const char *event, const struct module *mod)
{
	pr_info("btfreloc_notifier: %s %s: BTF %px %u, base %px %u\n", mod->name, event, mod->btf_data,
		mod->btf_data_size, mod->btf_base_data, mod->btf_base_data_size);
}

/* A load that waits for ever would hang the test. */
static void hold(struct module *mod)
{
	holding = mod;
	complete(&held);
	if (!wait_for_completion_timeout(&loaded, 60 * HZ))
		pr_info("btfreloc_notifier: %s waited in vain\n", mod->name);
	holding = NULL;
}

static void borrow(struct module *mod)
{
	if (!wait_for_completion_timeout(&held, 60 * HZ) || !holding)
		return;
	mod->btf_data = holding->btf_data;
	mod->btf_data_size = holding->btf_data_size;
	mod->btf_base_data = holding->btf_base_data;
	mod->btf_base_data_size = holding->btf_base_data_size;
}

static int coming(const char *what, struct module *mod)
{
	if (is(other, mod) && !strcmp(what, "hold"))
		hold(mod);
	if (!is(module, mod))
		return 0;
	if (!strcmp(what, "watch"))
		watch("coming", mod);
	else if (!strcmp(what, "fail"))
		return -ECANCELED;
	else if (!strcmp(what, "file"))
		return sysfs_create_bin_file(btf_folder, &file);
	else if (!strcmp(what, "unfile"))
		sysfs_remove_bin_file(btf_folder, &file);
	else if (!strcmp(what, "hide"))
		mod->btf_data_size = 0;
	else if (!strcmp(what, "borrow"))
		borrow(mod);
	return 0;
}

static int notified(struct notifier_block *nb, unsigned long event, void *data)
{
	const char *what = act[nb - notifiers];
	struct module *mod = data;

	switch (event) {
	case MODULE_STATE_COMING:
		return notifier_from_errno(coming(what, mod));
	case MODULE_STATE_LIVE:
		if (is(module, mod) && !strcmp(what, "hold"))
			complete(&loaded);
		break;
	case MODULE_STATE_GOING:
		if (is(module, mod) && !strcmp(what, "watch"))
			watch("going", mod);
		else if (is(module, mod) && !strcmp(what, "file"))
			sysfs_remove_bin_file(btf_folder, &file);
		break;
	}
	return NOTIFY_OK;
}

static int __init btfreloc_notifier_init(void)
{
	struct kernfs_node *folder;
	int i;

	if (at_count != act_count)
		return -EINVAL;
	folder = kernfs_find_and_get(kernel_kobj->sd, "btf");
	if (!folder)
		return -ENOENT;
	btf_folder = folder->priv;
	kernfs_put(folder);
	file.attr.name = module;
	for (i = 0; i < act_count; i++) {
		notifiers[i].notifier_call = notified;
		notifiers[i].priority = at[i];
		/* It fails only where the block is registered already. */
		register_module_notifier(&notifiers[i]);
	}
	return 0;
}
module_init(btfreloc_notifier_init);

static void __exit btfreloc_notifier_exit(void)
{
	int i;

	for (i = 0; i < act_count; i++)
		unregister_module_notifier(&notifiers[i]);
}
module_exit(btfreloc_notifier_exit);

MODULE_DESCRIPTION("Module notifiers that get in the way of the load of one module");
MODULE_LICENSE("GPL");
