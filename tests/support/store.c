#include "tests/support/store.h"

#include "lib/base/arena.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

void store_init(struct store *s, struct arena *a)
{
	*s = (struct store){ .arena = a, .version = 1000 };
}

/* ---- places ---- */

static unsigned int hash(const char *text)
{
	unsigned int h = 2166136261u;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 16777619u;
	return h % STORE_BUCKETS;
}

static struct slot *slot_find(struct store *s, struct ref ref, unsigned int h)
{
	for (struct slot *x = s->buckets[h]; x; x = x->next)
		if (ref_eq(x->ref, ref))
			return x;
	return NULL;
}

static unsigned int hash_ref(struct ref ref)
{
	return (hash(ref.ns ? ref.ns : "") * 31 + hash(ref.name ? ref.name : "") * 7 +
		       (unsigned int)ref.kind) %
	       STORE_BUCKETS;
}

struct slot *store_slot(struct store *s, struct ref ref)
{
	unsigned int h = hash_ref(ref);
	struct slot *x = slot_find(s, ref, h);

	if (x)
		return x;
	x = arena_alloc(s->arena, sizeof(*x));
	x->ref = (struct ref){ ref.kind, arena_dup(s->arena, ref.ns),
		arena_dup(s->arena, ref.name) };
	x->next = s->buckets[h];
	s->buckets[h] = x;
	vec_add(s->arena, &s->slots[ref.kind], x);
	return x;
}

const struct json *store_get(struct store *s, struct ref ref)
{
	struct slot *x = slot_find(s, ref, hash_ref(ref));

	return x ? x->json : NULL;
}

/* ---- versions ---- */

static struct json *metadata(struct arena *a, struct json *object)
{
	return json_sub(a, object, "metadata");
}

static const char *next_version(struct store *s)
{
	return arena_printf(s->arena, "%lld", (long long)++s->version);
}

static void note(struct store *s, struct slot *x, const struct json *before,
	const struct json *last, const char *writer)
{
	struct change *c = arena_alloc(s->arena, sizeof(*c));

	*c = (struct change){ .version = s->version,
		.at_us = s->now_us,
		.before = before,
		.after = x->json,
		.last = last,
		.ref = x->ref,
		.writer = arena_dup(s->arena, writer) };
	vec_add(s->arena, &s->history[x->ref.kind], c);
	if (s->on_change)
		s->on_change(s->arg, c);
}

/* Kinds whose spec the server counts. */
static bool has_generation(enum kind kind)
{
	return kind_is_ours(kind) || kind == KIND_DEPLOYMENT || kind == KIND_JOB ||
	       kind == KIND_INGRESS;
}

static bool differs_in(const struct json *x, const struct json *y, const char *member)
{
	const struct json *a = json_get(x, member);
	const struct json *b = json_get(y, member);

	return (a || b) && !json_equal(a, b);
}

static bool needs_generation(enum kind kind, const struct json *before, const struct json *next)
{
	if (!has_generation(kind))
		return false;
	/* A Deployment's controller has to look at its annotations, too. */
	if (kind == KIND_DEPLOYMENT &&
		differs_in(json_get(before, "metadata"), json_get(next, "metadata"), "annotations"))
		return true;
	return differs_in(before, next, "spec");
}

static void be_born(struct store *s, struct slot *x, struct json *next)
{
	struct json *meta = metadata(s->arena, next);

	x->births++;
	json_set_str(s->arena, meta, "uid",
		arena_printf(s->arena, "%s-%s-%s-%u", kind_info(x->ref.kind)->plural, x->ref.ns,
			x->ref.name, x->births));
	json_set_str(
		s->arena, meta, "creationTimestamp", clock_rfc3339(s->arena, s->now_us / 1000));
	if (has_generation(x->ref.kind))
		json_set_int(s->arena, meta, "generation", 1);
}

/* As the server's types do it. */
static void drop_empty(struct json *meta, const char *map)
{
	json_foreach (member, json_get(meta, map)) {
		(void)member;
		return;
	}
	json_remove(meta, map);
}

/* As deploy/crds say. */
static void set_defaults(struct arena *a, enum kind kind, struct json *next)
{
	if (kind_is_ours(kind) && !json_get(next, "status"))
		json_set_int(a, json_sub(a, next, "status"), "observedGeneration", -1);
}

/* next: a value of our own without metadata that only the server sets, but what was there. */
static void put(struct store *s, struct slot *x, struct json *next, const struct managers *m,
	const char *writer)
{
	const struct json *before = x->json;
	struct json *meta = metadata(s->arena, next);

	drop_empty(meta, "labels");
	drop_empty(meta, "annotations");
	set_defaults(s->arena, x->ref.kind, next);
	if (!before) {
		be_born(s, x, next);
	} else {
		if (json_equal(before, next) && managers_equal(&x->managers, m))
			return;
		if (needs_generation(x->ref.kind, before, next))
			json_set_int(s->arena, meta, "generation", meta_generation(before) + 1);
	}
	json_set_str(s->arena, meta, "resourceVersion", next_version(s));
	x->json = next;
	x->managers = *m;
	note(s, x, before, NULL, writer);
}

