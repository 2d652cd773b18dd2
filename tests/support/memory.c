#include "tests/support/memory.h"

#include <stdlib.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

static void count(void *arg, const struct change *c)
{
	(void)c;
	((struct memory *)arg)->writes++;
}

void memory_init(struct memory *m, struct arena *a)
{
	*m = (struct memory){ .arena = a, .now_ms = 1572256179000 };
	store_init(&m->store, a);
	m->store.on_change = count;
	m->store.arg = m;
	m->kube = store_ops(&m->store);
}

static bool fails(struct memory *m, struct err *err)
{
	m->calls++;
	if (m->calls != m->fail_call)
		return false;
	err_set(err, m->fail_code ? m->fail_code : ERR_UNAVAILABLE, "call %u fails", m->calls);
	return true;
}

static bool get(void *self, struct arena *a, struct object *objects, size_t n, struct err *err)
{
	struct memory *m = self;

	m->reads += (unsigned int)n;
	return !fails(m, err) && m->kube.get(m->kube.self, a, objects, n, err);
}

static bool list(
	void *self, struct arena *a, const struct kube_query *q, struct vec *ret, struct err *err)
{
	struct memory *m = self;

	m->reads++;
	return !fails(m, err) && m->kube.list(m->kube.self, a, q, ret, err);
}

static bool apply(
	void *self, struct arena *a, struct kube_apply *applies, size_t n, struct err *err)
{
	struct memory *m = self;

	return !fails(m, err) && m->kube.apply(m->kube.self, a, applies, n, err);
}

static bool create(void *self, struct arena *a, const struct json *body, const char *manager,
	const struct json **ret_live, struct err *err)
{
	struct memory *m = self;

	return !fails(m, err) && m->kube.create(m->kube.self, a, body, manager, ret_live, err);
}

static bool remove_one(
	void *self, struct arena *a, struct ref ref, const char *uid, struct err *err)
{
	struct memory *m = self;

	return !fails(m, err) && m->kube.remove(m->kube.self, a, ref, uid, err);
}

struct kube_ops memory_kube(struct memory *m)
{
	return (struct kube_ops){ m, get, list, apply, create, remove_one };
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
	return (uint64_t)++((struct memory *)self)->store.version;
}

struct clock_ops memory_clock(struct memory *m)
{
	return (struct clock_ops){ m, now_ms, monotonic_us, random_bits };
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

void memory_put(struct memory *m, const char *text)
{
	struct json *body = json_format(m->arena, text);
	const struct ref ref = ref_of(body);
	const unsigned int writes = m->writes;
	struct err err = { .code = ERR_NONE };
	struct json *next;

	if (!store_get(&m->store, ref) &&
		!m->kube.create(m->kube.self, m->arena, body, "user", NULL, &err))
		abort();
	next = json_dup(m->arena, store_get(&m->store, ref));
	merge(m->arena, next, body);
	store_update(&m->store, ref, next, "user");
	m->writes = writes;
}

const struct json *memory_get(struct memory *m, enum kind kind, const char *ns, const char *name)
{
	return store_get(&m->store, (struct ref){ kind, ns, name });
}

void memory_delete(struct memory *m, enum kind kind, const char *ns, const char *name)
{
	const unsigned int writes = m->writes;
	struct err err = { .code = ERR_NONE };

	if (!m->kube.remove(m->kube.self, m->arena, (struct ref){ kind, ns, name }, NULL, &err))
		abort();
	m->writes = writes;
}

unsigned int memory_published(const struct memory *m, const char *prefix)
{
	unsigned int n = 0;

	vec_foreach (const struct bus_message *, message, &m->published)
		n += str_starts(message->subject, prefix);
	return n;
}
