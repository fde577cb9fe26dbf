/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What both twins take. It refers to types that the running kernel lacks or has in another size, so that ids of the
 * module change where it is relocated.
 */
#ifndef BTFRELOC_TWINS_TYPES_H
#define BTFRELOC_TWINS_TYPES_H

#define WITH_TYPES
#include "built_for.h"

struct btfreloc_twins {
	struct list_head list;
#ifdef ABSENT
	struct ABSENT absent;
#endif
#ifdef RESIZED
	struct RESIZED resized;
#endif
	u32 n;
};

#endif
