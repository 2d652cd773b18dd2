#include "tests/support/world.h"

#include <stdarg.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/plan.h"
#include "lib/yaml/yaml.h"

enum {
	ROUNDS = 8, /* as the runtime */
};

static void NORETURN PRINTF_LIKE(1, 2) broken(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)fputs("test world: ", stderr);
	(void)vfprintf(stderr, fmt, ap);
	(void)fputc('\n', stderr);
	va_end(ap);
	abort();
}

struct test_world *test_world_new(struct arena *a)
{
	struct test_world *t = arena_alloc(a, sizeof(*t));

	t->world = (struct world){ .arena = a,
		.system_ns = "wso2-system",
		.env = json_object(a),
		.traceparent = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01",
		.now_s = 1795435200,
		.attempt = 1 };
	return t;
}

static struct ref ref_from(const struct json *v)
{
	return (struct ref){ kind_by_name(json_get_str(v, "kind")), json_get_str(v, "namespace"),
		json_get_str(v, "name") };
}

static int64_t seconds(const char *rfc3339)
{
	struct tm tm = { 0 };

	if (!strptime(rfc3339, "%Y-%m-%dT%H:%M:%SZ", &tm))
		broken("\"%s\" is no time, expected 2026-11-23T12:00:00Z", rfc3339);
	return timegm(&tm);
}

static void read_header(struct test_world *t, const struct json *h)
{
	struct world *w = &t->world;

	if (json_get(h, "root"))
		w->root_ref = ref_from(json_get(h, "root"));
	if (json_get(h, "now"))
		w->now_s = seconds(json_get_str(h, "now"));
	if (json_get(h, "env"))
		w->env = json_get(h, "env");
	w->attempt = (unsigned int)json_get_int(h, "attempt", w->attempt);
	w->observed = json_get(h, "observed");
	t->unserved = json_get(h, "unserved");
	json_foreach (m, json_get(h, "moved")) {
		struct ref *r = arena_alloc(w->arena, sizeof(*r));

		*r = ref_from(m);
		vec_add(w->arena, &w->moved, r);
	}
}

void test_world_add(struct test_world *t, const char *yaml)
{
	struct arena *a = t->world.arena;
	struct err err = { .code = ERR_NONE };
	struct json *all = yaml_parse_all(a, yaml, strlen(yaml), &err);

	if (!all)
		broken("%s", err.msg);
	json_foreach (doc, all) {
		struct object *o = arena_alloc(a, sizeof(*o));

		if (json_is_null(doc))
			continue;
		if (json_get(doc, "world")) {
			read_header(t, json_get(doc, "world"));
			continue;
		}
		*o = (struct object){ .ref = ref_of(doc), .json = doc };
		if (o->ref.kind == KIND_NONE || !o->ref.name)
			broken("a document is no object: %s", json_text(a, doc));
		vec_add(a, &t->cluster, o);
	}
}

void test_world_root(struct test_world *t, enum kind kind, const char *ns, const char *name)
{
	t->world.root_ref = (struct ref){ kind, ns, name };
}

static const struct json *stored(const struct test_world *t, struct ref ref)
{
	const struct json *found = NULL;

	/* The last one counts, so that a test can replace an object by adding it again. */
	vec_foreach (const struct object *, o, &t->cluster)
		if (ref_eq(o->ref, ref))
			found = o->json;
	return found;
}

/* "key=value,key=value": all of them. */
static bool selected(struct arena *a, const struct json *object, const char *selector)
{
	char *rest = arena_dup(a, selector ? selector : "");
	char *save = NULL;

	for (char *term = strtok_r(rest, ",", &save); term; term = strtok_r(NULL, ",", &save)) {
		char *equals = strchr(term, '=');

		if (!equals)
			broken("selector \"%s\": only key=value is known here", selector);
		*equals = '\0';
		if (!str_eq(meta_label(object, term), equals + 1))
			return false;
	}
	return true;
}

static bool is_unserved(const struct test_world *t, enum kind kind)
{
	json_foreach (name, t->unserved)
		if (str_eq(json_str(name), kind_info(kind)->kind))
			return true;
	return false;
}

/* What needs asked for, by name or all of a namespace. */
static const struct json *answer(struct test_world *t, struct ref ref)
{
	struct vec items = { 0 };

	if (!str_eq(ref.name, ALL_NAMES))
		return stored(t, ref);
	vec_foreach (struct object *, o, &t->cluster)
		if (o->ref.kind == ref.kind && str_eq(o->ref.ns, ref.ns) &&
			stored(t, o->ref) == o->json)
			vec_add(t->world.arena, &items, o);
	return collection_json(t->world.arena, &items);
}

