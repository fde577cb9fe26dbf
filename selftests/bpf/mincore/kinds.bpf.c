// SPDX-License-Identifier: GPL-2.0
/* Each kind of relocation, on types of vmlinux. */
#include "mincore.h"

struct task_struct___any {
	int pid;
	char comm[16];
	unsigned int sched_migrated:1;
	unsigned int in_iowait:1;
	int not_there;
} FROM_BTF;

struct list_head {
	struct list_head *next, *prev;
};

struct list_head___other {
	struct list_head___other *next;
	int *prev, more;
};

struct hlist_bl_head;
typedef int (*initcall_t)(void);
typedef struct {
	int counter;
} atomic_t;

struct not_there_at_all {
	int x;
} FROM_BTF;

/* Ends with an array of any length. */
struct linux_dirent64 {
	char d_name[0];
} FROM_BTF;

struct iphdr {
	unsigned char ihl:4, version:4;
	unsigned int saddr;
} FROM_BTF;

enum pid_type {
	PIDTYPE_PID = 7,
	PIDTYPE_SID,
	PIDTYPE_NOT_THERE,
};

SEC("raw_tp/sys_enter")
int kinds(void *ctx)
{
	struct task_struct___any *task = ctx;
	struct iphdr *ip = ctx;
	struct linux_dirent64 *entry = ctx;

	out[0] = bpf_core_field_offset(task->pid);
	out[1] = bpf_core_field_size(task->comm);
	out[2] = bpf_core_field_exists(task->not_there);
	out[3] = BPF_CORE_READ_BITFIELD(task, sched_migrated);
	out[4] = BPF_CORE_READ_BITFIELD_PROBED(task, in_iowait);
	out[5] = BPF_CORE_READ_BITFIELD_PROBED(ip, version);
	out[6] = bpf_core_field_signed(task->pid);
	out[7] = bpf_core_type_exists(struct not_there_at_all);
	out[8] = bpf_core_type_size(struct task_struct___any);
	out[9] = bpf_core_type_id_kernel(struct task_struct___any);
	out[10] = bpf_core_type_matches(struct list_head);
	out[11] = bpf_core_type_matches(struct list_head___other);
	out[12] = bpf_core_type_exists(initcall_t);
	out[13] = bpf_core_type_size(atomic_t);
	out[14] = bpf_core_field_offset(((atomic_t *)ctx)->counter);
	out[15] = bpf_core_enum_value(enum pid_type, PIDTYPE_SID);
	out[16] = bpf_core_enum_value_exists(enum pid_type, PIDTYPE_NOT_THERE);
	out[17] = bpf_core_field_offset(entry->d_name[5]);
	out[18] = ip->saddr;
	out[19] = bpf_core_field_offset(((struct not_there_at_all *)ctx)->x);
	return 0;
}
