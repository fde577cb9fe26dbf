// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "btfprobe.h"
#include "core.skel.h"

int probe_core(int argc, char **argv)
{
	struct core *skel = core__open_and_load();
	int err, right;

	(void)argc;
	(void)argv;
	if (!skel) {
		printf("core: cannot load a program that reads struct " DEMO ": %s\n", strerror(errno));
		return 1;
	}
	err = core__attach(skel);
	if (!err)
		err = poke_demo();
	right = !err && skel->bss->before == 1000 && skel->bss->after == 2000 && skel->bss->tgid == getpid();
	if (err)
		printf("core: cannot run a program that reads struct " DEMO ": %s\n", strerror(-err));
	else
		printf("core: before is %u, after is %u, task->tgid is %s\n", skel->bss->before, skel->bss->after,
		       skel->bss->tgid == getpid() ? "right" : "wrong");
	core__destroy(skel);
	return !right;
}
