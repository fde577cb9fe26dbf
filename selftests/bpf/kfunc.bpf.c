// SPDX-License-Identifier: GPL-2.0
/* Calls the kfuncs of btfreloc_demo: one with numbers, one with a pointer to a type of vmlinux. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* In full, or libbpf finds that the kfunc's parameter is of another kind. */
struct task_struct {
	int tgid;
};

extern unsigned int btfreloc_demo_mix(unsigned int a, unsigned int b) __ksym;
extern int btfreloc_demo_task_tgid(struct task_struct *task) __ksym;

unsigned int a, b, mixed;
int tgid;

SEC("syscall")
int call_kfuncs(void *ctx)
{
	mixed = btfreloc_demo_mix(a, b);
	tgid = btfreloc_demo_task_tgid(bpf_get_current_task_btf());
	return 0;
}

char _license[] SEC("license") = "GPL";
