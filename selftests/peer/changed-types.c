// SPDX-License-Identifier: GPL-2.0
/*
 * changed-types OLD NEW: from the BTF of two kernels, picks types of OLD that NEW no longer has, or has in another
 * size, and writes a C header with their declarations, so that a module can be compiled as it would have been
 * against OLD.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/btf.h>

/* What the module always uses; types it only points to are declared by whoever points to them. */
static const char * const wanted[] = { "list_head", "kref", "u32", "u64" };

enum pick { ABSENT, ABSENT_PTR, RESIZED, RESIZED_PTR, ABSENT_ENUM, PICKS };

static const char * const pick_name[PICKS] = {
	"ABSENT", "ABSENT_PTR", "RESIZED", "RESIZED_PTR", "ABSENT_ENUM",
};

struct text {
	char *bytes;
	size_t len;
};

static void die(const char *what, int err)
{
	fprintf(stderr, "changed-types: %s: %s\n", what, strerror(err < 0 ? -err : err));
	exit(1);
}

static void append(void *ctx, const char *fmt, va_list args)
{
	struct text *text = ctx;
	char *piece;
	int len = vasprintf(&piece, fmt, args);

	if (len < 0)
		die("out of memory", ENOMEM);
	text->bytes = realloc(text->bytes, text->len + len + 1);
	if (!text->bytes)
		die("out of memory", ENOMEM);
	memcpy(text->bytes + text->len, piece, len + 1);
	text->len += len;
	free(piece);
}

static struct btf_dump *new_dump(const struct btf *btf, struct text *text)
{
	struct btf_dump *dump = btf_dump__new(btf, append, text, NULL);

	if (!dump)
		die("btf_dump__new", errno);
	return dump;
}

/* How much text a type needs with everything it embeds: small ones make a readable header. */
static size_t declaration_len(const struct btf *btf, __u32 id)
{
	struct text text = {};
	struct btf_dump *dump = new_dump(btf, &text);
	int err = btf_dump__dump_type(dump, id);

	btf_dump__free(dump);
	free(text.bytes);
	return err ? (size_t)-1 : text.len;
}

static int is_composite(const struct btf_type *t)
{
	return btf_is_composite(t) || btf_is_any_enum(t);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char * const *)a, *(const char * const *)b);
}

/* The named composites and enums of a kernel as sorted (name, id) pairs. */
struct entry {
	const char *name;
	__u32 id;
};

static size_t collect(const struct btf *btf, struct entry **entries)
{
	__u32 id, cnt = btf__type_cnt(btf);
	size_t n = 0;

	*entries = calloc(cnt, sizeof(**entries));
	if (!*entries)
		die("out of memory", ENOMEM);
	for (id = 1; id < cnt; id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);

		if (t->name_off && is_composite(t))
			(*entries)[n++] = (struct entry){ btf__name_by_offset(btf, t->name_off), id };
	}
	qsort(*entries, n, sizeof(**entries), by_name);
	return n;
}

static const struct entry *find(const struct entry *entries, size_t n, const char *name)
{
	return bsearch(&name, entries, n, sizeof(*entries), by_name);
}

static int is_alone(const struct entry *entries, size_t n, const struct entry *e)
{
	return (e == entries || strcmp(e[-1].name, e->name)) &&
	       (e == entries + n - 1 || strcmp(e[1].name, e->name));
}

/* A struct of moderate size, so that a module can embed it; with a kind and a name that stand for one type alone. */
static int serves(const struct btf_type *t)
{
	return btf_is_struct(t) && btf_vlen(t) && t->size && t->size <= 256;
}

static void pick_types(const struct btf *old, const struct btf *new, __u32 picks[PICKS])
{
	struct entry *olds, *news;
	size_t n_old = collect(old, &olds), n_new = collect(new, &news), i;
	size_t best[PICKS], len;

	memset(best, 0xff, sizeof(best));
	for (i = 0; i < n_old; i++) {
		const struct btf_type *t = btf__type_by_id(old, olds[i].id);
		const struct entry *e = find(news, n_new, olds[i].name);
		const struct btf_type *now = e ? btf__type_by_id(new, e->id) : NULL;
		enum pick first, second;

		if (!is_alone(olds, n_old, &olds[i]))
			continue;
		if (!now && btf_is_enum(t)) {
			first = second = ABSENT_ENUM;
		} else if (!serves(t)) {
			continue;
		} else if (!now) {
			first = ABSENT;
			second = ABSENT_PTR;
		} else if (is_alone(news, n_new, e) && btf_is_struct(now) && now->size != t->size) {
			first = RESIZED;
			second = RESIZED_PTR;
		} else {
			continue;
		}
		len = declaration_len(old, olds[i].id);
		if (len < best[first]) {
			best[second] = best[first];
			picks[second] = picks[first];
			best[first] = len;
			picks[first] = olds[i].id;
		} else if (len < best[second]) {
			best[second] = len;
			picks[second] = olds[i].id;
		}
	}
	free(olds);
	free(news);
}

static void declare(struct btf_dump *dump, __u32 id)
{
	int err = btf_dump__dump_type(dump, id);

	if (err)
		die("btf_dump__dump_type", err);
}

int main(int argc, char **argv)
{
	__u32 picks[PICKS] = {};
	struct text text = {};
	struct btf *old, *new;
	struct btf_dump *dump;
	size_t i;

	if (argc != 3) {
		fprintf(stderr, "usage: changed-types OLD NEW\n");
		return 2;
	}
	old = btf__parse(argv[1], NULL);
	if (!old)
		die(argv[1], errno);
	new = btf__parse(argv[2], NULL);
	if (!new)
		die(argv[2], errno);

	pick_types(old, new, picks);
	dump = new_dump(old, &text);
	for (i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		int id = btf__find_by_name(old, wanted[i]);

		if (id < 0)
			die(wanted[i], id);
		declare(dump, id);
	}
	puts("/* SPDX-License-Identifier: GPL-2.0 */\n/* Made by changed-types. */");
	for (i = 0; i < PICKS; i++) {
		if (!picks[i])
			continue;
		printf("#define %s %s\n", pick_name[i],
		       btf__name_by_offset(old, btf__type_by_id(old, picks[i])->name_off));
		declare(dump, picks[i]);
	}
	printf("#ifdef WITH_TYPES\n%s#endif\n", text.bytes);
	return 0;
}
