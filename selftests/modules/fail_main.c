// SPDX-License-Identifier: GPL-2.0
/* btfreloc_fail: a module whose init fails with the errno of its parameter, whatever became of its BTF. */
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/moduleparam.h>

#include "fail.h"

static int error = ENODEV;
module_param(error, int, 0444);

static int __init btfreloc_fail_init(void)
{
	return -btfreloc_fail_check(error);
}
module_init(btfreloc_fail_init);

MODULE_DESCRIPTION("A module that fails to load, for a reason that is not its BTF");
MODULE_LICENSE("GPL");
