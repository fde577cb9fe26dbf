// SPDX-License-Identifier: GPL-2.0
/*
 * btf-compare A B --base VMLINUX [--base-of-b VMLINUX]: says whether two split BTFs describe the same types. Their ids
 * may differ, what the ids stand for may not: types are paired by kind and name, and everything that one of a pair
 * refers to is paired with what the other refers to. References into one base have to be equal; where B has another, they
 * have to be to types of the same kind, name and size, and what has no name is followed further.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/btf.h>

#define SHOWN 10

struct side {
	struct btf *btf;
	__u32 first;	/* id of the first split type */
	__u32 cnt;
	__u32 *pair;	/* by id: the other side's id, or 0 */
};

static struct side a, b;
static int one_base;
static __u32 *queue;	/* ids of a, paired and to be compared */
static __u32 queued;
static unsigned long differences;

static const char * const kinds[] = {
	"VOID", "INT", "PTR", "ARRAY", "STRUCT", "UNION", "ENUM", "FWD", "TYPEDEF", "VOLATILE", "CONST", "RESTRICT",
	"FUNC", "FUNC_PROTO", "VAR", "DATASEC", "FLOAT", "DECL_TAG", "TYPE_TAG", "ENUM64",
};

static const struct btf_type *type(const struct side *side, __u32 id)
{
	return btf__type_by_id(side->btf, id);
}

static const char *text(const struct side *side, __u32 off)
{
	return btf__str_by_offset(side->btf, off) ?: "";
}

static const char *name(const struct side *side, __u32 id)
{
	return text(side, type(side, id)->name_off);
}

static const char *kind(const struct side *side, __u32 id)
{
	__u32 k = btf_kind(type(side, id));

	return k < sizeof(kinds) / sizeof(*kinds) ? kinds[k] : "?";
}

static void differ(__u32 id_a, __u32 id_b, const char *fmt, ...)
{
	va_list args;

	if (differences++ >= SHOWN)
		return;
	printf("%s '%s' [%u, %u]: ", kind(&a, id_a), name(&a, id_a), id_a, id_b);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
}

/* Same kind and name, nothing further. */
static int alike(__u32 id_a, __u32 id_b)
{
	return btf_kind(type(&a, id_a)) == btf_kind(type(&b, id_b)) && !strcmp(name(&a, id_a), name(&b, id_b));
}

static void pair(__u32 id_a, __u32 id_b)
{
	a.pair[id_a] = id_b;
	b.pair[id_b] = id_a;
	queue[queued++] = id_a;
}

/* Whether two references, one of them at least into its base, lead to the same type and no further. */
static int same_in_base(__u32 to_a, __u32 to_b)
{
	if (one_base || !to_a || !to_b)
		return to_a == to_b;
	return to_a < a.first && to_b < b.first && *name(&a, to_a) && alike(to_a, to_b) &&
	       btf__resolve_size(a.btf, to_a) == btf__resolve_size(b.btf, to_b);
}

/* A reference made by the pair (id_a, id_b) from its part WHAT. */
static void compare_reference(__u32 id_a, __u32 id_b, const char *what, __u32 to_a, __u32 to_b)
{
	if (to_a < a.cnt && to_b < b.cnt) {
		int in_base = to_a < a.first || to_b < b.first;

		if (in_base && same_in_base(to_a, to_b))
			return;
		if (!in_base || (!one_base && to_a && to_b)) {
			if (a.pair[to_a] == to_b)
				return;
			if (!a.pair[to_a] && !b.pair[to_b] && alike(to_a, to_b)) {
				pair(to_a, to_b);
				return;
			}
		}
		differ(id_a, id_b, "%s is %s '%s' [%u] against %s '%s' [%u]", what, kind(&a, to_a), name(&a, to_a), to_a,
		       kind(&b, to_b), name(&b, to_b), to_b);
		return;
	}
	differ(id_a, id_b, "%s is out of range: %u against %u", what, to_a, to_b);
}

static void compare_number(__u32 id_a, __u32 id_b, const char *what, __u32 num_a, __u32 num_b)
{
	if (num_a != num_b)
		differ(id_a, id_b, "%s is %u against %u", what, num_a, num_b);
}

