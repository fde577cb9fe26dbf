// SPDX-License-Identifier: GPL-2.0
/*
 * Reads a struct of btfreloc_demo by CO-RE, and through a pointer in it a struct of vmlinux. The fields here are in
 * another order than in the module: only its BTF says where they are.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct task_struct {
	int tgid;
} __attribute__((preserve_access_index));

struct btfreloc_demo {
	unsigned int after;
	struct task_struct *task;
	unsigned int before;
} __attribute__((preserve_access_index));

unsigned int before, after;
int tgid;

SEC("fentry/btfreloc_demo_poke")
int BPF_PROG(read_demo, struct btfreloc_demo *demo)
{
	before = demo->before;
	after = demo->after;
	tgid = demo->task->tgid;
	return 0;
}

char _license[] SEC("license") = "GPL";
