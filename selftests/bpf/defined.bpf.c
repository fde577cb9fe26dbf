// SPDX-License-Identifier: GPL-2.0
/* Passes memory for a type of pointers that btfreloc_demo only points to, declared in full, as the module has it. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "opaque.h"

#ifdef ABSENT_PTR
extern int btfreloc_demo_absent_ptr(struct ABSENT_PTR *absent) __ksym;

PROGRAMS(absent_ptr, struct ABSENT_PTR)
#endif