/* ---- reading ---- */

static bool get(void *self, struct arena *a, struct object *objects, size_t n, struct err *err)
{
	(void)a, (void)err;
	for (size_t i = 0; i < n; i++)
		objects[i].json = store_get(self, objects[i].ref);
	return true;
}

bool store_selects(const char *selector, const struct json *object)
{
	const char *term = selector;

	while (term && *term) {
		size_t n = strcspn(term, ",");
		size_t key = strcspn(term, "=,");
		char name[256];
		const char *have;

		(void)snprintf(name, sizeof(name), "%.*s", (int)key, term);
		have = meta_label(object, name);
		if (!have)
			return false;
		if (key < n && (strlen(have) != n - key - 1 ||
				       strncmp(have, term + key + 1, n - key - 1) != 0))
			return false;
		term += n + (term[n] == ',');
	}
	return true;
}

/* As of then; the present one is in its slot. */
static const struct json *as_of(struct store *s, const struct slot *x, int64_t us)
{
	const struct vec *h = &s->history[x->ref.kind];
	const struct json *o = x->json;

	for (size_t i = h->n; i-- > 0;) {
		const struct change *c = h->at[i];

		if (c->at_us <= us)
			break;
		if (ref_eq(c->ref, x->ref))
			o = c->before;
	}
	return o;
}

/* `status.phase=Running,metadata.name!=x` */
static bool fields_match(struct arena *a, const char *selector, const struct json *object)
{
	char *rest = arena_dup(a, selector ? selector : "");
	char *save = NULL;

	for (char *term = strtok_r(rest, ",", &save); term; term = strtok_r(NULL, ",", &save)) {
		char *eq = strchr(term, '=');
		bool differs = eq > term && eq[-1] == '!';
		const struct json *v = object;
		char *inner = NULL;

		eq[differs ? -1 : 0] = '\0';
		/* A Job's field is called otherwise than what it shows. */
		for (char *key = strtok_r(term, ".", &inner); key;
			key = strtok_r(NULL, ".", &inner))
			v = json_get(v, str_eq(key, "successful") ? "succeeded" : key);
		if (str_eq(v ? json_str(v) ? json_str(v) : json_text(a, v) : "0", eq + 1) ==
			differs)
			return false;
	}
	return true;
}

static bool list(
	void *self, struct arena *a, const struct kube_query *q, struct vec *ret, struct err *err)
{
	struct store *s = self;

	(void)err;
	vec_foreach (const struct slot *, x, &s->slots[q->kind]) {
		const struct json *json = q->recent && s->behind_us > 0
						  ? as_of(s, x, s->now_us - s->behind_us)
						  : x->json;
		struct object *o;

		if (!json || (q->ns && !str_eq(q->ns, x->ref.ns)) ||
			!store_selects(q->labels, json) || !fields_match(a, q->fields, json))
			continue;
		o = arena_alloc(a, sizeof(*o));
		*o = (struct object){ .ref = x->ref, .json = json };
		vec_add(a, ret, o);
	}
	return true;
}

/* ---- writing ---- */

static bool check_preconditions(
	const struct slot *x, const struct json *body, bool status, struct err *err)
{
	const char *uid = meta_uid(body);
	const char *version = meta_version(body);

	if (!x->json && status)
		return err_set(err, ERR_NOT_FOUND, "%s \"%s\" not found",
			kind_info(x->ref.kind)->plural, x->ref.name);
	if (uid && !str_eq(uid, meta_uid(x->json)))
		return err_set(err, ERR_CONFLICT,
			"uid mismatch: the provided object specified uid %s", uid);
	if (version && x->json && !str_eq(version, meta_version(x->json)))
		return err_set(err, ERR_CONFLICT,
			"the object has been modified; please apply your changes to the latest version and try again");
	return true;
}

static bool check_owners(const struct json *next, struct err *err)
{
	const struct json *first = NULL;

	json_foreach (o, json_path(next, "metadata", "ownerReferences", NULL)) {
		if (!json_get_bool(o, "controller", false))
			continue;
		if (first)
			return err_set(err, ERR_INVALID,
				"metadata.ownerReferences: Only one reference can have Controller set to true. Found \"true\" in references for %s and %s",
				json_get_str(first, "name"), json_get_str(o, "name"));
		first = o;
	}
	return true;
}

/* Of a Job that exists only labels, annotations and the like may change. */
static bool check_immutable(const struct slot *x, const struct json *next, struct err *err)
{
	const struct json *before = json_path(x->json, "spec", "selector", NULL);
	const struct json *after = json_path(next, "spec", "selector", NULL);

	if (!x->json)
		return true;
	if (x->ref.kind == KIND_DEPLOYMENT && before && !json_equal(before, after))
		return err_set(err, ERR_INVALID, "spec.selector: field is immutable");
	if (x->ref.kind == KIND_JOB &&
		differs_in(json_get(x->json, "spec"), json_get(next, "spec"), "template"))
		return err_set(err, ERR_INVALID, "spec.template: field is immutable");
	return true;
}

