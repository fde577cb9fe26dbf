/* SPDX-License-Identifier: GPL-2.0 */
/* What the two halves of btfreloc_demo know of each other: no kernel type in full. */
#ifndef BTFRELOC_DEMO_H
#define BTFRELOC_DEMO_H

struct task_struct;

/* In demo_types.c */
unsigned int btfreloc_demo_mix(unsigned int a, unsigned int b);
int btfreloc_demo_task_tgid(struct task_struct *task);
void btfreloc_demo_object_dtor(void *object);
int btfreloc_demo_run(int n);

/* In demo_main.c */
int btfreloc_demo_tgid_of(struct task_struct *task);
struct task_struct *btfreloc_demo_current(void);

#endif
