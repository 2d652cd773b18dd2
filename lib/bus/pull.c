#include <inttypes.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/bus/link.h"
#include "lib/bus/topology.h"

enum {
	ACK_TIMEOUT_MS = 2000,
	TRANSIT_MS = 200, /* what an answer may take beyond the time we gave the server */
	REST_MS = 100,	  /* for the rest of a batch, once its first message is here */
	PAUSE_MS = 200,	  /* after a failed pull */
	US_PER_MS = 1000,
	NO_MESSAGES = 404,
	EXPIRED = 408,
	IDLE = 100,
};

/* A pull under way. `no_wait` together with `expires` asks for exactly what we want: wait for a
 * first message, give with it what else is there, and end at once (status 404; 408 when none came),
 * so that nothing is handed to a replica that has gone off to work. */
struct pull {
	const char *subject;
	const char *inbox;
	unsigned int session;
	size_t want;
	int64_t deadline_us;
	bool over;
};

/* ---- one message ---- */

/* $JS.ACK.<stream>.<consumer>.<attempt>.<number>.<delivery>.<time>.<pending> or
 * $JS.ACK.<domain>.<account>.<stream>.… and one more at the end. A token and what follows it. */
static const char *token(const char *reply, size_t which)
{
	size_t dots = 0, skip;
	const char *c;

	for (c = reply; *c; c++)
		dots += *c == '.';
	skip = which + (dots > 8 ? 2 : 0);
	for (c = reply; *c && skip > 0; c++)
		skip -= *c == '.';
	return c;
}

static unsigned int attempt_of(const char *reply)
{
	return (unsigned int)strtoul(token(reply, 4), NULL, 10);
}

/* Number and time: numbers begin anew with a stream that was made anew. */
static const char *id_of(struct arena *a, const char *reply)
{
	const char *number = token(reply, 5), *time = token(reply, 7);

	return arena_printf(
		a, "%.*s/%.*s", (int)strcspn(number, "."), number, (int)strcspn(time, "."), time);
}

static void take_message(struct arena *a, natsMsg *msg, struct vec *ret)
{
	struct delivery *d = arena_alloc(a, sizeof(*d));

	d->n = (size_t)natsMsg_GetDataLength(msg);
	d->data = arena_dupn(a, natsMsg_GetData(msg), d->n);
	d->subject = arena_dup(a, natsMsg_GetSubject(msg));
	d->reply = arena_dup(a, natsMsg_GetReply(msg));
	d->attempt = attempt_of(d->reply);
	d->id = id_of(a, d->reply);
	vec_add(a, ret, d);
}

/* The server's word about a pull. The end of an earlier pull is nothing to us. */
static bool take_status(struct pull *p, natsMsg *msg, struct err *err)
{
	const char *status = "", *words = "";
	unsigned long code;

	if (!str_eq(natsMsg_GetSubject(msg), p->inbox))
		return true;
	(void)natsMsgHeader_Get(msg, "Status", &status);
	(void)natsMsgHeader_Get(msg, "Description", &words);
	code = strtoul(status, NULL, 10);
	if (code == IDLE)
		return true;
	p->over = true;
	if (code == NO_MESSAGES || code == EXPIRED)
		return true;
	return err_set(err, ERR_UNAVAILABLE, "bus: fetch was refused: %s %s", status, words);
}

static bool take(struct arena *a, struct pull *p, natsMsg *msg, struct vec *ret, struct err *err)
{
	bool ok = true;

	if (natsMsg_GetReply(msg))
		take_message(a, msg, ret);
	else
		ok = take_status(p, msg, err);
	natsMsg_Destroy(msg);
	return ok;
}

/* ---- fetching ---- */

/* What came for an earlier pull after we had stopped waiting for it. */
static bool take_queued(
	struct bus *b, struct arena *a, size_t max, struct vec *ret, struct err *err)
{
	struct pull none = { .inbox = "" };
	uint64_t queued = 0;
	natsMsg *msg;

	while (ret->n < max && natsSubscription_QueuedMsgs(b->pulled, &queued) == NATS_OK &&
		queued > 0) {
		if (natsSubscription_NextMsg(&msg, b->pulled, 1) != NATS_OK)
			continue;
		if (!take(a, &none, msg, ret, err))
			return false;
	}
	return true;
}

