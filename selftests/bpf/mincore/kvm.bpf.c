// SPDX-License-Identifier: GPL-2.0
/* Types of kvm and of kvm-intel, which is split off vmlinux and not off kvm. */
#include "mincore.h"

struct vcpu_vmx {
	unsigned char fail;
	unsigned int ple_window;
	_Bool ple_window_dirty;
} FROM_BTF;

struct kvm_vmx {
	unsigned int tss_addr;
} FROM_BTF;

struct kvm_vcpu {
	int vcpu_id;
} FROM_BTF;

SEC("raw_tp/sys_enter")
int kvm(void *ctx)
{
	struct vcpu_vmx *vmx = ctx;
	struct kvm_vcpu *vcpu = ctx;

	out[0] = bpf_core_field_offset(vmx->ple_window);
	out[1] = bpf_core_field_size(vmx->ple_window_dirty);
	out[2] = vmx->fail;
	out[3] = bpf_core_type_size(struct kvm_vmx);
	out[4] = bpf_core_field_offset(vcpu->vcpu_id);
	out[5] = bpf_core_field_exists(((struct kvm_vmx *)ctx)->tss_addr);
	return 0;
}
