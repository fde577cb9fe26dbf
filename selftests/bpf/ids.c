// SPDX-License-Identifier: GPL-2.0
/* Looks up each id that btfreloc_demo's .BTF_ids holds in the BTF that the kernel shows, and compares the names. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/btf.h>

#include "btfprobe.h"

#define MAX_IDS 64

struct set {
	char name[64];
	unsigned int ids[MAX_IDS], flags[MAX_IDS];
	int cnt, has_flags;
};

static struct btf *btf;
static int right, wrong;

static const char *kind_name(const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_FWD: return btf_kflag(t) ? "union" : "struct";
	case BTF_KIND_STRUCT: return "struct";
	case BTF_KIND_UNION: return "union";
	case BTF_KIND_TYPEDEF: return "typedef";
	case BTF_KIND_FUNC: return "func";
	case BTF_KIND_ENUM: return "enum";
	default: return "other";
	}
}

/* A type that vmlinux has no match for has no name but that of its one member. */
static const char *type_name(const struct btf_type *t)
{
	int is_opaque = !t->name_off && btf_is_composite(t) && btf_vlen(t) == 1;

	return btf__name_by_offset(btf, is_opaque ? btf_members(t)->name_off : t->name_off);
}

/* Says in BUF what an id stands for, as "struct file". */
static const char *describe(unsigned int id, char *buf, size_t size)
{
	const struct btf_type *t = btf__type_by_id(btf, id);
	char *suffix;

	if (t)
		snprintf(buf, size, "%s %s", kind_name(t), type_name(t));
	else
		snprintf(buf, size, "no type");
	/* The module's own type of a name that vmlinux has. */
	suffix = strstr(buf, "____own");
	if (suffix)
		*suffix = '\0';
	return buf;
}

static void check_list(const char *list, unsigned int id, const char *expected)
{
	char found[128];

	if (!strcmp(describe(id, found, sizeof(found)), expected)) {
		right++;
		return;
	}
	wrong++;
	printf("%s: %u is %s, not %s\n", list, id, found, expected);
}

/* The rest of a set's line: ID or ID:FLAGS, in ascending order of the ids or the kernel would not find them. */
static void read_set(struct set *set, char *rest)
{
	char *word;

	set->cnt = 0;
	while ((word = strsep(&rest, " ")) && set->cnt < MAX_IDS) {
		set->flags[set->cnt] = 0;
		if (sscanf(word, "%u:%u", &set->ids[set->cnt], &set->flags[set->cnt]) < 1)
			continue;
		if (set->cnt && set->ids[set->cnt - 1] >= set->ids[set->cnt]) {
			wrong++;
			printf("%s: %u stands before %u\n", set->name, set->ids[set->cnt - 1], set->ids[set->cnt]);
		}
		set->cnt++;
	}
}

static void check_set_has(const struct set *set, const char *expected, unsigned int flags)
{
	char found[128];
	int i;

	for (i = 0; i < set->cnt; i++) {
		if (!strcmp(describe(set->ids[i], found, sizeof(found)), expected) && set->flags[i] == flags) {
			right++;
			return;
		}
	}
	wrong++;
	printf("%s: has no %s with flags %u\n", set->name, expected, flags);
}

static void check_line(struct set *set, char *line)
{
	char list[64], kind[16], name[64], expected[128];
	unsigned int id, flags = 0;
	int rest = 0;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "list %63s %u %15s %63s", list, &id, kind, name) == 4) {
		snprintf(expected, sizeof(expected), "%s %s", kind, name);
		check_list(list, id, expected);
	} else if (sscanf(line, "set%*1[8 ]%n", &rest), rest) {
		rest = 0;
		sscanf(line, "%*s %63s %n", set->name, &rest);
		read_set(set, line + rest);
	} else if (sscanf(line, "has %63s %15s %63s %u", list, kind, name, &flags) >= 3) {
		snprintf(expected, sizeof(expected), "%s %s", kind, name);
		check_set_has(set, expected, flags);
	}
}

int probe_ids(int argc, char **argv)
{
	FILE *ids = fopen("/sys/module/" DEMO "/parameters/ids", "r");
	struct btf *vmlinux = btf__load_vmlinux_btf();
	struct set set = {};
	char line[1024];

	(void)argc;
	(void)argv;
	if (!ids || !vmlinux) {
		printf("ids: cannot read the ids of " DEMO " or vmlinux's BTF: %s\n", strerror(errno));
		return 1;
	}
	btf = btf__load_module_btf(DEMO, vmlinux);
	if (!btf) {
		printf("ids: " DEMO " has no BTF: %s\n", strerror(errno));
		return 1;
	}
	while (fgets(line, sizeof(line), ids))
		check_line(&set, line);
	fclose(ids);
	printf("ids: %d right, %d wrong\n", right, wrong);
	return wrong || !right;
}
