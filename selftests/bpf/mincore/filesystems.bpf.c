// SPDX-License-Identifier: GPL-2.0
/* Types of ext4 and xfs: arrays, enums and members without a name. */
#include "mincore.h"

struct ext4_inode_info {
	unsigned int i_data[15];
	unsigned int i_block_group;
	unsigned long i_flags;
} FROM_BTF;

struct ext4_extent_header {
	unsigned short eh_magic, eh_depth;
} FROM_BTF;

struct xfs_inode {
	unsigned short i_sick, i_checked;
	unsigned long long i_nblocks;
	int i_not_there;
} FROM_BTF;

enum xfs_ag_resv_type {
	XFS_AG_RESV_NONE = 100,
	XFS_AG_RESV_RMAPBT,
	XFS_AG_RESV_NOT_THERE,
};

SEC("raw_tp/sys_enter")
int filesystems(void *ctx)
{
	struct ext4_inode_info *ext4 = ctx;
	struct ext4_extent_header *header = ctx;
	struct xfs_inode *xfs = ctx;

	out[0] = bpf_core_field_offset(ext4->i_data[3]);
	out[1] = bpf_core_field_size(ext4->i_data);
	out[2] = bpf_core_field_offset(ext4->i_block_group);
	out[3] = ext4->i_flags;
	out[4] = bpf_core_field_signed(header->eh_magic);
	out[5] = bpf_core_type_matches(struct ext4_extent_header);
	out[6] = bpf_core_field_offset(xfs->i_sick);
	out[7] = bpf_core_field_exists(xfs->i_not_there);
	out[8] = bpf_core_enum_value(enum xfs_ag_resv_type, XFS_AG_RESV_RMAPBT);
	out[9] = bpf_core_enum_value_exists(enum xfs_ag_resv_type, XFS_AG_RESV_NOT_THERE);
	out[10] = bpf_core_type_size(struct xfs_inode);
	return 0;
}
