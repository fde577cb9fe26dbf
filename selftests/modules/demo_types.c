// SPDX-License-Identifier: GPL-2.0
/*
 * The half of btfreloc_demo that has BTF: its types, its kfuncs and the function that fentry programs attach to.
 * It sees the types of the kernel it was built for (built_for.h) and none of the running one.
 */
#define WITH_TYPES
#include "built_for.h"
#include "demo.h"

/* linux/btf.h would bring the running kernel's types along. */
#define __bpf_kfunc __used __retain __noclone noinline

struct file;

/* What a BPF program may keep in a map: its destructor is registered. */
struct btfreloc_demo_object {
	struct kref ref;
	u64 cookie;
};

struct btfreloc_demo {
	u32 before;
	struct list_head list;
	struct kref ref;
	struct task_struct *task;
	struct file *file;
	struct btfreloc_demo_object *object;
	struct btfreloc_demo *next;
#ifdef ABSENT
	struct ABSENT absent;
	struct ABSENT *absent_array[2];
#endif
#ifdef ABSENT_PTR
	const struct ABSENT_PTR *absent_ptr;
#endif
#ifdef RESIZED
	struct RESIZED resized[2];
#endif
#ifdef RESIZED_PTR
	struct RESIZED_PTR *resized_ptr;
#endif
#ifdef ABSENT_ENUM
	enum ABSENT_ENUM absent_enum;
#endif
	u32 after;
};

__bpf_kfunc u32 btfreloc_demo_mix(u32 a, u32 b)
{
	return a * 31 + b;
}

/* The verifier lets a program pass a task only if this task_struct is vmlinux's. */
__bpf_kfunc int btfreloc_demo_task_tgid(struct task_struct *task)
{
	return btfreloc_demo_tgid_of(task);
}

/* Scalars only, and the module's own: what a program may pass from its stack or a map. */
struct btfreloc_demo_numbers {
	u64 first;
	u64 second;
};

__bpf_kfunc int btfreloc_demo_numbers(struct btfreloc_demo_numbers *numbers)
{
	return !!numbers;
}

/*
 * What the running kernel has no such types for: no memory of a program may pass for one, nor for what holds one. A
 * program would, if the module were loaded where it was built for and the type is one of scalars.
 */
#ifdef ABSENT
struct btfreloc_demo_pair {
	u64 number;
	struct ABSENT absent;
};

__bpf_kfunc int btfreloc_demo_absent(struct ABSENT *absent)
{
	return !!absent;
}

__bpf_kfunc int btfreloc_demo_pair(struct btfreloc_demo_pair *pair)
{
	return !!pair;
}
#endif

#ifdef ABSENT_PTR
__bpf_kfunc int btfreloc_demo_absent_ptr(struct ABSENT_PTR *absent)
{
	return !!absent;
}
#endif

#ifdef RESIZED
__bpf_kfunc int btfreloc_demo_resized(struct RESIZED *resized)
{
	return !!resized;
}
#endif

__bpf_kfunc void btfreloc_demo_object_dtor(void *object)
{
	((struct btfreloc_demo_object *)object)->cookie = 0;
}

static __used __noclone noinline int btfreloc_demo_poke(struct btfreloc_demo *demo, int n)
{
	/* Not to be folded away: fentry needs the call. */
	asm volatile("" : "+r" (n) : "r" (demo) : "memory");
	return n + demo->before + demo->after;
}

int btfreloc_demo_run(int n)
{
	struct btfreloc_demo demo = {
		.before = 1000,
		.task = btfreloc_demo_current(),
		.after = 2000,
	};

	return btfreloc_demo_poke(&demo, n);
}