/* The status subresource takes status and managed fields, the main resource everything else. */
static struct json *body_of(struct arena *a, enum kind kind, const struct json *body, bool status)
{
	struct json *copy;

	if (!status) {
		copy = json_dup(a, body);
		if (kind_is_ours(kind))
			json_remove(copy, "status");
		return copy;
	}
	copy = json_object(a);
	json_set(a, copy, "status", json_dup(a, json_get(body, "status")));
	return copy;
}

static void forget_preconditions(struct arena *a, struct json *body)
{
	struct json *meta = metadata(a, body);

	json_remove(meta, "uid");
	json_remove(meta, "resourceVersion");
}

static bool apply_one(struct store *s, struct kube_apply *x, struct vec *ret_taken, struct err *err)
{
	struct slot *slot = store_slot(s, ref_of(x->body));
	struct json *body = body_of(s->arena, slot->ref.kind, x->body, x->status);
	struct json *next = slot->json ? json_dup(s->arena, slot->json) : json_object(s->arena);
	struct managers managers = { .list = { .n = 0 } };

	if (!check_preconditions(slot, x->body, x->status, err))
		return false;
	forget_preconditions(s->arena, body);
	if (!slot->json)
		slot->managers = managers;
	if (!fields_apply(s->arena, slot->ref.kind, next, body, &slot->managers, x->manager,
		    x->status, x->force, &managers, ret_taken, err) ||
		!check_owners(next, err) || !check_immutable(slot, next, err))
		return false;
	put(s, slot, next, &managers, x->manager);
	x->live = slot->json;
	return true;
}

bool store_apply_one(struct store *s, struct kube_apply *x, struct vec *ret_taken, struct err *err)
{
	x->live = NULL;
	return apply_one(s, x, ret_taken, err);
}

static bool apply(
	void *self, struct arena *a, struct kube_apply *applies, size_t n, struct err *err)
{
	bool ok = true;

	(void)a;
	for (size_t i = 0; i < n; i++) {
		struct err failure = { .code = ERR_NONE };
		struct vec taken = { .n = 0 };

		if (!store_apply_one(self, &applies[i], &taken, &failure) && ok) {
			*err = failure;
			ok = false;
		}
	}
	return ok;
}

static bool create(void *self, struct arena *a, const struct json *body, const char *manager,
	const struct json **ret_live, struct err *err)
{
	struct store *s = self;
	struct slot *x = store_slot(s, ref_of(body));
	struct json *next = body_of(s->arena, x->ref.kind, body, false);
	struct managers m;

	(void)a;
	if (x->json)
		return err_set(err, ERR_CONFLICT, "%s \"%s\" already exists",
			kind_info(x->ref.kind)->plural, x->ref.name);
	forget_preconditions(s->arena, next);
	fields_created(s->arena, x->ref.kind, next, manager, &m);
	put(s, x, next, &m, manager);
	if (ret_live)
		*ret_live = x->json;
	return true;
}

/* Dependents are for the garbage collector. */
static bool remove_one(
	void *self, struct arena *a, struct ref ref, const char *uid, struct err *err)
{
	struct store *s = self;
	struct slot *x = store_slot(s, ref);
	struct json *last;
	const struct json *before = x->json;

	(void)a;
	if (!before)
		return true;
	if (uid && !str_eq(uid, meta_uid(before)))
		return err_set(err, ERR_CONFLICT,
			"Precondition failed: UID in precondition: %s, UID in object meta: %s", uid,
			meta_uid(before));
	last = json_dup(s->arena, before);
	json_set_str(s->arena, metadata(s->arena, last), "resourceVersion", next_version(s));
	x->json = NULL;
	note(s, x, before, last, "delete");
	return true;
}

struct kube_ops store_ops(struct store *s)
{
	return (struct kube_ops){ s, get, list, apply, create, remove_one };
}

void store_update(struct store *s, struct ref ref, struct json *next, const char *writer)
{
	struct slot *x = store_slot(s, ref);
	struct managers m;

	if (!x->json)
		return;
	fields_updated(s->arena, ref.kind, x->json, next, &x->managers, writer, &m);
	put(s, x, next, &m, writer);
}

void store_set_status(
	struct store *s, struct ref ref, const char *uid, struct json *status, const char *writer)
{
	struct slot *x = store_slot(s, ref);
	struct json *next;

	if (!x->json || !str_eq(uid, meta_uid(x->json)))
		return;
	next = json_dup(s->arena, x->json);
	json_set(s->arena, next, "status", status);
	put(s, x, next, &x->managers, writer);
}
