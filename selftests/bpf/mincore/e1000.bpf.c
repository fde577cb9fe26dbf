// SPDX-License-Identifier: GPL-2.0
/* Two drivers with a struct of one name: members that only one of them has say which is meant. */
#include "mincore.h"

struct e1000_adapter___e1000 {
	unsigned int smartspeed;
} FROM_BTF;

struct e1000_adapter___e1000e {
	unsigned int flags2;
} FROM_BTF;

struct task_struct {
	int tgid;
} FROM_BTF;

SEC("raw_tp/sys_enter")
int both(void *ctx)
{
	struct e1000_adapter___e1000 *e1000 = ctx;
	struct e1000_adapter___e1000e *e1000e = ctx;
	struct task_struct *task = (void *)bpf_get_current_task();

	out[0] = bpf_core_field_offset(e1000->smartspeed);
	out[1] = bpf_core_field_offset(e1000e->flags2);
	out[2] = bpf_core_field_exists(e1000->smartspeed);
	out[3] = bpf_core_field_exists(e1000e->flags2);
	/* How often it was right, and wrong, to read a type of vmlinux. */
	if (BPF_CORE_READ(task, tgid) == bpf_get_current_pid_tgid() >> 32)
		out[4]++;
	else
		out[5]++;
	return 0;
}
