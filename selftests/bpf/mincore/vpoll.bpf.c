// SPDX-License-Identifier: GPL-2.0
/* Types of a third-party module. */
#include "mincore.h"

struct vpoll_data {
	unsigned int events;
} FROM_BTF;

SEC("raw_tp/sys_enter")
int vpoll(void *ctx)
{
	struct vpoll_data *data = ctx;

	out[0] = bpf_core_field_offset(data->events);
	out[1] = bpf_core_field_size(data->events);
	out[2] = bpf_core_type_size(struct vpoll_data);
	out[3] = bpf_core_type_id_local(struct vpoll_data);
	return 0;
}
