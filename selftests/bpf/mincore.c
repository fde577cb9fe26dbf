// SPDX-License-Identifier: GPL-2.0
/* Loads a program that finds its types in one file, and not in the kernel's BTF. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "btfprobe.h"

/* What selftests/bpf/mincore/mincore.h has as `out`. */
static unsigned long long out[64];

static int read_out(struct bpf_object *object)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".bss");
	unsigned int key = 0;

	if (!map || bpf_map__value_size(map) < sizeof(out))
		return -ENOENT;
	return bpf_map__lookup_elem(map, &key, sizeof(key), out, bpf_map__value_size(map), 0);
}

int probe_mincore(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = argv[1]);
	struct bpf_object *object = bpf_object__open_file(argv[0], &opts);
	struct bpf_program *program;
	struct bpf_link *link = NULL;
	int err, i;

	(void)argc;
	if (!object) {
		printf("mincore: cannot open %s: %s\n", argv[0], strerror(errno));
		return 1;
	}
	err = bpf_object__load(object);
	program = err ? NULL : bpf_object__next_program(object, NULL);
	if (program) {
		link = bpf_program__attach(program);
		err = link ? 0 : -errno;
	}
	if (!err) {
		getppid();
		err = read_out(object);
	}
	if (err)
		printf("mincore: cannot run %s: %s\n", argv[0], strerror(-err));
	for (i = 0; !err && i < 8; i++)
		printf("%llu%c", out[i], i < 7 ? ' ' : '\n');
	bpf_link__destroy(link);
	bpf_object__close(object);
	return err != 0;
}
