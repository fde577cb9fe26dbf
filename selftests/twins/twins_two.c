// SPDX-License-Identifier: GPL-2.0
/* The second btfreloc_twins_step(), of the same prototype as that in twins_one.c, and a function that is gone after init. */
#include "twins.h"
#include "twins_types.h"

static __used __noclone noinline int btfreloc_twins_step(struct btfreloc_twins *twins, int n)
{
	asm volatile("" : "+r" (n) : "r" (twins) : "memory");
	return n + 200;
}

int btfreloc_twins_two(int n)
{
	struct btfreloc_twins twins = { .n = n };

	return btfreloc_twins_step(&twins, n);
}

__section(".init.text") noinline int btfreloc_twins_first(int n)
{
	asm volatile("" : "+r" (n) : : "memory");
	return n;
}
