#include "gateway/usage/tally.h"

#include "gateway/nginx/text.h"
#include "lib/base/arena.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

enum {
	SLOTS = 2 * TALLY_MAX_LINES,
};

struct line {
	struct usage key; /* texts in the tally's arena */
	uint64_t hash;
	uint64_t count;
	uint64_t ms;
	uint64_t backend_ms;
	uint32_t most_ms;
};

struct tally {
	struct arena *arena;
	struct line *slots[SLOTS]; /* by hash; the next free one when it is taken */
	struct vec lines;	   /* struct line *, as they came */
	uint64_t requests;
	uint64_t lost;
	int64_t since_ms; /* 0: nothing happened yet */
};

struct tally *tally_new(void)
{
	struct tally *t = calloc(1, sizeof(*t));

	if (!t)
		abort();
	t->arena = arena_new();
	return t;
}

void tally_free(struct tally *t)
{
	arena_free(t->arena);
	free(t);
}

void tally_clear(struct tally *t)
{
	struct arena *a = t->arena;

	arena_reset(a);
	*t = (struct tally){ .arena = a };
}

size_t tally_lines(const struct tally *t)
{
	return t->lines.n;
}

uint64_t tally_requests(const struct tally *t)
{
	return t->requests;
}

uint64_t tally_lost(const struct tally *t)
{
	return t->lost;
}

/* ---- adding up ---- */

static uint64_t mix(uint64_t h, const void *bytes, size_t n)
{
	const unsigned char *b = bytes;

	/* FNV-1a; the length keeps "ab" + "c" apart from "a" + "bc". */
	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * UINT64_C(0x100000001b3);
	return (h ^ n) * UINT64_C(0x100000001b3);
}

static uint64_t hash_of(const struct usage *u)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	uint32_t kind = (uint32_t)u->status << 1 | u->sandbox;

	h = mix(h, u->api.at, u->api.n);
	h = mix(h, u->version.at, u->version.n);
	h = mix(h, u->operation.at, u->operation.n);
	h = mix(h, u->application.at, u->application.n);
	h = mix(h, &kind, sizeof(kind));
	return h ^ h >> 32;
}

static bool same(struct span x, struct span y)
{
	return x.n == y.n && (x.n == 0 || memcmp(x.at, y.at, x.n) == 0);
}

static bool is_about(const struct line *l, const struct usage *u, uint64_t hash)
{
	const struct usage *k = &l->key;

	return l->hash == hash && k->status == u->status && k->sandbox == u->sandbox &&
	       same(k->api, u->api) && same(k->version, u->version) &&
	       same(k->operation, u->operation) && same(k->application, u->application);
}

static struct span keep(struct arena *a, struct span s)
{
	return (struct span){ arena_dupn(a, s.n > 0 ? s.at : "", s.n), s.n };
}

/* NULL: there is no room for one more. */
static struct line *line_of(struct tally *t, const struct usage *u)
{
	uint64_t hash = hash_of(u);
	size_t i = hash % SLOTS;
	struct line *l;

	for (; t->slots[i]; i = (i + 1) % SLOTS)
		if (is_about(t->slots[i], u, hash))
			return t->slots[i];
	if (t->lines.n == TALLY_MAX_LINES)
		return NULL;
	l = arena_alloc(t->arena, sizeof(*l));
	l->key = *u;
	l->key.api = keep(t->arena, u->api);
	l->key.version = keep(t->arena, u->version);
	l->key.operation = keep(t->arena, u->operation);
	l->key.application = keep(t->arena, u->application);
	l->hash = hash;
	t->slots[i] = l;
	vec_add(t->arena, &t->lines, l);
	return l;
}

static void note_begin(struct tally *t, int64_t now_ms)
{
	if (t->since_ms == 0)
		t->since_ms = now_ms;
}

void tally_lose(struct tally *t, uint64_t requests, int64_t now_ms)
{
	if (requests == 0)
		return;
	note_begin(t, now_ms);
	t->lost += requests;
}

