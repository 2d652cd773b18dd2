#include "lib/bus/bus.h"

#include <inttypes.h>

#include "lib/base/arena.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/bus/link.h"
#include "lib/bus/topology.h"
#include "lib/json/json.h"

enum {
	CONNECT_TIMEOUT_MS = 1000,
	RECONNECT_WAIT_MS = 100,
	RECONNECT_JITTER_MS = 200,
	PING_INTERVAL_MS = 2000,
	PINGS_UNANSWERED = 2,
	OUTAGE_BUFFER = 64 * 1024,
	FLUSH_MS = 1000,
	CLOSE_MS = 1000,
};

/* cnats wants handlers: without the first it prints to stderr, without the second it does not
 * retry. */
static void ignore_error(natsConnection *c, natsSubscription *s, natsStatus status, void *closure)
{
	(void)c;
	(void)s;
	(void)status;
	(void)closure;
}

static void ignore_connected(natsConnection *c, void *closure)
{
	(void)c;
	(void)closure;
}

#define TRY(call)                                                                                  \
	do {                                                                                       \
		natsStatus try_ = (call);                                                          \
		if (try_ != NATS_OK)                                                               \
			return try_;                                                               \
	} while (0)

static natsStatus set_options(natsOptions *n, const struct bus_options *o)
{
	TRY(natsOptions_SetURL(n, o->url));
	if (o->user)
		TRY(natsOptions_SetUserInfo(n, o->user, o->password ? o->password : ""));
	TRY(natsOptions_SetName(n, o->name));
	TRY(natsOptions_SetTimeout(n, CONNECT_TIMEOUT_MS));
	TRY(natsOptions_SetMaxReconnect(n, -1));
	TRY(natsOptions_SetReconnectWait(n, RECONNECT_WAIT_MS));
	TRY(natsOptions_SetReconnectJitter(n, RECONNECT_JITTER_MS, RECONNECT_JITTER_MS));
	TRY(natsOptions_SetReconnectBufSize(n, OUTAGE_BUFFER));
	TRY(natsOptions_SetPingInterval(n, PING_INTERVAL_MS));
	TRY(natsOptions_SetMaxPingsOut(n, PINGS_UNANSWERED));
	TRY(natsOptions_SetSendAsap(n, true));
	TRY(natsOptions_SetErrorHandler(n, ignore_error, NULL));
	TRY(natsOptions_SetRetryOnFailedConnect(n, true, ignore_connected, NULL));
	if (!o->ca_file)
		return NATS_OK;
	TRY(natsOptions_SetSecure(n, true));
	return natsOptions_LoadCATrustedCertificates(n, o->ca_file);
}

static bool is_token(const char *text)
{
	for (const char *c = text; *c; c++)
		if (*c <= ' ' || *c > '~' || strchr(".*>", *c))
			return false;
	return *text != '\0';
}

static bool check_options(const struct bus_options *o, struct err *err)
{
	if (str_empty(o->url))
		return err_set(err, ERR_INVALID, "bus url: is empty, nats://host:port is expected");
	if (!o->name || !is_token(o->name))
		return err_set(err, ERR_INVALID, "bus name: must be one word");
	if (o->consumer && !is_token(o->consumer))
		return err_set(err, ERR_INVALID, "bus consumer: must be one word");
	return true;
}

static void name_inboxes(struct bus *b, const char *name)
{
	struct clock_ops clock = clock_real();
	uint64_t ours = clock.random(clock.self);

	b->inbox_root = arena_printf(b->arena, "_INBOX.%s.", name);
	b->pull_inbox = arena_printf(b->arena, "%s%016" PRIx64 ".p.", b->inbox_root, ours);
	b->answer_inbox = arena_printf(b->arena, "%s%016" PRIx64 ".a.", b->inbox_root, ours);
}

/* cnats has threads and timers of its own per process; they go with the last bus. */
static unsigned int buses;

static bool open_library(struct err *err)
{
	/* No spinning on locks: a few threads share a core with the rest of the node. */
	natsStatus s = buses == 0 ? nats_Open(0) : NATS_OK;

	if (s != NATS_OK)
		return err_set(err, ERR_BUG, "bus: %s", natsStatus_GetText(s));
	buses++;
	return true;
}

static void close_library(void)
{
	if (--buses == 0)
		(void)nats_CloseAndWait(CLOSE_MS);
}

struct bus *bus_new(const struct bus_options *options, struct err *err)
{
	struct bus *b;
	natsStatus s;

	if (!check_options(options, err))
		return NULL;
	if (!open_library(err))
		return NULL;
	b = calloc(1, sizeof(*b));
	if (!b)
		abort();
	b->arena = arena_new();
	b->consumer = arena_dup(b->arena, options->consumer);
	name_inboxes(b, options->name);
	s = natsStatistics_Create(&b->statistics);
	if (s == NATS_OK)
		s = natsOptions_Create(&b->options);
	if (s == NATS_OK)
		s = set_options(b->options, options);
	if (s != NATS_OK) {
		err_set(err, ERR_INVALID, "bus options: %s", natsStatus_GetText(s));
		bus_free(b);
		return NULL;
	}
	(void)bus_connected(b); /* begins to connect */
	return b;
}

void bus_free(struct bus *b)
{
	if (!b)
		return;
	if (b->connection && natsConnection_Status(b->connection) == NATS_CONN_STATUS_CONNECTED)
		(void)natsConnection_FlushTimeout(b->connection, FLUSH_MS);
	link_close(b);
	natsOptions_Destroy(b->options);
	natsStatistics_Destroy(b->statistics);
	arena_free(b->arena);
	free(b);
	close_library();
}

bool bus_connected(struct bus *b)
{
	struct err err;

	return link_up(b, &err);
}

unsigned int bus_session(const struct bus *b)
{
	return link_session(b);
}

struct bus_ops bus_ops(struct bus *b)
{
	return (struct bus_ops){
		.self = b,
		.fetch = pull_fetch,
		.ack = pull_ack,
		.nak = pull_nak,
		.working = pull_working,
		.term = pull_term,
		.publish = publish,
	};
}

bool bus_backlog(struct bus *b, uint64_t *ret_pending, uint64_t *ret_in_flight, struct err *err)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const struct json *info;
	int64_t code;

	if (!b->consumer)
		return err_set(err, ERR_BUG, "bus: backlog asked for without a consumer");
	if (!link_ask_api(b, a,
		    arena_printf(a, "$JS.API.CONSUMER.INFO." BUS_STREAM_WORK ".%s", b->consumer),
		    "", &info, &code, err))
		return false;
	*ret_pending = (uint64_t)json_get_int(info, "num_pending", 0);
	*ret_in_flight = (uint64_t)json_get_int(info, "num_ack_pending", 0);
	return true;
}