static void compare_name(__u32 id_a, __u32 id_b, const char *what, __u32 off_a, __u32 off_b)
{
	if (strcmp(text(&a, off_a), text(&b, off_b)))
		differ(id_a, id_b, "%s is '%s' against '%s'", what, text(&a, off_a), text(&b, off_b));
}

/* What follows the common part of a type that has vlen elements; both have the same number. */
static void compare_elements(__u32 id_a, __u32 id_b)
{
	const struct btf_type *ta = type(&a, id_a), *tb = type(&b, id_b);
	__u32 i, vlen = btf_vlen(ta);

	for (i = 0; i < vlen; i++) {
		char what[32];

		snprintf(what, sizeof(what), "element %u", i);
		switch (btf_kind(ta)) {
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
			compare_name(id_a, id_b, what, btf_members(ta)[i].name_off, btf_members(tb)[i].name_off);
			compare_number(id_a, id_b, what, btf_members(ta)[i].offset, btf_members(tb)[i].offset);
			compare_reference(id_a, id_b, what, btf_members(ta)[i].type, btf_members(tb)[i].type);
			break;
		case BTF_KIND_ENUM:
			compare_name(id_a, id_b, what, btf_enum(ta)[i].name_off, btf_enum(tb)[i].name_off);
			compare_number(id_a, id_b, what, btf_enum(ta)[i].val, btf_enum(tb)[i].val);
			break;
		case BTF_KIND_ENUM64:
			compare_name(id_a, id_b, what, btf_enum64(ta)[i].name_off, btf_enum64(tb)[i].name_off);
			compare_number(id_a, id_b, what, btf_enum64(ta)[i].val_lo32, btf_enum64(tb)[i].val_lo32);
			compare_number(id_a, id_b, what, btf_enum64(ta)[i].val_hi32, btf_enum64(tb)[i].val_hi32);
			break;
		case BTF_KIND_FUNC_PROTO:
			compare_name(id_a, id_b, what, btf_params(ta)[i].name_off, btf_params(tb)[i].name_off);
			compare_reference(id_a, id_b, what, btf_params(ta)[i].type, btf_params(tb)[i].type);
			break;
		case BTF_KIND_DATASEC:
			compare_number(id_a, id_b, what, btf_var_secinfos(ta)[i].offset, btf_var_secinfos(tb)[i].offset);
			compare_number(id_a, id_b, what, btf_var_secinfos(ta)[i].size, btf_var_secinfos(tb)[i].size);
			compare_reference(id_a, id_b, what, btf_var_secinfos(ta)[i].type, btf_var_secinfos(tb)[i].type);
			break;
		}
	}
}

static void compare(__u32 id_a, __u32 id_b)
{
	const struct btf_type *ta = type(&a, id_a), *tb = type(&b, id_b);

	if (ta->info != tb->info) {
		differ(id_a, id_b, "info (kind, flag, number of elements) is %#x against %#x", ta->info, tb->info);
		return;
	}
	switch (btf_kind(ta)) {
	case BTF_KIND_INT:
		compare_number(id_a, id_b, "encoding", *(__u32 *)(ta + 1), *(__u32 *)(tb + 1));
		/* fallthrough */
	case BTF_KIND_FLOAT:
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
	case BTF_KIND_DATASEC:
		compare_number(id_a, id_b, "size", ta->size, tb->size);
		compare_elements(id_a, id_b);
		break;
	case BTF_KIND_ARRAY:
		compare_number(id_a, id_b, "length", btf_array(ta)->nelems, btf_array(tb)->nelems);
		compare_reference(id_a, id_b, "element type", btf_array(ta)->type, btf_array(tb)->type);
		compare_reference(id_a, id_b, "index type", btf_array(ta)->index_type, btf_array(tb)->index_type);
		break;
	case BTF_KIND_FWD:
		break;
	case BTF_KIND_VAR:
		compare_number(id_a, id_b, "linkage", btf_var(ta)->linkage, btf_var(tb)->linkage);
		compare_reference(id_a, id_b, "type", ta->type, tb->type);
		break;
	case BTF_KIND_DECL_TAG:
		compare_number(id_a, id_b, "component", btf_decl_tag(ta)->component_idx, btf_decl_tag(tb)->component_idx);
		compare_reference(id_a, id_b, "type", ta->type, tb->type);
		break;
	default:
		compare_reference(id_a, id_b, "type", ta->type, tb->type);
		compare_elements(id_a, id_b);
	}
}

