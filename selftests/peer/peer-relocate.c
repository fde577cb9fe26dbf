// SPDX-License-Identifier: GPL-2.0
/*
 * peer-relocate MODULE VMLINUX OUT: relocates the BTF of a module (.ko with .BTF and .BTF.base) to the BTF of a kernel
 * with libbpf, whose source the kernel shares, and writes the result as raw BTF.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <bpf/btf.h>

static int fail(const char *what, int err)
{
	fprintf(stderr, "peer-relocate: %s: %s\n", what, strerror(err));
	return 1;
}

int main(int argc, char **argv)
{
	const void *data;
	struct btf *base, *split;
	__u32 size;
	FILE *out;

	if (argc != 4) {
		fprintf(stderr, "usage: peer-relocate MODULE VMLINUX OUT\n");
		return 2;
	}
	base = btf__parse(argv[2], NULL);
	if (!base)
		return fail(argv[2], errno);
	/* Where there is a .BTF.base this relocates, as the kernel does when it loads the module. */
	split = btf__parse_elf_split(argv[1], base);
	if (!split)
		return fail(argv[1], errno);
	data = btf__raw_data(split, &size);
	if (!data)
		return fail(argv[1], errno);
	out = fopen(argv[3], "wb");
	if (!out || fwrite(data, 1, size, out) != size || fclose(out))
		return fail(argv[3], errno);
	return 0;
}
