#include "gateway/usage/publish.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "gateway/usage/collect.h"
#include "gateway/usage/tally.h"
#include "lib/base/arena.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/bus/bus.h"
#include "lib/bus/topology.h"
#include "lib/msg/wake.h"

enum {
	RETRY_MS = 200,
	MAX_FILE = 64 * 1024,
	ENVELOPE = 1024, /* of BUS_MAX_MESSAGE, for headers */
};

struct publisher {
	struct arena *arena;
	struct publish_options options;
	const char *subject;
	const char *about;
	struct bus *bus; /* NULL: to be opened */
	uint64_t run;	 /* makes ids differ from those of other runs */
	uint64_t serial;
	int64_t ends_ms; /* monotonic; 0: not known yet */
	bool is_told;	 /* that the bus is away */
};

static int64_t monotonic_ms(void)
{
	struct clock_ops clock = clock_real();

	return clock.monotonic_us(clock.self) / 1000;
}

/* Without the line's end that editors leave; NULL: there is no such file. */
static const char *read_word(struct arena *a, const char *folder, const char *name)
{
	FILE *f = fopen(arena_printf(a, "%s/%s", folder, name), "re");
	char *text = arena_alloc(a, MAX_FILE);
	size_t n;

	if (!f)
		return NULL;
	n = fread(text, 1, MAX_FILE - 1, f);
	(void)fclose(f);
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		text[--n] = '\0';
	return text;
}

/* The files may be others than the last time: passwords change. */
static bool open_bus(struct publisher *p, struct err *err)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const char *folder = p->options.folder;
	const char *ca = arena_printf(a, "%s/ca.crt", folder);
	struct bus_options o = {
		.url = p->options.url,
		.user = read_word(a, folder, "username"),
		.password = read_word(a, folder, "password"),
		.name = "gateway",
		.ca_file = access(ca, R_OK) == 0 ? ca : NULL,
	};

	p->bus = bus_new(&o, err);
	return p->bus != NULL;
}

struct publisher *publisher_new(const struct publish_options *o, struct err *err)
{
	struct arena *a = arena_new();
	struct publisher *p = arena_alloc(a, sizeof(*p));
	struct clock_ops clock = clock_real();

	*p = (struct publisher){ .arena = a, .options = *o, .run = clock.random(clock.self) };
	p->subject = subject_for(a, "evt.usage", o->ns, o->api);
	p->about = arena_printf(a, "%s/%s", o->ns, o->api);
	if (open_bus(p, err))
		return p;
	arena_free(a);
	return NULL;
}

void publisher_free(struct publisher *p)
{
	bus_free(p->bus);
	arena_free(p->arena);
}

/* ---- one event ---- */

static void tell(struct publisher *p, const struct err *why)
{
	if (why && !p->is_told)
		(void)fprintf(
			stderr, "gateway-usage: not published yet, tried again: %s\n", why->msg);
	if (!why && p->is_told)
		(void)fputs("gateway-usage: published again\n", stderr);
	p->is_told = why != NULL;
}

static bool try_once(struct publisher *p, const struct bus_message *m, struct err *err)
{
	struct bus_ops ops;

	if (!p->bus && !open_bus(p, err))
		return false;
	ops = bus_ops(p->bus);
	if (ops.publish(ops.self, m, err))
		return true;
	if (err->code == ERR_DENIED) {
		bus_free(p->bus);
		p->bus = NULL;
	}
	return false;
}

/* Collecting has ended, and so has the time for last words. */
static bool is_over(struct publisher *p, struct collector *c)
{
	int64_t now = monotonic_ms();

	if (p->ends_ms == 0 && collector_has_ended(c))
		p->ends_ms = now + p->options.last_words_ms;
	return p->ends_ms != 0 && now >= p->ends_ms;
}

/* No time mends these. */
static bool is_hopeless(const struct err *err)
{
	return err->code == ERR_LIMIT || err->code == ERR_BUG || err->code == ERR_INVALID;
}

/* True when it is stored. Tries for as long as c is collecting, and a moment more. */
static bool publish(struct publisher *p, const char *data, struct collector *c)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct bus_message m = { .subject = p->subject,
		.data = data,
		.n = strlen(data),
		.id = arena_printf(a, "%016" PRIx64 "-%" PRIu64, p->run, ++p->serial),
		.ce_type = "com.wso2.apim.usage",
		.ce_source = "/apim.wso2.com/gateway",
		.ce_subject = p->about };
	struct err err;

	m.ce_id = m.id;
	while (!try_once(p, &m, &err)) {
		tell(p, &err);
		if (is_hopeless(&err) || is_over(p, c))
			return false;
		collector_pause(c, RETRY_MS);
	}
	tell(p, NULL);
	return true;
}

void publish_tally(struct publisher *p, const struct tally *t, struct collector *c,
	uint64_t *ret_published, uint64_t *ret_lost)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct clock_ops clock = clock_real();
	struct vec events = { 0 };

	*ret_published = *ret_lost = 0;
	tally_tell(t, a, p->options.gateway, clock.now_ms(clock.self), BUS_MAX_MESSAGE - ENVELOPE,
		&events);
	vec_foreach (const struct tally_event *, e, &events)
		*(publish(p, e->data, c) ? ret_published : ret_lost) += e->requests;
}
