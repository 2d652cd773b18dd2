/* Asks key managers about opaque tokens. Requests with the same question wait for one answer; when
 * it is there each is decided again. */
#include "gateway/core/credentials.h"
#include "gateway/core/introspection.h"
#include "gateway/core/soap.h"
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
	struct core_question asked;
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

/* A request that goes on may end others: the queue is looked at anew each time. */
static void tell(struct question *q, const struct introspection *outcome)
{
	core_learn(q->apim->core, &q->asked, outcome);
	while (!ngx_queue_empty(&q->waiting)) {
		struct ctx *ctx = ngx_queue_data(ngx_queue_head(&q->waiting), struct ctx, waiting);

		ctx->introspection = outcome;
		request_resume(ctx);
	}
	drop(q);
}

static void on_outcome(void *arg, const struct answer *answer, const char *why)
{
	struct question *q = arg;
	const struct contract *c = q->apim->contract;
	const struct contract_scheme *s = &c->schemes[q->asked.scheme];
	struct introspection outcome = { .failure = why };

	if (answer && s->is_soap)
		soap_read(q->arena, &q->asked, answer->status, answer->body, ngx_time(),
			c->token_cache_s, &outcome);
	else if (answer)
		introspection_read(q->arena, answer->status, answer->body, ngx_time(),
			c->token_cache_s, &outcome);
	if (outcome.failure)
		ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "key manager \"%s\": %s",
			s->key_manager.url, outcome.failure);
	tell(q, &outcome);
}

static const char *headers(
	struct arena *a, const struct contract_scheme *s, const struct credential_set *set)
{
	static const char form[] = "Content-Type: application/x-www-form-urlencoded\r\n"
				   "Accept: application/json\r\n";
	static const char soap[] = "Content-Type: text/xml; charset=UTF-8\r\n"
				   "SOAPAction: \"" SOAP_ACTION "\"\r\nAccept: text/xml\r\n";
	const char *pair = arena_printf(a, "%s:%s", set->username, set->password);

	return arena_printf(a, "Authorization: Basic %s\r\n%s",
		base64_encode(a, pair, strlen(pair)), s->is_soap ? soap : form);
}

static struct question *find(const struct core_question *asked)
{
	for (ngx_queue_t *i = ngx_queue_head(&questions); i != ngx_queue_sentinel(&questions);
		i = ngx_queue_next(i)) {
		struct question *q = ngx_queue_data(i, struct question, queue);

		if (q->asked.scheme == asked->scheme && q->asked.operation == asked->operation &&
			q->asked.token.n == asked->token.n &&
			memcmp(q->asked.token.at, asked->token.at, asked->token.n) == 0)
			return q;
	}
	return NULL;
}

static struct question *ask(
	struct apim *m, const struct core_question *asked, const struct credential_set *set)
{
	struct arena *a = arena_new();
	struct question *q = arena_alloc(a, sizeof(*q));
	const struct contract_scheme *s = &m->contract->schemes[asked->scheme];
	struct outbound_call call = {
		.to = &s->key_manager,
		.method = "POST",
		.target = *s->key_manager.path ? s->key_manager.path : "/",
		.headers = headers(a, s, set),
		.body = s->is_soap ? soap_question(a, asked)
				   : introspection_question(a, asked->token),
		.keys = set->keys,
		.n_keys = set->n_keys,
		.max_bytes = INTROSPECTION_MAX_BYTES,
		.timeout_ms = TIMEOUT_MS,
		.done = on_outcome,
		.arg = q,
	};

	*q = (struct question){ .apim = m, .arena = a, .asked = *asked };
	q->asked.token.at = arena_dupn(a, asked->token.at, asked->token.n);
	ngx_queue_init(&q->waiting);
	ngx_queue_insert_head(&questions, &q->queue);
	n_questions++;
	q->call = outbound_start(m, &call);
	return q;
}

bool introspect(struct apim *m, struct ctx *ctx)
{
	const struct core_question *asked = &ctx->verdict.ask;
	const struct credentials *credentials = watch_credentials(m);
	struct question *q;

	if (!questions.next) {
		ngx_queue_init(&questions); /* a macro of several statements */
	}
	q = find(asked);
	if (!q && credentials && credentials->sets[asked->scheme].is_loaded &&
		n_questions < MAX_QUESTIONS)
		q = ask(m, asked, &credentials->sets[asked->scheme]);
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
