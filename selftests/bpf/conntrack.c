// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <bpf/bpf.h>

#include "btfprobe.h"
#include "conntrack.skel.h"

int probe_conntrack(int argc, char **argv)
{
	char packet[64] = "";
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet));
	struct conntrack *skel = conntrack__open();
	int err, right;

	(void)argc;
	(void)argv;
	if (!skel)
		return 1;
	err = conntrack__load(skel);
	if (!err)
		err = bpf_prog_test_run_opts(bpf_program__fd(skel->progs.ask_conntrack), &opts);
	right = !err && !skel->bss->found && skel->bss->error == -ENOENT;
	if (err)
		printf("conntrack: cannot call the kfuncs of nf_conntrack: %s\n", strerror(-err));
	else
		printf("conntrack: bpf_skb_ct_lookup() finds %s, and answers %s\n",
		       skel->bss->found ? "a connection" : "nothing", strerror(-skel->bss->error));
	conntrack__destroy(skel);
	return !right;
}
