// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>

#include "btfprobe.h"
#include "kfunc.skel.h"

int probe_kfunc(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct kfunc *skel = kfunc__open();
	int err, right;

	(void)argc;
	(void)argv;
	if (!skel)
		return 1;
	skel->bss->a = 7;
	skel->bss->b = 5;
	err = kfunc__load(skel);
	if (!err)
		err = bpf_prog_test_run_opts(bpf_program__fd(skel->progs.call_kfuncs), &opts);
	right = !err && skel->bss->mixed == 7 * 31 + 5 && skel->bss->tgid == getpid();
	if (err)
		printf("kfunc: cannot call the kfuncs of " DEMO ": %s\n", strerror(-err));
	else
		printf("kfunc: btfreloc_demo_mix(7, 5) is %u, btfreloc_demo_task_tgid(current) is %s\n", skel->bss->mixed,
		       skel->bss->tgid == getpid() ? "right" : "wrong");
	kfunc__destroy(skel);
	return !right;
}
