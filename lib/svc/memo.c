#include "lib/svc/memo.h"

#include <uthash.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

struct entry {
	UT_hash_handle hh;
	char *key;
	char *text;    /* the object; NULL: it is missing */
	char *version; /* "" when missing */
	int64_t read_ms;
	uint64_t mark; /* of the wake that it was read for */
	bool expected; /* nothing is known yet */
};

struct memo {
	struct entry *entries; /* oldest first */
};

struct memo *memo_new(void)
{
	struct memo *c = calloc(1, sizeof(*c));

	if (!c)
		abort();
	return c;
}

static void drop(struct memo *c, struct entry *e)
{
	HASH_DEL(c->entries, e);
	free(e->key);
	free(e->text);
	free(e->version);
	free(e);
}

void memo_free(struct memo *c)
{
	struct entry *e;
	struct entry *next;

	if (!c)
		return;
	HASH_ITER(hh, c->entries, e, next)
	drop(c, e);
	free(c);
}

static struct entry *find(struct memo *c, struct arena *a, struct ref ref)
{
	const char *key = ref_text(a, ref);
	struct entry *e;

	HASH_FIND_STR(c->entries, key, e);
	return e;
}

static bool is_current(const struct entry *e, const struct memo_hint *hint)
{
	if (hint->recorded)
		return str_eq(hint->recorded, e->version);
	if (hint->mark)
		return e->mark >= hint->mark && hint->now_ms - e->read_ms <= MEMO_MARKED_MS;
	return hint->now_ms - e->read_ms <= MEMO_NEW_MS;
}

bool memo_get(struct memo *c, struct arena *a, struct object *o, struct memo_hint hint)
{
	struct entry *e = c ? find(c, a, o->ref) : NULL;
	struct err err = { .code = ERR_NONE };

	if (!e || e->expected || !is_current(e, &hint))
		return false;
	o->json = e->text ? json_parse(a, e->text, strlen(e->text), &err) : NULL;
	return !e->text || o->json;
}

static char *dup_or_die(const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		abort();
	return copy;
}

void memo_forget(struct memo *c, struct arena *a, struct ref ref)
{
	struct entry *e = c ? find(c, a, ref) : NULL;

	if (e)
		drop(c, e);
}

/* Half of an object's text, and nobody reads it. */
static struct json *without_managed_fields(struct arena *a, const struct json *object)
{
	struct json *copy = json_dup(a, object);

	json_remove(json_sub(a, copy, "metadata"), "managedFields");
	return copy;
}

static struct entry *add(struct memo *c, struct arena *a, struct ref ref)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (!e)
		abort();
	e->key = dup_or_die(ref_text(a, ref));
	HASH_ADD_KEYPTR(hh, c->entries, e->key, strlen(e->key), e);
	if (HASH_COUNT(c->entries) > MEMO_ENTRIES)
		drop(c, c->entries);
	return e;
}

void memo_expect(struct memo *c, struct arena *a, struct ref ref)
{
	if (!c)
		return;
	memo_forget(c, a, ref);
	add(c, a, ref)->expected = true;
}

bool memo_is_expected(struct memo *c, struct arena *a, struct ref ref)
{
	const struct entry *e = c ? find(c, a, ref) : NULL;

	return e && e->expected;
}

void memo_put(
	struct memo *c, struct arena *a, const struct object *o, uint64_t mark, int64_t now_ms)
{
	struct entry *e = c ? find(c, a, o->ref) : NULL;
	char *text;

	if (!c)
		return;
	text = o->json ? json_text(a, without_managed_fields(a, o->json)) : NULL;
	if (e)
		drop(c, e);
	if (text && strlen(text) > MEMO_BYTES)
		return;
	e = add(c, a, o->ref);
	e->text = dup_or_die(text);
	e->version = dup_or_die(meta_version(o->json) ? meta_version(o->json) : "");
	e->read_ms = now_ms;
	e->mark = mark;
}
