/* Asks key managers about opaque tokens. Requests with the same token wait for one answer; when it
 * is there each is decided again. */
#include "gateway/core/credentials.h"
#include "gateway/core/introspection.h"
#include "gateway/nginx/apim.h"
#include "gateway/nginx/outbound.h"
#include "lib/base/arena.h"
#include "lib/base/hash.h"

enum {
	TIMEOUT_MS = 5000,
	MAX_QUESTIONS = 1000, /* of a worker, at one time */
};

struct question {
	ngx_queue_t queue; /* in questions */
	struct apim *apim;
	struct arena *arena;
	size_t scheme;
	struct span token;
	ngx_queue_t waiting; /* struct ctx */
	struct outbound *call;
};

static ngx_queue_t questions; /* a worker has one thread */
static size_t n_questions;

static void drop(struct question *q)
{
	ngx_queue_remove(&q->queue);
	n_questions--;
	arena_free(q->arena);
}

static void resume(struct ctx *ctx, const struct introspection *outcome)
{
	ngx_http_request_t *r = ctx->request;
	ngx_connection_t *c = r->connection;

	ngx_queue_remove(&ctx->waiting);
	ctx->is_waiting = false;
	ctx->introspection = outcome;
	ngx_http_set_log_request(c->log, r);
	ngx_http_core_run_phases(r);
	ngx_http_run_posted_requests(c);
}

/* A request that goes on may end others: the queue is looked at anew each time. */
static void tell(struct question *q, const struct introspection *outcome)
{
	core_learn(q->apim->core, q->scheme, q->token, outcome);
	while (!ngx_queue_empty(&q->waiting))
		resume(ngx_queue_data(ngx_queue_head(&q->waiting), struct ctx, waiting), outcome);
	drop(q);
}

static void on_outcome(void *arg, const struct answer *answer, const char *why)
{
	struct question *q = arg;
	struct introspection outcome = { .failure = why };

	if (answer)
		introspection_read(q->arena, answer->status, answer->body, ngx_time(), &outcome);
	if (outcome.failure)
		ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "key manager \"%s\": %s",
			q->apim->contract->schemes[q->scheme].key_manager.url, outcome.failure);
	tell(q, &outcome);
}

static const char *headers(struct arena *a, const struct credential_set *set)
{
	const char *pair = arena_printf(a, "%s:%s", set->username, set->password);

	return arena_printf(a,
		"Authorization: Basic %s\r\nContent-Type: application/x-www-form-urlencoded\r\n"
		"Accept: application/json\r\n",
		base64_encode(a, pair, strlen(pair)));
}

static struct question *find(size_t scheme, struct span token)
{
	for (ngx_queue_t *i = ngx_queue_head(&questions); i != ngx_queue_sentinel(&questions);
		i = ngx_queue_next(i)) {
		struct question *q = ngx_queue_data(i, struct question, queue);

		if (q->scheme == scheme && q->token.n == token.n &&
			memcmp(q->token.at, token.at, token.n) == 0)
			return q;
	}
	return NULL;
}

static struct question *ask(
	struct apim *m, size_t scheme, struct span token, const struct credential_set *set)
{
	struct arena *a = arena_new();
	struct question *q = arena_alloc(a, sizeof(*q));
	const struct contract_scheme *s = &m->contract->schemes[scheme];
	struct outbound_call call = {
		.to = &s->key_manager,
		.method = "POST",
		.target = *s->key_manager.path ? s->key_manager.path : "/",
		.headers = headers(a, set),
		.body = introspection_question(a, token),
		.keys = set->keys,
		.n_keys = set->n_keys,
		.max_bytes = INTROSPECTION_MAX_BYTES,
		.timeout_ms = TIMEOUT_MS,
		.done = on_outcome,
		.arg = q,
	};

	*q = (struct question){ .apim = m,
		.arena = a,
		.scheme = scheme,
		.token = { arena_dupn(a, token.at, token.n), token.n } };
	ngx_queue_init(&q->waiting);
	ngx_queue_insert_head(&questions, &q->queue);
	n_questions++;
	q->call = outbound_start(m, &call);
	return q;
}

bool introspect(struct apim *m, struct ctx *ctx)
{
	size_t scheme = ctx->verdict.ask_scheme;
	struct span token = ctx->verdict.ask_token;
	const struct credentials *credentials = watch_credentials(m);
	struct question *q;

	if (!questions.next) {
		ngx_queue_init(&questions); /* a macro of several statements */
	}
	q = find(scheme, token);
	if (!q && credentials && credentials->sets[scheme].is_loaded && n_questions < MAX_QUESTIONS)
		q = ask(m, scheme, token, &credentials->sets[scheme]);
	if (!q)
		return false;
	ngx_queue_insert_tail(&q->waiting, &ctx->waiting);
	ctx->is_waiting = true;
	return true;
}

void introspect_stop_all(void)
{
	while (questions.next && !ngx_queue_empty(&questions)) {
		struct question *q =
			ngx_queue_data(ngx_queue_head(&questions), struct question, queue);

		outbound_cancel(q->call);
		drop(q);
	}
}
