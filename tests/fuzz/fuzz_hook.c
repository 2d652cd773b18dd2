/* Any bytes as a script, for a request and for a response, with their bodies: it ends within its
 * bounds, what it wants can be sent, and it wants the same again. */
#include <ctype.h>

#include "gateway/hook/hook.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

enum {
	MOST_BODY = 4096,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool header(void *arg, const char *name, struct span *ret)
{
	(void)arg;
	*ret = (struct span){ "blue, green", 11 };
	return strchr(name, 't') != NULL;
}

static const struct json *claims(void *arg)
{
	static const char text[] = "{\"sub\":\"alice\",\"list\":[1,2.5,true,null,{\"a\":\"b\"}]}";
	struct err err;

	return json_parse(arg, text, sizeof(text) - 1, &err);
}

static bool is_reserved(void *arg, const char *name)
{
	(void)arg;
	return str_eq(name, "x-jwt-assertion");
}

static void check_headers(struct hook_header *const *headers, size_t n)
{
	if (n > HOOK_MAX_HEADERS)
		abort();
	for (size_t i = 0; i < n; i++) {
		const struct hook_header *h = headers[i];

		if (str_empty(h->name) || strlen(h->name) > HOOK_MAX_NAME ||
			h->n > HOOK_MAX_VALUES || strpbrk(h->name, "\r\n: \t") ||
			str_eq(h->lower, "x-jwt-assertion") || str_eq(h->lower, "host") ||
			str_eq(h->lower, "content-length"))
			abort();
		for (size_t k = 0; k < h->n; k++)
			for (size_t b = 0; b < h->value[k].n; b++)
				if (h->value[k].n > HOOK_MAX_VALUE ||
					(h->value[k].at[b] != '\t' &&
						iscntrl((unsigned char)h->value[k].at[b])))
					abort();
	}
}

static void check(enum hook_outcome outcome, const struct hook_changes *c, const char *why)
{
	if (outcome != HOOK_WENT_ON && outcome != HOOK_ANSWERED) {
		for (; why && *why; why++)
			if (*why < ' ' || *why > '~')
				abort();
		return;
	}
	if (why)
		abort();
	check_headers(c->headers, c->n_headers);
	check_headers(c->answer.headers, c->answer.n_headers);
	for (size_t i = 0; i < c->query.n; i++)
		if (c->query.at[i] <= ' ' || c->query.at[i] > '~' || c->query.at[i] == '#')
			abort();
	if (c->answer.body.n > HOOK_MAX_BODY || c->body.n > (c->has_body ? MOST_BODY : 0) ||
		(outcome == HOOK_ANSWERED) != (c->answer.status != 0))
		abort();
}

static bool same(struct span x, struct span y)
{
	return x.n == y.n && (x.n == 0 || memcmp(x.at, y.at, x.n) == 0);
}

static void compare(const struct hook_changes *x, const struct hook_changes *y)
{
	if (x->n_headers != y->n_headers || !same(x->query, y->query) || x->status != y->status ||
		x->has_body != y->has_body || !same(x->body, y->body) ||
		x->answer.status != y->answer.status || !same(x->answer.body, y->answer.body))
		abort();
	for (size_t i = 0; i < x->n_headers; i++)
		if (!str_eq(x->headers[i]->name, y->headers[i]->name) ||
			x->headers[i]->n != y->headers[i]->n ||
			(x->headers[i]->n > 0 &&
				!same(x->headers[i]->value[0], y->headers[i]->value[0])))
			abort();
}

static void run(struct hooks *h, struct arena *a, enum hook_phase phase)
{
	static const char body[] =
		"{\"id\":7,\"price\":1.5,\"name\":\"R\\u00e9x\",\"tags\":[\"a\",null,[],{}],\"ok\":true}";
	const struct hook_view view = { .method = { "GET", 3 },
		.path = { "/store/products", 15 },
		.query = { "limit=5", 7 },
		.user = { "alice", 5 },
		.status = 200,
		.body = { body, sizeof(body) - 1 },
		.most_body = MOST_BODY,
		.header = header,
		.response_header = header,
		.claims = claims,
		.is_reserved = is_reserved,
		.arg = a };
	struct hook_changes first = { 0 };
	struct hook_changes second = { 0 };
	const char *why;
	enum hook_outcome outcome = hooks_run(h, a, 0, phase, &view, &first, &why);

	check(outcome, &first, why);
	if (outcome != HOOK_WENT_ON && outcome != HOOK_ANSWERED)
		return;
	if (hooks_run(h, a, 0, phase, &view, &second, &why) != outcome)
		abort();
	compare(&first, &second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct hook_limits limits = { .ms = 1, .kilobytes = 256 };
	AUTO(arena_auto) struct arena *a = arena_new();
	struct hooks *h = hooks_new(&limits);
	struct err err = { .code = ERR_NONE };

	if (!h)
		abort();
	if (hooks_add(h, (const char *)data, n, &err)) {
		run(h, a, HOOK_REQUEST);
		run(h, a, HOOK_RESPONSE);
	} else if (err.code == ERR_NONE || !*err.msg) {
		abort();
	}
	hooks_free(h);
	return 0;
}
