/* SPDX-License-Identifier: GPL-2.0 */
/* What the programs have in common that pass memory of theirs to kfuncs of btfreloc_demo. */
#ifndef OPAQUE_H
#define OPAQUE_H

#define WITH_TYPES
#include "built_for.h"

/* Large enough for each of the types. */
struct memory {
	__u64 words[32];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct memory);
} map SEC(".maps");

/* Calls KFUNC with memory of each sort; libbpf compares kinds, not names, of what a kfunc's parameters point to. */
#define PROGRAMS(kfunc, type)						\
	SEC("?syscall")							\
	int stack_##kfunc(void *ctx)					\
	{								\
		struct memory memory = {};				\
									\
		return btfreloc_demo_##kfunc((type *)&memory);		\
	}								\
									\
	SEC("?syscall")							\
	int map_##kfunc(void *ctx)					\
	{								\
		__u32 key = 0;						\
		void *value = bpf_map_lookup_elem(&map, &key);		\
									\
		return value ? btfreloc_demo_##kfunc(value) : 0;	\
	}

char _license[] SEC("license") = "GPL";

#endif
