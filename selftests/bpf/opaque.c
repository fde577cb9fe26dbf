// SPDX-License-Identifier: GPL-2.0
/* What the verifier says to each program of opaque.bpf.c. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <bpf/bpf.h>

#include "btfprobe.h"
#include "built_for.h"
#include "declared.skel.h"
#include "defined.skel.h"
#include "opaque.skel.h"

#define QUOTED(name) #name
#define NAME(name) QUOTED(name)

/* Kernels since 7.3 say so of memory that is none of the type, and those before. */
#define NOT(what, type) { "R1 is " what " expected STRUCT " type, "R1 pointer type STRUCT " type " must point to scalar" }

/* Programs, each with the words it is refused with, one of the two; none where libbpf refuses it. */
static const struct refused {
	const void *(*object)(size_t *size);
	const char *program;
	const char *words[2];
} refused[] = {
#ifdef ABSENT
	{ opaque__elf_bytes, "stack_absent", NOT("fp", "") },
	{ opaque__elf_bytes, "map_absent", NOT("map_value", "") },
	{ opaque__elf_bytes, "stack_pair", NOT("fp", "btfreloc_demo_pair") },
	{ opaque__elf_bytes, "map_pair", NOT("map_value", "btfreloc_demo_pair") },
	{ opaque__elf_bytes, "read_absent", { "doesn't have field at offset" } },
#endif
#ifdef RESIZED
	{ opaque__elf_bytes, "stack_resized", NOT("fp", "") },
	{ opaque__elf_bytes, "map_resized", NOT("map_value", "") },
#endif
#ifdef ABSENT_PTR
	{ declared__elf_bytes, "stack_absent_ptr", { "R1 pointer type FWD " NAME(ABSENT_PTR) " must point to scalar" } },
	{ declared__elf_bytes, "map_absent_ptr", { "R1 pointer type FWD " NAME(ABSENT_PTR) " must point to scalar" } },
	/* By libbpf, as the kinds differ. */
	{ defined__elf_bytes, "stack_absent_ptr", {} },
	{ defined__elf_bytes, "map_absent_ptr", {} },
#endif
};

static const char * const accepted[] = { "stack_numbers", "map_numbers" };

static char log[1 << 16];

/* Loads one of the programs. The error, 0 where it loads, and in log what the verifier says. */
static int load(const void *(*elf_bytes)(size_t *size), const char *name)
{
	struct bpf_program *program;
	struct bpf_object *object;
	const void *bytes;
	size_t size;
	int err;

	log[0] = '\0';
	bytes = elf_bytes(&size);
	object = bpf_object__open_mem(bytes, size, NULL);
	if (!object)
		return -errno;
	program = bpf_object__find_program_by_name(object, name);
	bpf_program__set_autoload(program, true);
	bpf_program__set_log_buf(program, log, sizeof(log));
	bpf_program__set_log_level(program, 1);
	err = bpf_object__load(object);
	bpf_object__close(object);
	return err;
}

static int is_refused(const struct refused *refused)
{
	size_t i;

	if (!load(refused->object, refused->program)) {
		printf("opaque: %s loads\n", refused->program);
		return 0;
	}
	if (!refused->words[0])
		return 1;
	for (i = 0; i < 2; i++)
		if (refused->words[i] && strstr(log, refused->words[i]))
			return 1;
	printf("opaque: %s is refused with other words:\n%s\n", refused->program, log);
	return 0;
}

static int is_accepted(const char *program)
{
	int err = load(opaque__elf_bytes, program);

	if (err)
		printf("opaque: %s does not load: %s\n%s\n", program, strerror(-err), log);
	return !err;
}

/* Whether CO-RE finds none of the types. */
static int core_finds_nothing(void)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct opaque *skel = opaque__open();
	int err, right;

	if (!skel)
		return 0;
	bpf_program__set_autoload(skel->progs.core_types, true);
	err = opaque__load(skel);
	if (!err)
		err = bpf_prog_test_run_opts(bpf_program__fd(skel->progs.core_types), &opts);
	right = !err && !skel->bss->exist && !skel->bss->sizes;
	if (err)
		printf("opaque: CO-RE cannot ask for the types: %s\n", strerror(-err));
	else if (!right)
		printf("opaque: CO-RE finds %#x of the types, of sizes %#x\n", skel->bss->exist, skel->bss->sizes);
	opaque__destroy(skel);
	return right;
}

int probe_opaque(int argc, char **argv)
{
	int right = core_finds_nothing();
	size_t i;

	(void)argc;
	(void)argv;
	for (i = 0; i < sizeof(accepted) / sizeof(*accepted); i++)
		right &= is_accepted(accepted[i]);
	for (i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		right &= is_refused(&refused[i]);
	if (right)
		printf("opaque: nothing passes for a type that vmlinux lacks\n");
	return !right;
}
