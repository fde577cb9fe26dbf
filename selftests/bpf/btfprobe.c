// SPDX-License-Identifier: GPL-2.0
/* btfprobe: shows that what depends on a module's BTF works. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <bpf/libbpf.h>

#include "btfprobe.h"

static const struct probe {
	const char *name;
	int args;
	int (*run)(int argc, char **argv);
	const char *usage;
} probes[] = {
	{ "fentry", 3, probe_fentry, "MODULE FUNCTION TRIGGER   a program on FUNCTION runs when the shell runs TRIGGER" },
	{ "kprobe", 2, probe_kprobe, "ADDRESS TRIGGER           a program at ADDRESS runs when the shell runs TRIGGER" },
	{ "kfunc", 0, probe_kfunc, "                          a program calls the kfuncs of " DEMO },
	{ "core", 0, probe_core, "                           a program reads a struct of " DEMO " by CO-RE" },
	{ "kptr", 0, probe_kptr, "                           a map may own objects of " DEMO },
	{ "opaque", 0, probe_opaque, "                         nothing passes for a type of " DEMO " that vmlinux lacks" },
	{ "structops", 0, probe_structops, "                      a program implements the struct_ops of btfreloc_structops" },
	{ "conntrack", 0, probe_conntrack, "                      a program calls a kfunc of nf_conntrack" },
	{ "mincore", 2, probe_mincore, "OBJECT BTF             a program finds its types in this file alone" },
	{ "ids", 0, probe_ids, "                            the ids in .BTF_ids of " DEMO " name the right types" },
};

#define PROBES (sizeof(probes) / sizeof(*probes))

static int usage(void)
{
	size_t i;

	fprintf(stderr, "usage: btfprobe [-v] PROBE\n");
	for (i = 0; i < PROBES; i++)
		fprintf(stderr, "  %s %s\n", probes[i].name, probes[i].usage);
	fprintf(stderr, "-v shows libbpf's messages and the verifier's log.\n");
	return 2;
}

static int print_nothing(enum libbpf_print_level level, const char *fmt, va_list args)
{
	(void)level;
	(void)fmt;
	(void)args;
	return 0;
}

int poke_demo(void)
{
	FILE *poke = fopen("/sys/module/" DEMO "/parameters/poke", "w");

	if (!poke)
		return -errno;
	fputs("1\n", poke);
	return fclose(poke) ? -errno : 0;
}

int main(int argc, char **argv)
{
	size_t i;

	if (argc > 1 && !strcmp(argv[1], "-v")) {
		argc--;
		argv++;
	} else {
		libbpf_set_print(print_nothing);
	}
	if (argc < 2)
		return usage();
	for (i = 0; i < PROBES; i++)
		if (!strcmp(argv[1], probes[i].name) && argc - 2 == probes[i].args)
			return probes[i].run(argc - 2, argv + 2);
	return usage();
}
