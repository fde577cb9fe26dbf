// SPDX-License-Identifier: GPL-2.0
/*
 * btfreloc_stack: measures how deep into the stack the notifiers go that are called for a loading module.
 *
 * Notifiers of one priority are called in the order they were registered in. So this is loaded before rust_btfreloc,
 * and "last" is set to 1 after: then each COMING is framed,
 *
 *   here   INT_MAX      the stack below is painted
 *   there  INT_MAX      rust_btfreloc's first notifier
 *   here   INT_MAX - 1  what was written since is its part; the stack is painted again
 *   there               the kernel's own notifiers, and rust_btfreloc's last
 *   here   INT_MIN      what was written since is theirs; one line in the log
 *
 * Interrupts leave their registers on this stack, too: what is measured is at most that much too large.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/limits.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/sched/task_stack.h>

/* Nothing that lies on a stack by chance. */
#define PAINT 0x5ea1ed5ea1ed5ea1UL
/* For the frame of paint() itself. */
#define SPARED 128

static struct task_struct *loader;
static unsigned long first_used, least_left;

/* The lowest word of the stack holds STACK_END_MAGIC. */
static unsigned long *lowest(void)
{
	return end_of_stack(current) + 1;
}

static noinline void paint(void)
{
	unsigned long *end = __builtin_frame_address(0) - SPARED;
	unsigned long *word;

	for (word = lowest(); word < end; word++)
		WRITE_ONCE(*word, PAINT);
}

/* Bytes that were not written since. */
static noinline unsigned long left(void)
{
	unsigned long *word = lowest();

	while (READ_ONCE(*word) == PAINT)
		word++;
	return (word - lowest()) * sizeof(*word);
}

static int before_all(struct notifier_block *block, unsigned long state, void *module)
{
	if (state != MODULE_STATE_COMING)
		return NOTIFY_DONE;
	loader = current;
	paint();
	return NOTIFY_DONE;
}

/* Where the caller of the notifiers is, from the lowest word. */
static unsigned long room(unsigned long frame)
{
	return frame - (unsigned long)lowest();
}

static int after_first(struct notifier_block *block, unsigned long state, void *module)
{
	if (state != MODULE_STATE_COMING || loader != current)
		return NOTIFY_DONE;
	least_left = left();
	first_used = room((unsigned long)__builtin_frame_address(0)) - least_left;
	paint();
	return NOTIFY_DONE;
}

static int after_all(struct notifier_block *block, unsigned long state, void *module)
{
	unsigned long frame = (unsigned long)__builtin_frame_address(0);
	unsigned long now_left;

	if (state != MODULE_STATE_COMING || loader != current)
		return NOTIFY_DONE;
	now_left = left();
	least_left = min(least_left, now_left);
	pr_info("%s: entered %lu, first %lu, rest %lu, left %lu of %lu\n", ((struct module *)module)->name,
		THREAD_SIZE - room(frame), first_used, room(frame) - now_left, least_left, THREAD_SIZE);
	loader = NULL;
	return NOTIFY_DONE;
}

static struct notifier_block first = { .notifier_call = before_all, .priority = INT_MAX };
static struct notifier_block second = { .notifier_call = after_first, .priority = INT_MAX - 1 };
static struct notifier_block last = { .notifier_call = after_all, .priority = INT_MIN };
static bool last_registered;

static int set_last(const char *value, const struct kernel_param *param)
{
	int error;

	if (last_registered)
		return -EBUSY;
	error = register_module_notifier(&last);
	last_registered = !error;
	return error;
}

static const struct kernel_param_ops last_ops = { .set = set_last, .get = param_get_bool };
module_param_cb(last, &last_ops, &last_registered, 0600);

static int __init btfreloc_stack_init(void)
{
	int error = register_module_notifier(&first);

	if (error)
		return error;
	error = register_module_notifier(&second);
	if (error)
		unregister_module_notifier(&first);
	return error;
}
module_init(btfreloc_stack_init);

static void __exit btfreloc_stack_exit(void)
{
	if (last_registered)
		unregister_module_notifier(&last);
	unregister_module_notifier(&second);
	unregister_module_notifier(&first);
}
module_exit(btfreloc_stack_exit);

MODULE_DESCRIPTION("Measures how deep into the stack module notifiers go");
MODULE_LICENSE("GPL");
