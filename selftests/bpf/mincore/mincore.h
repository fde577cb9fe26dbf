/* SPDX-License-Identifier: GPL-2.0 */
/* What the programs here have in common. They are relocated on the host; one is loaded, by btfprobe mincore. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define FROM_BTF __attribute__((preserve_access_index))

#define bpf_core_field_signed(field) __builtin_preserve_field_info(field, BPF_FIELD_SIGNED)

volatile unsigned long long out[64];

char _license[] SEC("license") = "GPL";
