// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that pass memory of theirs to kfuncs of btfreloc_demo, read what must not be read, and ask for types that only
 * the kernel has that btfreloc_demo was built for. Each is loaded by itself.
 */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "opaque.h"

struct btfreloc_demo_numbers {
	__u64 first, second;
};

extern int btfreloc_demo_numbers(struct btfreloc_demo_numbers *numbers) __ksym;

PROGRAMS(numbers, struct btfreloc_demo_numbers)

#ifdef ABSENT
struct btfreloc_demo_pair {
	__u64 number;
	struct ABSENT absent;
};

extern int btfreloc_demo_absent(struct ABSENT *absent) __ksym;
extern int btfreloc_demo_pair(struct btfreloc_demo_pair *pair) __ksym;

PROGRAMS(absent, struct ABSENT)
PROGRAMS(pair, struct btfreloc_demo_pair)
#endif

#ifdef RESIZED
extern int btfreloc_demo_resized(struct RESIZED *resized) __ksym;

PROGRAMS(resized, struct RESIZED)
#endif

/* What CO-RE finds of the types, each with a bit. */
__u32 exist, sizes;

SEC("?syscall")
int core_types(void *ctx)
{
#ifdef ABSENT
	exist |= bpf_core_type_exists(struct ABSENT) << 0;
	sizes |= bpf_core_type_size(struct ABSENT);
#endif
#ifdef ABSENT_PTR
	exist |= bpf_core_type_exists(struct ABSENT_PTR) << 1;
	sizes |= bpf_core_type_size(struct ABSENT_PTR);
#endif
#ifdef ABSENT_ENUM
	exist |= bpf_core_type_exists(enum ABSENT_ENUM) << 2;
	sizes |= bpf_core_type_size(enum ABSENT_ENUM);
#endif
	return 0;
}

#ifdef ABSENT
struct btfreloc_demo {
	struct ABSENT absent;
} __attribute__((preserve_access_index));

/* Where the type is held, there is no field to be read. */
SEC("?fentry/btfreloc_demo_poke")
int BPF_PROG(read_absent, struct btfreloc_demo *demo)
{
	return *(__u8 *)((void *)demo + bpf_core_field_offset(demo->absent));
}
#endif
