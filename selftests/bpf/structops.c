// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <bpf/bpf.h>

#include "btfprobe.h"
#include "structops.skel.h"

#define CALL "/sys/module/btfreloc_structops/parameters/call"

/* What the module gets for its number; -2 where it cannot be asked. */
static int call(int number)
{
	FILE *file = fopen(CALL, "w");
	int result = -2;

	if (!file)
		return -2;
	fprintf(file, "%d\n", number);
	if (fclose(file))
		return -2;
	file = fopen(CALL, "r");
	if (file && fscanf(file, "%d", &result) != 1)
		result = -2;
	if (file)
		fclose(file);
	return result;
}

int probe_structops(int argc, char **argv)
{
	struct structops *skel = structops__open_and_load();
	struct bpf_link *link = NULL;
	int before, during = 0, after, calls = 0;

	(void)argc;
	(void)argv;
	if (!skel) {
		printf("structops: the program does not load: %s\n", strerror(errno));
		return 1;
	}
	before = call(4);
	link = bpf_map__attach_struct_ops(skel->maps.ops);
	if (link) {
		during = call(4);
		calls = skel->bss->calls;
		bpf_link__destroy(link);
	}
	after = call(4);
	printf("structops: %s, add(4, 2) is %d, %d and %d without, with and without the program, called %d times\n",
	       link ? "attached" : "not attached", before, during, after, calls);
	structops__destroy(skel);
	return !(link && before == -1 && during == 42 && after == -1 && calls == 1);
}
