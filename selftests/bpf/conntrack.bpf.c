// SPDX-License-Identifier: GPL-2.0
/* Asks nf_conntrack for a connection that there is not. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct nf_conn {
	int unused;
} __attribute__((preserve_access_index));

/* As net/netfilter/nf_conntrack_bpf.c has it; in its shorter form. */
struct bpf_ct_opts___local {
	__s32 netns_id;
	__s32 error;
	__u8 l4proto;
	__u8 dir;
	__u8 reserved[2];
};

extern struct nf_conn *bpf_skb_ct_lookup(struct __sk_buff *, struct bpf_sock_tuple *, __u32,
					 struct bpf_ct_opts___local *, __u32) __ksym;
extern void bpf_ct_release(struct nf_conn *) __ksym;

int found, error;

SEC("tc")
int ask_conntrack(struct __sk_buff *skb)
{
	struct bpf_ct_opts___local opts = { .netns_id = -1, .l4proto = 6 };
	struct bpf_sock_tuple tuple = {};
	struct nf_conn *connection;

	connection = bpf_skb_ct_lookup(skb, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts));
	error = opts.error;
	if (connection) {
		found = 1;
		bpf_ct_release(connection);
	}
	return 0;
}

char _license[] SEC("license") = "GPL";
