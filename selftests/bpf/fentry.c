// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "btfprobe.h"
#include "fentry.skel.h"

static int count_calls(const char *module, const char *function, const char *trigger, unsigned long *calls)
{
	struct fentry *skel = fentry__open();
	char target[256];
	int err;

	if (!skel)
		return -errno;
	snprintf(target, sizeof(target), "%s:%s", module, function);
	err = bpf_program__set_attach_target(skel->progs.count_call, 0, target);
	if (!err)
		err = fentry__load(skel);
	if (!err)
		err = fentry__attach(skel);
	if (!err) {
		/* What counts is whether the function was called, not what came of it. */
		if (system(trigger) < 0)
			err = -errno;
		*calls = skel->bss->calls;
	}
	fentry__destroy(skel);
	return err;
}

int probe_fentry(int argc, char **argv)
{
	unsigned long calls = 0;
	int err;

	(void)argc;
	err = count_calls(argv[0], argv[1], argv[2], &calls);
	if (err)
		printf("fentry: cannot attach to %s of %s: %s\n", argv[1], argv[0], strerror(-err));
	else
		printf("fentry: %s of %s was seen %lu times\n", argv[1], argv[0], calls);
	return err || !calls;
}
