// SPDX-License-Identifier: GPL-2.0
/* A map that may own objects of btfreloc_demo: the kernel makes it only if it finds the destructor of that type. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct btfreloc_demo_object {
	unsigned long long cookie;
} __attribute__((preserve_access_index));

struct owner {
	struct btfreloc_demo_object __kptr *object;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct owner);
} owners SEC(".maps");

char _license[] SEC("license") = "GPL";