void tally_add(struct tally *t, const struct usage *u, int64_t now_ms)
{
	struct line *l = line_of(t, u);

	if (!l) {
		tally_lose(t, 1, now_ms);
		return;
	}
	note_begin(t, now_ms);
	t->requests++;
	l->count++;
	l->ms += u->ms;
	l->backend_ms += u->backend_ms;
	if (u->ms > l->most_ms)
		l->most_ms = u->ms;
}

/* ---- telling ---- */

enum {
	LONGEST_LINE = 4 * 6 * USAGE_MAX_TEXT + 512, /* all of it escaped */
};

struct out {
	char *at;
	const char *end;
};

static void add(struct out *o, const char *text)
{
	o->at = text_add(o->at, o->end, text);
}

/* Names come from tokens, too: what is no UTF-8 must not spoil an event. */
static void add_text(struct out *o, const char *key, struct span s)
{
	add(o, key);
	add(o, "\"");
	o->at = text_json(o->at, o->end, s);
	add(o, "\"");
}

static void add_number(struct out *o, const char *key, uint64_t n)
{
	add(o, key);
	o->at = text_number(o->at, o->end, n);
}

static const char *line_text(struct arena *a, const struct line *l)
{
	const struct usage *k = &l->key;
	char line[LONGEST_LINE];
	struct out o = { line, line + sizeof(line) };

	add_text(&o, "{\"api\":", k->api);
	add_text(&o, ",\"version\":", k->version);
	add_text(&o, ",\"operation\":", k->operation);
	add_text(&o, ",\"application\":", k->application);
	add(&o, k->sandbox ? ",\"keyType\":\"SANDBOX\"" : ",\"keyType\":\"PRODUCTION\"");
	add_number(&o, ",\"status\":", k->status);
	add_number(&o, ",\"count\":", l->count);
	add_number(&o, ",\"latencyMs\":{\"sum\":", l->ms);
	add_number(&o, ",\"max\":", l->most_ms);
	add_number(&o, "},\"backendLatencyMs\":{\"sum\":", l->backend_ms);
	add(&o, "}}");
	return arena_dupn(a, line, (size_t)(o.at - line));
}

static char *head_text(
	const struct tally *t, struct arena *a, const char *gateway, int64_t now_ms, uint64_t lost)
{
	const char *text = json_text(
		a, json_format(a, "{'gateway':%s,'from':%s,'to':%s,'lost':%l}", gateway,
			   clock_rfc3339(a, t->since_ms), clock_rfc3339(a, now_ms), (int64_t)lost));

	return arena_printf(a, "%.*s,\"usage\":[", (int)(strlen(text) - 1), text);
}

static void end_event(struct arena *a, struct str *s, uint64_t requests, struct vec *ret)
{
	struct tally_event *e = arena_alloc(a, sizeof(*e));

	str_add(s, "]}");
	*e = (struct tally_event){ s->ptr, requests };
	vec_add(a, ret, e);
}

void tally_tell(const struct tally *t, struct arena *a, const char *gateway, int64_t now_ms,
	size_t max_bytes, struct vec *ret)
{
	uint64_t requests = 0;
	bool is_first = true;
	struct str s;

	if (t->since_ms == 0)
		return;
	str_init(&s, a, max_bytes);
	str_add(&s, head_text(t, a, gateway, now_ms, t->lost));
	vec_foreach (const struct line *, l, &t->lines) {
		const char *text = line_text(a, l);

		if (!is_first && s.len + strlen(text) + strlen(",]}") > max_bytes) {
			end_event(a, &s, requests, ret);
			str_init(&s, a, max_bytes);
			/* What was lost is said once. */
			str_add(&s, head_text(t, a, gateway, now_ms, 0));
			is_first = true;
			requests = 0;
		}
		str_addf(&s, "%s%s", is_first ? "" : ",", text);
		is_first = false;
		requests += l->count;
	}
	end_event(a, &s, requests, ret);
}
