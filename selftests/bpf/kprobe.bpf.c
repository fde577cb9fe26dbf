// SPDX-License-Identifier: GPL-2.0
/* Counts the calls of the function at an address. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

unsigned long calls;

SEC("kprobe.multi")
int count_call(void *ctx)
{
	__sync_fetch_and_add(&calls, 1);
	return 0;
}

char _license[] SEC("license") = "GPL";
