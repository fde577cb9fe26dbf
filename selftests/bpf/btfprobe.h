/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BTFPROBE_H
#define BTFPROBE_H

#define DEMO "btfreloc_demo"

/* Each prints one line with its result and returns 0 if that was right, else 1. */
int probe_fentry(int argc, char **argv);
/* 2 where it cannot attach. */
int probe_kprobe(int argc, char **argv);
int probe_kfunc(int argc, char **argv);
int probe_core(int argc, char **argv);
int probe_kptr(int argc, char **argv);
int probe_opaque(int argc, char **argv);
int probe_structops(int argc, char **argv);
int probe_conntrack(int argc, char **argv);
int probe_mincore(int argc, char **argv);
int probe_ids(int argc, char **argv);

/* Lets btfreloc_demo call btfreloc_demo_poke(). */
int poke_demo(void);

#endif