static bool take_objects(struct test_world *t, const struct needs *n)
{
	struct world *w = &t->world;
	bool grew = false;

	vec_foreach (struct need *, need, &n->refs) {
		struct object *o = arena_alloc(w->arena, sizeof(*o));

		if (ref_eq(need->ref, w->root_ref) ||
			world_find(w, need->ref.kind, need->ref.ns, need->ref.name))
			continue;
		*o = (struct object){ .ref = need->ref,
			.json = answer(t, need->ref),
			.no_kind = is_unserved(t, need->ref.kind) };
		vec_add(w->arena, &w->objects, o);
		vec_add(w->arena, &t->asked, need);
		grew = true;
	}
	return grew;
}

static bool take_lists(struct test_world *t, const struct needs *n)
{
	struct world *w = &t->world;
	bool grew = false;

	vec_foreach (struct world_list *, l, &n->lists) {
		if (world_list(w, l->kind, l->ns, l->selector))
			continue;
		vec_foreach (struct object *, o, &t->cluster)
			if (o->ref.kind == l->kind && (!l->ns || str_eq(o->ref.ns, l->ns)) &&
				selected(w->arena, o->json, l->selector) &&
				stored(t, o->ref) == o->json)
				vec_add(w->arena, &l->items, o);
		vec_add(w->arena, &w->lists, l);
		grew = true;
	}
	return grew;
}

struct plan *test_world_run(struct test_world *t,
	void (*needs)(const struct world *, struct needs *),
	bool (*reconcile)(const struct world *, struct plan *, struct err *))
{
	struct world *w = &t->world;
	struct err err = { .code = ERR_NONE };
	bool grew = true;
	struct plan *p;

	w->objects = (struct vec){ 0 };
	w->lists = (struct vec){ 0 };
	t->asked = (struct vec){ 0 };
	w->root = stored(t, w->root_ref);
	for (int round = 0; grew; round++) {
		struct needs n = { .arena = w->arena };

		if (round == ROUNDS)
			broken("needs asks for more after %d rounds", ROUNDS);
		needs(w, &n);
		grew = take_objects(t, &n);
		grew = take_lists(t, &n) || grew;
	}
	p = plan_new(w->arena, w);
	if (!reconcile(w, p, &err))
		broken("reconcile: %s", err.msg);
	return p;
}

/* ---- text ---- */

static void decode_secret(struct arena *a, struct json *body)
{
	struct json *data = json_object(a);

	if (!str_eq(json_get_str(body, "kind"), "Secret"))
		return;
	json_foreach (m, json_get(body, "data")) {
		size_t n;
		char *text = base64_decode(a, json_str(m), strlen(json_str(m)), &n);

		json_set_str(a, data, json_key(m), text ? text : "not base64");
	}
	json_remove(body, "data");
	json_set(a, body, "data, decoded", data);
}

static struct json *asked_json(struct arena *a, const struct test_world *t)
{
	struct json *list = json_array(a);

	vec_foreach (const struct need *, need, &t->asked)
		json_add_str(a, list,
			arena_printf(a, "%s %s", need->role == REF_INPUT ? "input" : "child",
				ref_text(a, need->ref)));
	vec_foreach (const struct world_list *, l, &t->world.lists)
		json_add_str(a, list,
			arena_printf(a, "list of %s in \"%s\"%s%s", kind_info(l->kind)->kind,
				l->ns ? l->ns : "", l->selector ? " with " : "",
				l->selector ? l->selector : ""));
	return list;
}

/* json_canonical sorts, json_pretty indents. */
static char *sorted_pretty(struct arena *a, const struct json *v)
{
	struct err err = { .code = ERR_NONE };
	const char *text = json_canonical(a, v);

	return json_pretty(a, json_parse(a, text, strlen(text), &err));
}

char *test_world_text(struct test_world *t, const struct plan *p)
{
	struct arena *a = t->world.arena;
	struct err err = { .code = ERR_NONE };
	const char *dump = plan_json(a, p);
	struct json *out = json_parse(a, dump, strlen(dump), &err);
	struct json *applies = json_array(a);

	if (!out)
		broken("plan_json: %s", err.msg);
	json_foreach (apply, json_get(out, "apply")) {
		struct json *copy = json_dup(a, apply);

		decode_secret(a, json_sub(a, copy, "body"));
		json_add(applies, copy);
	}
	json_set(a, out, "apply", applies);
	json_set(a, out, "asked", asked_json(a, t));
	return sorted_pretty(a, out);
}

/* ---- looking at a plan ---- */

const struct json *test_applied(const struct plan *p, enum kind kind, const char *name)
{
	vec_foreach (const struct plan_apply *, apply, &p->applies) {
		struct ref r = ref_of(apply->body);

		if (r.kind == kind && str_eq(r.name, name))
			return apply->body;
	}
	return NULL;
}

const char *test_condition(const struct plan *p, const char *type)
{
	const struct condition *c = plan_condition_get(p, type);

	return c ? arena_printf(p->arena, "%s %s", c->status, c->reason) : "";
}

size_t test_events(const struct plan *p, const char *reason)
{
	size_t n = 0;

	vec_foreach (const struct plan_event *, e, &p->events)
		n += str_eq(e->reason, reason);
	return n;
}
