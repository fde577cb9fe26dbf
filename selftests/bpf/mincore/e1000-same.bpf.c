// SPDX-License-Identifier: GPL-2.0
/* Asks what is different in two drivers with a struct of one name. */
#include "mincore.h"

struct e1000_hw {
	unsigned char *hw_addr;
} FROM_BTF;

struct e1000_adapter {
	int msg_enable;
	struct e1000_hw hw;
} FROM_BTF;

SEC("raw_tp/sys_enter")
int either(void *ctx)
{
	struct e1000_adapter *adapter = ctx;

	out[0] = bpf_core_field_offset(adapter->msg_enable);
	out[1] = bpf_core_field_offset(adapter->hw.hw_addr);
	out[2] = bpf_core_type_size(struct e1000_adapter);
	out[3] = bpf_core_type_size(struct e1000_hw);
	return 0;
}
