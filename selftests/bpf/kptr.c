// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "btfprobe.h"
#include "kptr.skel.h"

int probe_kptr(int argc, char **argv)
{
	struct kptr *skel = kptr__open_and_load();

	(void)argc;
	(void)argv;
	if (skel)
		printf("kptr: a map may own struct btfreloc_demo_object\n");
	else
		printf("kptr: no map may own struct btfreloc_demo_object: %s\n", strerror(errno));
	kptr__destroy(skel);
	return !skel;
}
