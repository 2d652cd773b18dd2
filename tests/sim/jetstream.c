#include "tests/sim/jetstream.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/arena.h"
#include "lib/base/str.h"

enum {
	DEDUPLICATION_US = 120 * 1000 * 1000
};

struct js_id {
	char *id;
	int64_t at_us;
};

static const struct js_consumer consumers[] = {
	{ "security-svc", { "cr.security." }, { .n = 0 } },
	{ "ratelimit-svc", { "cr.ratelimiting." }, { .n = 0 } },
	{ "endpoint-svc", { "cr.targetendpoint." }, { .n = 0 } },
	{ "api-svc", { "cr.api.", "build.result." }, { .n = 0 } },
	{ "builder-svc", { "build.request.", "job." }, { .n = 0 } },
};

void js_init(struct jetstream *js, struct arena *a)
{
	*js = (struct jetstream){ .arena = a, .session = 1 };
}

void js_wipe(struct jetstream *js)
{
	unsigned int session = js->session;
	uint64_t events = js->events;

	*js = (struct jetstream){ .arena = js->arena, .session = session + 1, .events = events };
}

void js_ensure_topology(struct jetstream *js)
{
	if (js->has_topology)
		return;
	js->has_topology = true;
	js->n_consumers = ARRAY_LEN(consumers);
	memcpy(js->consumers, consumers, sizeof(consumers));
}

static struct js_consumer *find(const struct jetstream *js, const char *name)
{
	for (size_t i = 0; i < js->n_consumers; i++)
		if (str_eq(js->consumers[i].name, name))
			return (struct js_consumer *)(uintptr_t)&js->consumers[i];
	return NULL;
}

static bool wants(const struct js_consumer *c, const char *subject)
{
	for (size_t i = 0; i < ARRAY_LEN(c->subjects) && c->subjects[i]; i++)
		if (str_starts(subject, c->subjects[i]))
			return true;
	return false;
}

static void drop(struct vec *v, size_t i)
{
	memmove(&v->at[i], &v->at[i + 1], (v->n - i - 1) * sizeof(*v->at));
	v->n--;
}

static bool is_duplicate(struct jetstream *js, const char *id, int64_t now_us)
{
	struct js_id *x;

	while (js->ids.n > 0 && ((struct js_id *)js->ids.at[0])->at_us < now_us - DEDUPLICATION_US)
		drop(&js->ids, 0);
	if (!id)
		return false;
	vec_foreach (const struct js_id *, have, &js->ids)
		if (str_eq(have->id, id))
			return true;
	x = arena_alloc(js->arena, sizeof(*x));
	*x = (struct js_id){ arena_dup(js->arena, id), now_us };
	vec_add(js->arena, &js->ids, x);
	return false;
}

static void replace_older(struct jetstream *js, const char *subject)
{
	for (size_t i = 0; i < js->messages.n; i++) {
		struct js_message *m = js->messages.at[i];

		if (!str_eq(m->subject, subject))
			continue;
		m->gone = true;
		drop(&js->messages, i);
		break;
	}
	for (size_t c = 0; c < js->n_consumers; c++)
		for (size_t i = js->consumers[c].pending.n; i-- > 0;) {
			struct js_pending *p = js->consumers[c].pending.at[i];

			if (p->message->gone)
				drop(&js->consumers[c].pending, i);
		}
}

bool js_publish(struct jetstream *js, const struct bus_message *m, int64_t now_us)
{
	struct js_message *x;

	if (!js->has_topology)
		return false;
	if (is_duplicate(js, m->id, now_us))
		return true;
	if (str_starts(m->subject, "evt.")) {
		js->events++;
		return true;
	}
	replace_older(js, m->subject);
	x = arena_alloc(js->arena, sizeof(*x));
	*x = (struct js_message){ ++js->seq, now_us, arena_dup(js->arena, m->subject),
		arena_dupn(js->arena, m->data, m->n), m->n, false };
	vec_add(js->arena, &js->messages, x);
	for (size_t i = 0; i < js->n_consumers; i++) {
		struct js_pending *p;

		if (!wants(&js->consumers[i], m->subject))
			continue;
		p = arena_alloc(js->arena, sizeof(*p));
		*p = (struct js_pending){ x, 0, now_us };
		vec_add(js->arena, &js->consumers[i].pending, p);
	}
	return true;
}

void js_fetch(struct jetstream *js, const char *consumer, struct arena *a, size_t max,
	int64_t now_us, int64_t ack_wait_us, struct vec *ret)
{
	struct js_consumer *c = find(js, consumer);

	if (!c)
		return;
	vec_foreach (struct js_pending *, p, &c->pending) {
		struct delivery *d;

		if (p->due_us > now_us || ret->n == max)
			continue;
		p->attempts++;
		p->due_us = now_us + ack_wait_us;
		d = arena_alloc(a, sizeof(*d));
		*d = (struct delivery){ .subject = p->message->subject,
			.data = p->message->data,
			.n = p->message->n,
			.attempt = p->attempts,
			.reply = arena_printf(
				a, "%s %u %" PRIu64, consumer, js->session, p->message->seq),
			.id = arena_printf(
				a, "%" PRIu64 "/%" PRId64, p->message->seq, p->message->at_us) };
		vec_add(a, ret, d);
	}
}

int64_t js_due_us(const struct jetstream *js, const char *consumer)
{
	const struct js_consumer *c = find(js, consumer);
	int64_t due = INT64_MAX;

	if (!c)
		return due;
	vec_foreach (const struct js_pending *, p, &c->pending)
		due = p->due_us < due ? p->due_us : due;
	return due;
}

/* Where a delivery's message waits for its acknowledgement; false: nowhere any more. */
static bool whose(
	struct jetstream *js, const struct delivery *d, struct js_consumer **ret_c, size_t *ret_i)
{
	char name[64];
	unsigned int session;
	uint64_t seq;

	if (sscanf(d->reply, "%63s %u %" SCNu64, name, &session, &seq) != 3 ||
		session != js->session)
		return false;
	*ret_c = find(js, name);
	for (size_t i = 0; *ret_c && i < (*ret_c)->pending.n; i++) {
		*ret_i = i;
		if (((struct js_pending *)(*ret_c)->pending.at[i])->message->seq == seq)
			return true;
	}
	return false;
}

void js_ack(struct jetstream *js, const struct delivery *d)
{
	struct js_consumer *c;
	size_t i;

	if (whose(js, d, &c, &i))
		drop(&c->pending, i);
}

void js_again(struct jetstream *js, const struct delivery *d, int64_t due_us)
{
	struct js_consumer *c;
	size_t i;

	if (whose(js, d, &c, &i))
		((struct js_pending *)c->pending.at[i])->due_us = due_us;
}

size_t js_pending(const struct jetstream *js, const char *consumer)
{
	const struct js_consumer *c = find(js, consumer);

	return c ? c->pending.n : 0;
}

void js_lose(struct jetstream *js, const char *consumer, size_t i)
{
	struct js_consumer *c = find(js, consumer);

	if (c && i < c->pending.n)
		drop(&c->pending, i);
}

void js_hasten(struct jetstream *js, const char *consumer, size_t i, int64_t due_us)
{
	struct js_consumer *c = find(js, consumer);

	if (c && i < c->pending.n)
		((struct js_pending *)c->pending.at[i])->due_us = due_us;
}