static bool start(struct bus *b, struct arena *a, struct pull *p, int timeout_ms, struct err *err)
{
	char expires[64] = "";
	char *body;
	struct bus_message m;

	p->inbox = arena_printf(a, "%s%" PRIu64, b->pull_inbox, ++b->serial);
	p->session = link_session(b);
	p->deadline_us = link_now_us() + (int64_t)(timeout_ms + TRANSIT_MS) * US_PER_MS;
	if (timeout_ms > 0)
		(void)snprintf(expires, sizeof(expires), ",\"expires\":%" PRId64,
			(int64_t)timeout_ms * US_PER_MS * 1000);
	body = arena_printf(a, "{\"batch\":%zu,\"no_wait\":true%s}", p->want, expires);
	p->subject =
		arena_printf(a, "$JS.API.CONSUMER.MSG.NEXT." BUS_STREAM_WORK ".%s", b->consumer);
	m = (struct bus_message){ .subject = p->subject, .data = body, .n = strlen(body) };
	return link_send(b, &m, p->inbox, err);
}

/* Only once it is over: an earlier refusal that has been mended since must not disturb a pull that
 * merely waits. */
static bool nothing_yet(struct bus *b, struct pull *p, struct err *err)
{
	if (link_now_us() < p->deadline_us)
		return true;
	if (link_denied(b, p->subject, err))
		return false;
	return err_set(err, ERR_TIMEOUT, "bus: no answer to fetch");
}

static bool step(struct bus *b, struct arena *a, struct pull *p, struct vec *ret, struct err *err)
{
	natsMsg *msg = NULL;

	switch (link_next(b, b->pulled, p->session, p->deadline_us, &msg)) {
	case LINK_MESSAGE:
		return take(a, p, msg, ret, err);
	case LINK_NOBODY:
		return err_set(err, ERR_UNAVAILABLE, "bus: consumer %s of stream %s does not exist",
			b->consumer, BUS_STREAM_WORK);
	case LINK_BROKEN:
		return err_set(err, ERR_UNAVAILABLE, "bus: connection lost");
	case LINK_NOTHING:
		return nothing_yet(b, p, err);
	}
	return true;
}

static bool collect(
	struct bus *b, struct arena *a, struct pull *p, struct vec *ret, struct err *err)
{
	bool any = false;

	while (ret->n < p->want && !p->over) {
		if (!step(b, a, p, ret, err))
			return ret->n >
			       0; /* what is in hand counts; the trouble will come up again */
		if (!any && ret->n > 0)
			p->deadline_us = link_now_us() + REST_MS * US_PER_MS;
		any = ret->n > 0;
	}
	return true;
}

static bool paused(struct bus *b, int timeout_ms)
{
	int64_t end = link_now_us() + (int64_t)timeout_ms * US_PER_MS;

	link_pause(b->next_pull_us < end ? b->next_pull_us : end);
	return link_now_us() < b->next_pull_us;
}

bool pull_fetch(
	void *self, struct arena *a, size_t max, int timeout_ms, struct vec *ret, struct err *err)
{
	struct bus *b = self;
	struct pull p = { .want = max };
	struct vec got = { 0 };
	bool ok;

	if (!b->consumer)
		return err_set(err, ERR_BUG, "bus: fetch without a consumer");
	if (max == 0 || paused(b, timeout_ms))
		return true;
	ok = link_up(b, err) && take_queued(b, a, max, &got, err);
	if (ok && got.n == 0)
		ok = start(b, a, &p, timeout_ms, err) && collect(b, a, &p, &got, err);
	if (!ok)
		b->next_pull_us = link_now_us() + PAUSE_MS * US_PER_MS;
	for (size_t i = 0; i < got.n; i++)
		vec_add(a, ret, got.at[i]);
	return ok;
}

/* ---- acknowledging ---- */

static bool confirm(struct bus *b, const struct delivery *d, const char *words, struct err *err)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct bus_message m = { .subject = d->reply, .data = words, .n = strlen(words) };
	const char *bytes;
	size_t n;

	return link_ask(b, a, &m, ACK_TIMEOUT_MS, &bytes, &n, err);
}

static bool tell(struct bus *b, const struct delivery *d, const char *words, struct err *err)
{
	struct bus_message m = { .subject = d->reply, .data = words, .n = strlen(words) };

	return link_send(b, &m, NULL, err);
}

bool pull_ack(void *self, const struct delivery *d, struct err *err)
{
	return confirm(self, d, "+ACK", err);
}

bool pull_nak(void *self, const struct delivery *d, int64_t delay_ms, struct err *err)
{
	char words[64];

	if (delay_ms <= 0)
		return tell(self, d, "-NAK", err);
	(void)snprintf(
		words, sizeof(words), "-NAK {\"delay\":%" PRId64 "}", delay_ms * US_PER_MS * 1000);
	return tell(self, d, words, err);
}

bool pull_working(void *self, const struct delivery *d, struct err *err)
{
	return tell(self, d, "+WPI", err);
}

bool pull_term(void *self, const struct delivery *d, struct err *err)
{
	return confirm(self, d, "+TERM", err);
}
