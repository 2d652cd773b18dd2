#include "gateway/nginx/hook.h"

#include <time.h>

#include "gateway/core/fault.h"
#include "gateway/hook/hook.h"
#include "gateway/nginx/view.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"

enum {
	MAX_SAID = 16 * 1024 * 1024, /* more than any memory of a hook holds */
};

/* ---- scripts ---- */

static uint64_t processor_time(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static struct hooks *compile(const struct contract_scripts *s, struct err *err)
{
	struct hook_limits limits = { s->ms, s->kilobytes, processor_time };
	struct hooks *h = hooks_new(&limits);

	if (!h) {
		err_set(err, ERR_LIMIT, "no memory");
		return NULL;
	}
	for (size_t i = 0; i < s->n; i++)
		if (!hooks_add(h, s->at[i].text, strlen(s->at[i].text), err)) {
			err_wrap(err, "hooks.scripts[%zu]", i);
			hooks_free(h);
			return NULL;
		}
	return h;
}

bool hook_test(const struct apim *m, struct err *err)
{
	struct hooks *h;

	if (m->contract->scripts.n == 0)
		return true;
	h = compile(&m->contract->scripts, err);
	hooks_free(h);
	return h != NULL;
}

bool hook_start(struct apim *m, ngx_log_t *log)
{
	struct err err;

	if (m->contract->scripts.n == 0)
		return true;
	m->hooks = compile(&m->contract->scripts, &err);
	if (!m->hooks)
		ngx_log_error(NGX_LOG_EMERG, log, 0, "%s", err.msg);
	return m->hooks != NULL;
}

void hook_stop(struct apim *m)
{
	hooks_free(m->hooks);
	m->hooks = NULL;
}

/* ---- running ---- */

static const char *const reasons[HOOK_OUTCOMES] = {
	[HOOK_ANSWERED] = "answered by a hook",
	[HOOK_FAILED] = "hook failed",
	[HOOK_TOO_LONG] = "hook took too long",
	[HOOK_TOO_LARGE] = "hook took too much memory",
};

static enum hook_outcome run_one(
	struct looked_at *l, const struct contract_script *script, struct hook_changes *changes)
{
	enum hook_phase phase = l->is_response ? HOOK_RESPONSE : HOOK_REQUEST;
	struct hook_view view = view_of(l, script);
	enum hook_outcome outcome;
	const char *why;

	outcome =
		hooks_run(l->m->hooks, l->ctx->arena, script->number, phase, &view, changes, &why);
	metrics_hook(l->m, l->is_response, outcome);
	if (why)
		ngx_log_error(NGX_LOG_WARN, l->r->connection->log, 0, "%s hook of %s, %s: %s",
			l->is_response ? "response" : "request", l->ctx->verdict.api->title,
			l->ctx->verdict.operation->id, why);
	if (outcome != HOOK_WENT_ON)
		l->ctx->reason = reasons[outcome];
	return outcome;
}

/* Both, until one says more than "go on". */
static enum hook_outcome run_both(struct looked_at *l, const struct contract_script *first,
	const struct contract_script *second, struct hook_changes *changes)
{
	enum hook_outcome outcome = first ? run_one(l, first, changes) : HOOK_WENT_ON;

	return outcome == HOOK_WENT_ON && second ? run_one(l, second, changes) : outcome;
}

/* What was said about a body that another one has replaced. */
static bool is_about_body(const ngx_table_elt_t *h)
{
	static const char *const names[] = { "etag", "last-modified", "content-md5", "digest",
		"content-digest", "repr-digest" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (view_is_named(h, names[i]))
			return true;
	return false;
}

/* ---- requests ---- */

static const struct hook_header *change_of(
	const struct hook_changes *changes, const ngx_table_elt_t *h)
{
	for (size_t i = 0; i < changes->n_headers; i++)
		if (view_is_named(h, changes->headers[i]->lower))
			return changes->headers[i];
	return NULL;
}

static bool push_values(ngx_list_t *list, const struct hook_header *from)
{
	for (size_t i = 0; i < from->n; i++) {
		ngx_table_elt_t *h = ngx_list_push(list);

		if (!h)
			return false;
		*h = (ngx_table_elt_t){
			.hash = 1,
			.key = { strlen(from->name), (u_char *)(uintptr_t)from->name },
			.value = { from->value[i].n, (u_char *)(uintptr_t)from->value[i].at },
			.lowcase_key = (u_char *)(uintptr_t)from->lower,
		};
		h->hash = ngx_hash_key(h->lowcase_key, h->key.len);
	}
	return true;
}

static bool is_kept(const struct hook_changes *changes, const ngx_table_elt_t *h)
{
	return !change_of(changes, h) && !(changes->has_body && is_about_body(h));
}

/* Made anew, as headers_strip does. */
static bool change_headers(ngx_http_request_t *r, const struct hook_changes *changes)
{
	ngx_list_t kept;

	if (changes->n_headers == 0 && !changes->has_body)
		return true;
	if (ngx_list_init(&kept, r->pool, 20, sizeof(ngx_table_elt_t)) != NGX_OK)
		return false;
	for (ngx_list_part_t *part = &r->headers_in.headers.part; part; part = part->next) {
		const ngx_table_elt_t *h = part->elts;

		for (ngx_uint_t i = 0; i < part->nelts; i++) {
			ngx_table_elt_t *copy;

			if (!is_kept(changes, &h[i]))
				continue;
			copy = ngx_list_push(&kept);
			if (!copy)
				return false;
			*copy = h[i];
		}
	}
	for (size_t i = 0; i < changes->n_headers; i++)
		if (!push_values(&kept, changes->headers[i]))
			return false;
	header_replace_all(r, &kept);
	return true;
}

static void change_query(struct ctx *ctx, const struct hook_changes *changes)
{
	struct span path = ctx->verdict.forward;
	char *target;

	if (!changes->has_query)
		return;
	(void)view_cut_query(&path);
	target = arena_printf(ctx->arena, "%.*s%s%.*s", (int)path.n, path.at,
		changes->query.n > 0 ? "?" : "", (int)changes->query.n, changes->query.at);
	ctx->verdict.forward = text_span(target);
}

static ngx_int_t answer(ngx_http_request_t *r)
{
	const struct hook_changes *changes = ctx_get(r)->hook_answer;
	struct span type = text_span("text/plain");

	for (size_t i = 0; i < changes->answer.n_headers; i++) {
		const struct hook_header *h = changes->answer.headers[i];

		if (strcmp(h->lower, "content-type") == 0 && h->n > 0)
			type = h->value[0];
		else if (!push_values(&r->headers_out.headers, h))
			return NGX_ERROR;
	}
	return request_answer(r, (ngx_uint_t)changes->answer.status, type, changes->answer.body);
}

/* A backend may answer by it: answers that are kept are told apart by it, too. */
static struct span digits_of(struct arena *a, const struct hook_changes *changes)
{
	struct str s;

	if (changes->n_headers == 0 && !changes->has_body)
		return text_span("");
	str_init(&s, a, MAX_SAID);
	if (changes->has_body)
		str_addf(&s, "%s\n", sha256_hex(a, changes->body.at, changes->body.n));
	for (size_t i = 0; i < changes->n_headers; i++) {
		const struct hook_header *h = changes->headers[i];

		str_addf(&s, "%s %zu", h->lower, h->n);
		for (size_t k = 0; k < h->n; k++) {
			str_addf(&s, " %zu ", h->value[k].n);
			str_addn(&s, h->value[k].at, h->value[k].n);
		}
		str_addc(&s, '\n');
	}
	return text_span(sha256_hex(a, s.ptr, s.len));
}

static ngx_int_t no_room(ngx_http_request_t *r)
{
	(void)r;
	return NGX_HTTP_SERVICE_UNAVAILABLE;
}

/* False: the request cannot go on. */
static bool change_request(
	ngx_http_request_t *r, const struct apim *m, struct ctx *ctx, const struct hook_changes *c)
{
	change_query(ctx, c);
	if (m->changes)
		ctx->hooked = digits_of(ctx->arena, c);
	return change_headers(r, c) && (!c->has_body || body_change(r, ctx, c->body));
}

bool hook_request(ngx_http_request_t *r, struct apim *m, struct ctx *ctx)
{
	static const char stream[] = "a gRPC call's is a stream";
	const struct contract_script *first = ctx->verdict.api->hooks.request;
	const struct contract_script *second = ctx->verdict.operation->hooks.request;
	struct looked_at l = { .r = r,
		.m = m,
		.ctx = ctx,
		.body = ctx->body,
		.most_body = script_least_body(first, second),
		.body_hidden = ctx->is_grpc ? stream : NULL,
		.body_fixed = ctx->is_grpc ? stream : NULL };
	struct hook_changes *changes;

	if (!first && !second)
		return true;
	changes = arena_alloc(ctx->arena, sizeof(*changes));
	switch (run_both(&l, first, second, changes)) {
	case HOOK_WENT_ON:
		if (change_request(r, m, ctx, changes))
			return true;
		ctx->endpoint = NULL;
		r->content_handler = no_room;
		return false;
	case HOOK_ANSWERED:
		ctx->hook_answer = changes;
		ctx->endpoint = NULL;
		r->content_handler = answer;
		return false;
	case HOOK_FAILED:
	case HOOK_TOO_LONG:
	case HOOK_TOO_LARGE:
	case HOOK_OUTCOMES:
		break;
	}
	ctx->endpoint = NULL;
	request_fail(r, ctx, FAULT_HOOK, ctx->reason);
	return false;
}

/* ---- responses ---- */

/* nginx remembers where some headers stand; those would be sent all the same. */
static void forget(ngx_http_headers_out_t *out, const ngx_table_elt_t *h)
{
	if (out->location == h)
		out->location = NULL;
	if (out->etag == h)
		out->etag = NULL;
	if (out->last_modified == h) {
		out->last_modified = NULL;
		out->last_modified_time = -1;
	}
}

static void remove_headers(ngx_http_headers_out_t *out, const struct hook_changes *changes)
{
	for (ngx_list_part_t *part = &out->headers.part; part; part = part->next) {
		ngx_table_elt_t *h = part->elts;

		for (ngx_uint_t i = 0; i < part->nelts; i++)
			if (!is_kept(changes, &h[i])) {
				h[i].hash = 0; /* not sent */
				forget(out, &h[i]);
			}
	}
}

static void change_type(ngx_http_headers_out_t *out, const struct hook_header *h)
{
	ngx_str_t type = ngx_null_string;

	if (h->n > 0)
		type = (ngx_str_t){ h->value[0].n, (u_char *)(uintptr_t)h->value[0].at };
	out->content_type = type;
	out->content_type_len = type.len;
	out->content_type_lowcase = NULL;
	ngx_str_null(&out->charset);
}

static bool change_response(ngx_http_request_t *r, const struct hook_changes *changes)
{
	ngx_http_headers_out_t *out = &r->headers_out;

	remove_headers(out, changes);
	for (size_t i = 0; i < changes->n_headers; i++) {
		const struct hook_header *h = changes->headers[i];

		if (strcmp(h->lower, "content-type") == 0)
			change_type(out, h);
		else if (!push_values(&out->headers, h))
			return false;
	}
	if (changes->status != 0) {
		out->status = (ngx_uint_t)changes->status;
		ngx_str_null(&out->status_line);
	}
	return true;
}

size_t hook_asks_for_answer(const struct verdict *v)
{
	return script_least_body(v->operation->hooks.response, v->api->hooks.response);
}

bool hook_answer(ngx_http_request_t *r, struct apim *m, struct ctx *ctx, enum hook_sight sight)
{
	static const char stream[] = "the answer is a stream";
	static const char none[] = "this answer has none";
	const struct contract_script *first = ctx->verdict.operation->hooks.response;
	const struct contract_script *second = ctx->verdict.api->hooks.response;
	struct looked_at l = { .r = r,
		.m = m,
		.ctx = ctx,
		.is_response = true,
		.body = { (const char *)ctx->answer.at, ctx->answer.n },
		.most_body = script_least_body(first, second),
		.body_hidden = sight == HOOK_SEES_STREAM ? stream : NULL,
		.body_fixed = sight == HOOK_SEES_STREAM ? stream
			      : sight == HOOK_SEES_NONE ? none
							: NULL };
	struct hook_changes *changes;

	if (!first && !second)
		return true;
	changes = arena_alloc(ctx->arena, sizeof(*changes));
	if (run_both(&l, first, second, changes) != HOOK_WENT_ON)
		return false;
	if (change_response(r, changes) &&
		(!changes->has_body || body_replace(ctx, &ctx->answer, changes->body)))
		return true;
	ctx->reason = "no room for what a hook made";
	return false;
}
