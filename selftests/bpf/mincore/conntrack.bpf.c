// SPDX-License-Identifier: GPL-2.0
/* Types of nf_conntrack, and of vmlinux that are embedded there. */
#include "mincore.h"

struct nf_conntrack_net___any {
	unsigned int users4, users6;
} FROM_BTF;

struct nf_conn___local {
	unsigned long status;
	unsigned int timeout;
} FROM_BTF;

struct nf_conntrack_l4proto {
	unsigned char l4proto;
	_Bool allow_clash;
	unsigned short nlattr_size;
} FROM_BTF;

SEC("raw_tp/sys_enter")
int conntrack(void *ctx)
{
	struct nf_conntrack_net___any *net = ctx;
	struct nf_conn___local *ct = ctx;
	struct nf_conntrack_l4proto *proto = ctx;

	out[0] = bpf_core_field_offset(net->users6);
	out[1] = bpf_core_field_size(net->users4);
	out[2] = bpf_core_field_offset(ct->status);
	out[3] = bpf_core_field_offset(ct->timeout);
	out[4] = proto->l4proto + proto->nlattr_size;
	out[5] = bpf_core_field_exists(proto->allow_clash);
	out[6] = bpf_core_type_exists(struct nf_conn___local);
	out[7] = bpf_core_type_size(struct nf_conntrack_net___any);
	return 0;
}
