#include "tests/support/memory.h"

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

void memory_init(struct memory *m, struct arena *a)
{
	*m = (struct memory){ .arena = a, .version = 100, .now_ms = 1572256179000 };
}

static bool fails(struct memory *m, struct err *err)
{
	m->calls++;
	if (m->calls != m->fail_call)
		return false;
	err_set(err, ERR_UNAVAILABLE, "call %u fails", m->calls);
	return true;
}

static struct object *slot(struct memory *m, struct ref ref)
{
	struct object *o;

	vec_foreach (struct object *, have, &m->objects)
		if (ref_eq(have->ref, ref))
			return have;
	o = arena_alloc(m->arena, sizeof(*o));
	o->ref = (struct ref){ ref.kind, arena_dup(m->arena, ref.ns),
		arena_dup(m->arena, ref.name) };
	vec_add(m->arena, &m->objects, o);
	return o;
}

static bool get(void *self, struct arena *a, struct object *objects, size_t n, struct err *err)
{
	struct memory *m = self;

	if (fails(m, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		m->reads++;
		objects[i].json = json_dup(a, slot(m, objects[i].ref)->json);
	}
	return true;
}

/* "a=b,c=d" */
static bool selected(struct arena *a, const struct json *object, const char *selector)
{
	char *rest = arena_dup(a, selector ? selector : "");
	char *save = NULL;

	for (char *term = strtok_r(rest, ",", &save); term; term = strtok_r(NULL, ",", &save)) {
		char *eq = strchr(term, '=');

		*eq = '\0';
		if (!str_eq(meta_label(object, term), eq + 1))
			return false;
	}
	return true;
}

static bool list(
	void *self, struct arena *a, const struct kube_query *q, struct vec *ret, struct err *err)
{
	struct memory *m = self;

	if (fails(m, err))
		return false;
	m->reads++;
	vec_foreach (struct object *, o, &m->objects)
		if (o->ref.kind == q->kind && o->json && (!q->ns || str_eq(q->ns, o->ref.ns)) &&
			selected(a, o->json, q->labels))
			vec_add(a, ret, o);
	return true;
}

static void merge(struct arena *a, struct json *into, const struct json *from)
{
	json_foreach (member, from) {
		if (json_is_object(member))
			merge(a, json_sub(a, into, json_key(member)), member);
		else
			json_set(a, into, json_key(member), json_dup(a, member));
	}
}

static void store(struct memory *m, struct object *o, struct json *next)
{
	struct json *meta = json_sub(m->arena, next, "metadata");
	const char *before = o->json ? json_canonical(m->arena, o->json) : "";
	char *version;

	json_set_str(m->arena, meta, "resourceVersion", meta_version(o->json));
	if (o->json && str_eq(before, json_canonical(m->arena, next)))
		return;
	if (!o->json)
		json_set_str(m->arena, meta, "uid",
			arena_printf(m->arena, "uid-%lld", (long long)m->version));
	if (!o->json || !json_get(next, "spec") ||
		!json_equal(json_get(next, "spec"), json_get(o->json, "spec")))
		json_set_int(m->arena, meta, "generation", meta_generation(o->json) + 1);
	version = arena_printf(m->arena, "%lld", (long long)++m->version);
	json_set_str(m->arena, meta, "resourceVersion", version);
	o->json = next;
	m->writes++;
}

static bool apply_one(struct memory *m, struct arena *a, struct kube_apply *x, struct err *err)
{
	struct object *o = slot(m, ref_of(x->body));
	const char *version = meta_version(x->body);
	struct json *next;

	/* A version is a precondition of what exists, a uid one of existing at all. */
	if ((version && o->json && !str_eq(version, meta_version(o->json))) ||
		(meta_uid(x->body) && !str_eq(meta_uid(x->body), meta_uid(o->json))))
		return err_set(err, ERR_CONFLICT, "the object has been modified");
	if (x->status) {
		if (!o->json)
			return err_set(err, ERR_NOT_FOUND, "no such object");
		next = json_dup(m->arena, o->json);
		json_set(m->arena, next, "status", json_dup(m->arena, json_get(x->body, "status")));
	} else {
		next = o->json ? json_dup(m->arena, o->json) : json_object(m->arena);
		merge(m->arena, next, x->body);
	}
	store(m, o, next);
	x->live = json_dup(a, o->json);
	return true;
}

static bool apply(
	void *self, struct arena *a, struct kube_apply *applies, size_t n, struct err *err)
{
	bool ok = true;

	if (fails(self, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct err failure = { .code = ERR_NONE };

		applies[i].live = NULL;
		if (!apply_one(self, a, &applies[i], &failure) && ok) {
			*err = failure;
			ok = false;
		}
	}
	return ok;
}

static bool create(void *self, struct arena *a, const struct json *body, const char *manager,
	const struct json **ret_live, struct err *err)
{
	struct memory *m = self;
	struct object *o = slot(m, ref_of(body));

	(void)manager;
	if (fails(m, err))
		return false;
	if (o->json)
		return err_set(err, ERR_CONFLICT, "already exists");
	store(m, o, json_dup(m->arena, body));
	*ret_live = json_dup(a, o->json);
	return true;
}

static bool remove_one(
	void *self, struct arena *a, struct ref ref, const char *uid, struct err *err)
{
	struct memory *m = self;
	struct object *o = slot(m, ref);

	(void)a;
	if (fails(m, err))
		return false;
	if (uid && o->json && !str_eq(uid, meta_uid(o->json)))
		return err_set(err, ERR_CONFLICT, "another uid");
	m->writes += o->json != NULL;
	o->json = NULL;
	return true;
}

static bool logs(void *self, struct arena *a, const char *ns, const char *pod,
	const char *container, int tail_lines, const char **ret_text, struct err *err)
{
	(void)self, (void)a, (void)ns, (void)pod, (void)container, (void)tail_lines, (void)ret_text;
	return err_set(err, ERR_NOT_FOUND, "no log");
}

struct kube_ops memory_kube(struct memory *m)
{
	return (struct kube_ops){ m, get, list, apply, create, remove_one, logs };
}

static bool fetch(
	void *self, struct arena *a, size_t max, int timeout_ms, struct vec *ret, struct err *err)
{
	(void)self, (void)a, (void)max, (void)timeout_ms, (void)ret, (void)err;
	return true;
}

static bool settle(void *self, const struct delivery *d, struct err *err)
{
	(void)self, (void)d, (void)err;
	return true;
}

static bool nak(void *self, const struct delivery *d, int64_t delay_ms, struct err *err)
{
	(void)delay_ms;
	return settle(self, d, err);
}

static bool publish(void *self, const struct bus_message *message, struct err *err)
{
	struct memory *m = self;
	struct bus_message *copy = arena_alloc(m->arena, sizeof(*copy));

	if (fails(m, err))
		return false;
	*copy = *message;
	copy->subject = arena_dup(m->arena, message->subject);
	copy->data = arena_dupn(m->arena, message->data, message->n);
	vec_add(m->arena, &m->published, copy);
	return true;
}

struct bus_ops memory_bus(struct memory *m)
{
	return (struct bus_ops){ m, fetch, settle, nak, settle, settle, publish };
}

static int64_t now_ms(void *self)
{
	return ((struct memory *)self)->now_ms;
}

static int64_t monotonic_us(void *self)
{
	return now_ms(self) * 1000;
}

static uint64_t random_bits(void *self)
{
	return (uint64_t)++((struct memory *)self)->version;
}

struct clock_ops memory_clock(struct memory *m)
{
	return (struct clock_ops){ m, now_ms, monotonic_us, random_bits };
}

void memory_put(struct memory *m, const char *text)
{
	struct json *body = json_format(m->arena, text);
	struct object *o = slot(m, ref_of(body));
	struct json *next = o->json ? json_dup(m->arena, o->json) : json_object(m->arena);

	merge(m->arena, next, body);
	store(m, o, next);
}

const struct json *memory_get(struct memory *m, enum kind kind, const char *ns, const char *name)
{
	return slot(m, (struct ref){ kind, ns, name })->json;
}

void memory_delete(struct memory *m, enum kind kind, const char *ns, const char *name)
{
	slot(m, (struct ref){ kind, ns, name })->json = NULL;
}

unsigned int memory_published(const struct memory *m, const char *prefix)
{
	unsigned int n = 0;

	vec_foreach (const struct bus_message *, message, &m->published)
		n += str_starts(message->subject, prefix);
	return n;
}
