// SPDX-License-Identifier: GPL-2.0
/* Makes the kernel report what the VM runner must notice: insmod splat.ko kind=KIND. */
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>

static char *kind = "none";
module_param(kind, charp, 0444);
MODULE_PARM_DESC(kind, "warn, bug, oops, atomic, message or none");

static int __init splat_init(void)
{
	if (!strcmp(kind, "warn"))
		WARN(1, "splat: asked for a WARN\n");
	else if (!strcmp(kind, "bug"))
		BUG();
	else if (!strcmp(kind, "oops"))
		WRITE_ONCE(*(volatile int *)8, 1);
	else if (!strcmp(kind, "atomic")) {
		preempt_disable();
		schedule();
		preempt_enable();
	} else if (!strcmp(kind, "message"))
		pr_info("splat: no BUG: or WARNING: at the start of this line\n");
	return 0;
}

static void __exit splat_exit(void)
{
}

module_init(splat_init);
module_exit(splat_exit);
MODULE_DESCRIPTION("Kernel splats on demand, for the tests of the VM runner");
MODULE_LICENSE("GPL");
