// SPDX-License-Identifier: GPL-2.0
/*
 * The first btfreloc_twins_step(), and a function of each other sort that has a record. It sees the types of
 * the kernel it was built for (built_for.h) and none of the running one.
 */
#include "twins.h"
#include "twins_types.h"

static __used __noclone noinline int btfreloc_twins_step(struct btfreloc_twins *twins, int n)
{
	/* Not to be folded away: probes need the call. */
	asm volatile("" : "+r" (n) : "r" (twins) : "memory");
	return n + 100;
}

int btfreloc_twins_one(int n)
{
	struct btfreloc_twins twins = { .n = n };

	return btfreloc_twins_step(&twins, n);
}

/* Always called with one number, so that the compiler makes a function for that one: btfreloc_twins_folded.constprop.0 */
static noinline int btfreloc_twins_folded(int n, int by)
{
	asm volatile("" : "+r" (n) : : "memory");
	return n * by;
}

int btfreloc_twins_fold(int n)
{
	return btfreloc_twins_folded(n, 3) + btfreloc_twins_folded(n + 1, 3);
}

__used __retain __noclone noinline int btfreloc_twins_kfunc(int n)
{
	asm volatile("" : "+r" (n) : : "memory");
	return n + 1000;
}

__weak __noclone noinline int btfreloc_twins_weak(int n)
{
	asm volatile("" : "+r" (n) : : "memory");
	return n + 2000;
}
