/* What runs of hooks cost: the usual ones, and those that try to cost as much as they can. Prints
 * rows of a table. */
#include "gateway/hook/hook.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

enum {
	ROUNDS = 21,
	MOST = 20000, /* runs of one round */
	BODY = 1024,
};

static const struct {
	const char *what;
	const char *text;
	int runs;
} scripts[] = {
	{ "nothing", "", MOST },
	{ "one header read, one set",
		"local t = request.headers['x-tenant'] if t then request.headers['X-Out'] = t end",
		MOST },
	{ "a header checked, two set, one removed, the query changed",
		"local t = request.headers['x-tenant']\n"
		"if not t then return {status = 403} end\n"
		"request.headers['X-Out'] = t:upper() .. '-1'\n"
		"request.headers['X-User'] = request.user\n"
		"request.headers['X-Old'] = nil\n"
		"request.query = 'tenant=' .. t",
		MOST },
	{ "an answer", "return {status = 403, body = 'no', headers = {['X-Why'] = 'rule'}}", MOST },
	{ "a body of 1 kB read", "assert(#request.body > 0)", MOST },
	{ "1 kB of JSON read, 16 objects", "assert(#json.decode(request.body) == 16)", 2000 },
	{ "1 kB of JSON read, a member set, written",
		"local v = json.decode(request.body) v[1].name = 'x' request.body = json.encode(v)",
		2000 },
	{ "an endless loop", "while true do end", 20 },
	{ "tables without end", "local t = {} while true do t[#t + 1] = {} end", 20 },
	{ "long texts compared without end",
		"local a = ('x'):rep(250000) local b = a:sub(1, 249999) .. 'y' while a < b do end",
		20 },
	{ "long texts searched without end",
		"local a = ('ab'):rep(50000) while true do a:find('abac') end", 20 },
	{ "tables joined without end",
		"local t = {} for i = 1, 5000 do t[i] = '' end while true do table.concat(t) end",
		20 },
	{ "JSON of long texts read without end",
		"local s = '\"' .. ('x'):rep(50000) .. '\"' while true do json.decode(s) end", 20 },
	{ "JSON written without end",
		"local t = {} for i = 1, 500 do t[i] = 'x' end while true do json.encode(t) end",
		20 },
};

static uint64_t processor_time(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static bool header(void *arg, const char *name, struct span *ret)
{
	(void)arg;
	*ret = (struct span){ "blue", 4 };
	return str_eq(name, "x-tenant");
}

static int by_value(const void *x, const void *y)
{
	const double *a = x;
	const double *b = y;

	return (*a > *b) - (*a < *b);
}

/* As many products as there is room for. */
static struct span a_body(struct arena *a)
{
	struct str s;

	str_init(&s, a, 2 * BODY);
	str_addc(&s, '[');
	for (int i = 1; s.len < BODY - 60; i++)
		str_addf(&s,
			"%s{\"id\":%d,\"name\":\"product %d\",\"price\":%d.99,\"tags\":[\"new\"]}",
			i > 1 ? "," : "", 1000 + i, i, i);
	str_addc(&s, ']');
	return (struct span){ s.ptr, s.len };
}

/* Microseconds of one run. */
static double round_of(struct hooks *h, size_t script, struct span body)
{
	const struct hook_view view = {
		.method = { "GET", 3 },
		.path = { "/store/products", 15 },
		.user = { "alice", 5 },
		.body = body,
		.most_body = (size_t)64 * BODY,
		.header = header,
	};
	AUTO(arena_auto) struct arena *a = arena_new();
	uint64_t begin = processor_time();
	const char *why;

	for (int i = 0; i < scripts[script].runs; i++) {
		struct hook_changes *changes = arena_alloc(a, sizeof(*changes));

		(void)hooks_run(h, a, script, HOOK_REQUEST, &view, changes, &why);
		arena_reset(a);
	}
	return (double)(processor_time() - begin) / 1000 / scripts[script].runs;
}

int main(void)
{
	const struct hook_limits limits = {
		.ms = 5, .kilobytes = 1024, .clock_ns = processor_time
	};
	AUTO(arena_auto) struct arena *all = arena_new();
	struct hooks *h = hooks_new(&limits);
	struct span body = a_body(all);

	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		double us[ROUNDS];
		struct err err;

		if (!h || !hooks_add(h, scripts[i].text, strlen(scripts[i].text), &err))
			return EXIT_FAILURE;
		for (int k = 0; k < ROUNDS; k++)
			us[k] = round_of(h, i, body);
		qsort(us, ROUNDS, sizeof(*us), by_value);
		printf("| %s | %.1f (%.1f–%.1f) |\n", scripts[i].what, us[ROUNDS / 2], us[0],
			us[ROUNDS - 1]);
	}
	hooks_free(h);
	return EXIT_SUCCESS;
}
