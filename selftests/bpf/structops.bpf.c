// SPDX-License-Identifier: GPL-2.0
/* Implements the operation of btfreloc_structops. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct btfreloc_ops {
	int (*add)(int a, int b);
};

int calls;

SEC("struct_ops/add")
int BPF_PROG(add, int a, int b)
{
	calls++;
	return a * 10 + b;
}

SEC(".struct_ops.link")
struct btfreloc_ops ops = {
	.add = (void *)add,
};

char _license[] SEC("license") = "GPL";
