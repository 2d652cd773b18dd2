#include "tests/support/hooked.h"

#include <time.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "tests/support/unit.h"

struct span hooked_span(const char *text)
{
	return (struct span){ text, strlen(text) };
}

static bool sent_header(void *arg, const char *name, struct span *ret)
{
	static const char *const headers[][2] = { { "x-tenant", "blue" },
		{ "accept", "text/plain" }, { "x-empty", "" } };

	(void)arg;
	for (size_t i = 0; i < ARRAY_LEN(headers); i++)
		if (str_eq(headers[i][0], name)) {
			*ret = hooked_span(headers[i][1]);
			return true;
		}
	return false;
}

static bool answered_header(void *arg, const char *name, struct span *ret)
{
	(void)arg;
	*ret = hooked_span("text/html");
	return str_eq(name, "content-type");
}

static const struct json *claims(void *arg)
{
	const struct hooked *f = arg;
	struct err err;

	return f->claims ? json_parse(f->a, f->claims, strlen(f->claims), &err) : NULL;
}

static bool is_reserved(void *arg, const char *name)
{
	(void)arg;
	return str_eq(name, "x-jwt-assertion");
}

uint64_t hooked_processor_time(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void hooked_set_up(struct hooked *f, struct hook_limits limits)
{
	*f = (struct hooked){ .a = arena_new(), .hooks = hooks_new(&limits) };
	assert_non_null(f->hooks);
	f->view = (struct hook_view){ .method = hooked_span("GET"),
		.path = hooked_span("/store/v1/products"),
		.query = hooked_span("limit=5"),
		.client = hooked_span("10.0.0.1"),
		.api = hooked_span("Store"),
		.operation = hooked_span("listProducts"),
		.user = hooked_span("alice"),
		.status = 200,
		.header = sent_header,
		.response_header = answered_header,
		.claims = claims,
		.is_reserved = is_reserved,
		.arg = f };
	f->view.body_hidden = f->view.body_fixed = "it was not asked for";
}

void hooked_show_body(struct hooked *f, const char *text, size_t most)
{
	f->view.body = hooked_span(text);
	f->view.most_body = most;
	f->view.body_hidden = f->view.body_fixed = NULL;
}

const struct hook_limits hooked_usual = { .ms = 5, .kilobytes = 1024 };

void hooked_release(struct hooked *f)
{
	hooks_free(f->hooks);
	arena_free(f->a);
}

enum hook_outcome hooked_go_on(struct hooked *f, const char *text)
{
	struct err err = { .msg = "" };

	if (!hooks_add(f->hooks, text, strlen(text), &err))
		fail_msg("%s: %s", text, err.msg);
	return hooks_run(f->hooks, f->a, f->n++, f->phase, &f->view, &f->changes, &f->why);
}

enum hook_outcome hooked_run(struct hooked *f, const char *text)
{
	f->changes = (struct hook_changes){ 0 };
	return hooked_go_on(f, text);
}

void hooked_fails(struct hooked *f, const char *text, const char *why)
{
	enum hook_outcome outcome = hooked_run(f, text);

	if (outcome != HOOK_FAILED || !f->why || !strstr(f->why, why))
		fail_msg("%s: outcome %d, %s, expected %s", text, outcome, f->why, why);
}

void hooked_true(struct hooked *f, const char *condition)
{
	enum hook_outcome outcome = hooked_run(f, arena_printf(f->a, "assert(%s)", condition));

	if (outcome != HOOK_WENT_ON)
		fail_msg("%s: outcome %d, %s", condition, outcome, f->why);
}

void hooked_says(struct span s, const char *text)
{
	assert_int_equal(s.n, strlen(text));
	assert_memory_equal(s.at, text, s.n);
}

const struct hook_header *hooked_header(const struct hooked *f, const char *lower)
{
	for (size_t i = 0; i < f->changes.n_headers; i++)
		if (str_eq(f->changes.headers[i]->lower, lower))
			return f->changes.headers[i];
	fail_msg("%s was not changed", lower);
	return NULL;
}

void hooked_ends_soon(struct hooked *f, const char *text)
{
	uint64_t begin = hooked_processor_time();
	enum hook_outcome outcome = hooked_run(f, text);
	uint64_t ms = (hooked_processor_time() - begin) / 1000000;

	if (outcome != HOOK_TOO_LONG && outcome != HOOK_TOO_LARGE)
		fail_msg("%s: outcome %d, %s", text, outcome, f->why);
	if (ms > 50)
		fail_msg("%s: took %d ms", text, (int)ms);
}
