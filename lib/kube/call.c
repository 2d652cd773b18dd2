#include "lib/kube/call.h"

#include "lib/base/fiber.h"
#include "lib/kube/client.h"
#include "lib/kube/status.h"

enum {
	MAX_IN_FLIGHT = 32,
	GRACE_MS = 500, /* for libcurl to notice the timeout by itself, with its better message */
};

struct batch {
	struct kube *kube;
	struct call *calls;
	size_t n;
	size_t begun;
	size_t in_flight;
	int64_t deadline_us;
	bool timed_out;
};

static void begin(struct batch *b, struct call *c)
{
	if (c->request.timeout_ms == 0)
		c->request.timeout_ms = b->kube->timeout_ms;
	c->exchange = wire_start(b->kube->calls, &c->request);
	b->in_flight++;
	b->deadline_us = kube_now_us(b->kube) + (c->request.timeout_ms + GRACE_MS) * 1000LL;
}

static void finish(struct batch *b, struct call *c)
{
	struct exchange *x = c->exchange;

	/* A refusal is one even if the server closes the connection in the middle of its words. */
	if (x->err.code != ERR_NONE && x->status >= 400)
		x->err.code = ERR_NONE;
	c->err = x->err;
	c->status = x->err.code == ERR_NONE ? x->status : 0;
	buffer_free(&c->body);
	c->body = x->body;
	x->body = (struct buffer){ 0 };
	exchange_free(x);
	c->exchange = NULL;
	b->in_flight--;
	b->timed_out = b->timed_out || c->err.code == ERR_TIMEOUT;
	stats_count(&b->kube->stats, c->verb, c->status);
	if (c->status == 401 && !c->retried &&
		token_refused(&b->kube->token, kube_now_us(b->kube))) {
		c->retried = true;
		begin(b, c);
	}
}

static void give_up(struct batch *b)
{
	for (size_t i = 0; i < b->begun; i++)
		if (b->calls[i].exchange) {
			err_set(&b->calls[i].exchange->err, ERR_TIMEOUT, "%s: no answer in time",
				b->kube->config.server);
			b->calls[i].retried = true;
			finish(b, &b->calls[i]);
		}
}

void calls_run(struct kube *k, struct call *calls, size_t n)
{
	struct batch b = { .kube = k, .calls = calls, .n = n };

	while (b.begun < n || b.in_flight > 0) {
		while (b.begun < n && b.in_flight < MAX_IN_FLIGHT) {
			struct call *c = &calls[b.begun++];

			if (c->err.code == ERR_NONE)
				begin(&b, c);
		}
		if (b.in_flight == 0)
			break;
		/* In a fiber others have their turn, and somebody else turns the wire. */
		if (fiber_inside())
			fiber_wait();
		else
			wire_turn(k->calls, 100);
		for (size_t i = 0; i < b.begun; i++)
			if (calls[i].exchange && calls[i].exchange->done)
				finish(&b, &calls[i]);
		if (b.in_flight > 0 && kube_now_us(k) > b.deadline_us)
			give_up(&b);
	}
	/* The connection may be dead without a sign of it, and libcurl would go on using it. */
	if (b.timed_out)
		wire_reset(k->calls);
}

void calls_free(struct call *calls, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buffer_free(&calls[i].body);
}

bool call_ok(const struct call *c, struct err *err)
{
	if (c->status == 0) {
		*err = c->err;
		return false;
	}
	if (c->status >= 200 && c->status < 300)
		return true;
	return status_err(c->status, c->body.ptr, c->body.n, err);
}
