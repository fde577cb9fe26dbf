// SPDX-License-Identifier: GPL-2.0
/* The half of btfreloc_fail that has BTF: types that the running kernel lacks, or has in another size. */
#define WITH_TYPES
#include "built_for.h"
#include "fail.h"

struct btfreloc_fail {
	struct list_head list;
#ifdef ABSENT
	struct ABSENT absent;
#endif
#ifdef RESIZED
	struct RESIZED resized;
#endif
	u32 n;
};

int btfreloc_fail_check(int n)
{
	struct btfreloc_fail fail = { .n = n };

	return fail.n;
}
