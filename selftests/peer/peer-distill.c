// SPDX-License-Identifier: GPL-2.0
/*
 * peer-distill SPLIT VMLINUX BASE_OUT SPLIT_OUT: distills raw split BTF against the BTF of its kernel with libbpf, and
 * writes what would be .BTF.base and .BTF.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <bpf/btf.h>

static int fail(const char *what)
{
	fprintf(stderr, "peer-distill: %s: %s\n", what, strerror(errno));
	return 1;
}

static int write_raw(const struct btf *btf, const char *path)
{
	__u32 size;
	const void *data = btf__raw_data(btf, &size);
	FILE *out = fopen(path, "wb");

	if (!data || !out || fwrite(data, 1, size, out) != size || fclose(out))
		return fail(path);
	return 0;
}

int main(int argc, char **argv)
{
	struct btf *base, *split, *distilled_base, *distilled_split;

	if (argc != 5) {
		fprintf(stderr, "usage: peer-distill SPLIT VMLINUX BASE_OUT SPLIT_OUT\n");
		return 2;
	}
	base = btf__parse(argv[2], NULL);
	if (!base)
		return fail(argv[2]);
	split = btf__parse_split(argv[1], base);
	if (!split || btf__distill_base(split, &distilled_base, &distilled_split))
		return fail(argv[1]);
	return write_raw(distilled_base, argv[3]) ?: write_raw(distilled_split, argv[4]);
}
