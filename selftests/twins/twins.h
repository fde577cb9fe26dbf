/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of btfreloc_twins know of each other: no kernel type in full. */
#ifndef BTFRELOC_TWINS_H
#define BTFRELOC_TWINS_H

/* In twins_one.c */
int btfreloc_twins_one(int n);
int btfreloc_twins_fold(int n);
int btfreloc_twins_kfunc(int n);
int btfreloc_twins_weak(int n);

/* In twins_two.c */
int btfreloc_twins_two(int n);
int btfreloc_twins_first(int n);

#endif