/* Order of ids by kind and name; equal ones by id, so that the first pairs with the first. */
static const struct side *sorted_side;

static int by_kind_and_name(const void *p, const void *q)
{
	__u32 x = *(const __u32 *)p, y = *(const __u32 *)q;
	__u32 kind_x = btf_kind(type(sorted_side, x)), kind_y = btf_kind(type(sorted_side, y));
	int order = kind_x < kind_y ? -1 : kind_x > kind_y;

	if (!order)
		order = strcmp(name(sorted_side, x), name(sorted_side, y));
	return order ?: (x < y ? -1 : x > y);
}

/* The ids that have no pair yet, named or anonymous ones. */
static __u32 unpaired(const struct side *side, int named, __u32 *ids)
{
	__u32 id, n = 0;

	for (id = side->first; id < side->cnt; id++)
		if (!side->pair[id] && !!*name(side, id) == named)
			ids[n++] = id;
	sorted_side = side;
	qsort(ids, n, sizeof(*ids), by_kind_and_name);
	return n;
}

static void compare_queued(void)
{
	static __u32 done;

	for (; done < queued; done++)
		compare(queue[done], a.pair[queue[done]]);
}

static void pair_all(int named)
{
	__u32 *ids_a = calloc(a.cnt, sizeof(*ids_a)), *ids_b = calloc(b.cnt, sizeof(*ids_b));
	__u32 n_a = unpaired(&a, named, ids_a), n_b = unpaired(&b, named, ids_b), i, j;

	for (i = 0, j = 0; i < n_a && j < n_b;) {
		__u32 kind_a = btf_kind(type(&a, ids_a[i])), kind_b = btf_kind(type(&b, ids_b[j]));
		int order = kind_a < kind_b ? -1 : kind_a > kind_b;

		if (!order)
			order = strcmp(name(&a, ids_a[i]), name(&b, ids_b[j]));
		if (!order && !a.pair[ids_a[i]] && !b.pair[ids_b[j]])
			pair(ids_a[i], ids_b[j]);
		i += order <= 0;
		j += order >= 0;
	}
	free(ids_a);
	free(ids_b);
	compare_queued();
}

static void report_unpaired(const struct side *side, const char *only_in)
{
	__u32 id;

	for (id = side->first; id < side->cnt; id++)
		if (!side->pair[id] && differences++ < SHOWN)
			printf("%s '%s' [%u] is only in %s\n", kind(side, id), name(side, id), id, only_in);
}

static struct btf *load_base(const char *path)
{
	struct btf *base = btf__parse(path, NULL);

	if (!base) {
		fprintf(stderr, "btf-compare: %s: %s\n", path, strerror(errno));
		exit(2);
	}
	return base;
}

static int load(struct side *side, const char *path, struct btf *base)
{
	side->first = btf__type_cnt(base);
	side->btf = btf__parse_split(path, base);
	if (!side->btf) {
		fprintf(stderr, "btf-compare: %s: %s\n", path, strerror(errno));
		return -1;
	}
	side->cnt = btf__type_cnt(side->btf);
	side->pair = calloc(side->cnt, sizeof(*side->pair));
	return side->pair ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct btf *base;

	one_base = argc == 5;
	if ((!one_base && (argc != 7 || strcmp(argv[5], "--base-of-b"))) || strcmp(argv[3], "--base")) {
		fprintf(stderr, "usage: btf-compare A B --base VMLINUX [--base-of-b VMLINUX]\n");
		return 2;
	}
	base = load_base(argv[4]);
	if (load(&a, argv[1], base) || load(&b, argv[2], one_base ? base : load_base(argv[6])))
		return 2;
	queue = calloc(a.cnt, sizeof(*queue));
	if (!queue)
		return 2;

	pair_all(1);
	pair_all(0);
	report_unpaired(&a, argv[1]);
	report_unpaired(&b, argv[2]);

	if (differences > SHOWN)
		printf("and %lu more\n", differences - SHOWN);
	if (differences)
		printf("%s and %s differ\n", argv[1], argv[2]);
	else
		printf("equal: %u types\n", a.cnt - a.first);
	return differences != 0;
}
