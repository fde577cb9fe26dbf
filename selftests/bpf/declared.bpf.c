// SPDX-License-Identifier: GPL-2.0
/*
 * Passes memory for a type of pointers that btfreloc_demo only points to, declared as a struct of no known members,
 * which it is in the module's BTF.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "opaque.h"

#ifdef ABSENT_PTR
struct declared;
extern int btfreloc_demo_absent_ptr(struct declared *absent) __ksym;

PROGRAMS(absent_ptr, struct declared)
#endif
