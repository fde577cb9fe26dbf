// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "btfprobe.h"
#include "kprobe.skel.h"

static int count_calls(unsigned long address, const char *trigger, unsigned long *calls)
{
	LIBBPF_OPTS(bpf_kprobe_multi_opts, opts, .addrs = &address, .cnt = 1);
	struct kprobe *skel = kprobe__open_and_load();
	int err = 0;

	if (!skel)
		return -errno;
	skel->links.count_call = bpf_program__attach_kprobe_multi_opts(skel->progs.count_call, NULL, &opts);
	if (!skel->links.count_call)
		err = -errno;
	/* What counts is whether the function was called, not what came of it. */
	if (!err && system(trigger) < 0)
		err = -errno;
	*calls = skel->bss->calls;
	kprobe__destroy(skel);
	return err;
}

int probe_kprobe(int argc, char **argv)
{
	unsigned long address = strtoul(argv[0], NULL, 16), calls = 0;
	int err = count_calls(address, argv[1], &calls);

	(void)argc;
	if (err)
		printf("kprobe: cannot attach to %s: %s\n", argv[0], strerror(-err));
	else
		printf("kprobe: %s was seen %lu times\n", argv[0], calls);
	return err ? 2 : !calls;
}
