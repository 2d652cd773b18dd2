#include "lib/bus/topology.h"

#include <inttypes.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/bus/link.h"
#include "lib/json/json.h"

#define NS_PER_S INT64_C(1000000000)
#define DAY_S INT64_C(86400)
#define DEDUPLICATION_S INT64_C(120)
#define MIB INT64_C(1048576)

enum {
	MAX_LIST = 4,
	/* JetStream errors */
	STREAM_DIFFERS = 10058,
	SUBJECTS_OVERLAP = 10065,
	CONSUMER_DIFFERS = 10012,
	CONSUMER_UNKNOWN = 10014,
};

struct stream {
	const char *name;
	const char *subjects[MAX_LIST];
	int64_t per_subject; /* messages kept; -1: all */
	int64_t max_bytes;   /* the oldest go first */
	int64_t max_age_s;   /* 0: no limit */
};

/* WORK's ceiling is a safety net: ten thousand objects are a few megabytes, and what it would drop
 * first was dealt with long ago or comes back with the next relist. */
static const struct stream streams[] = {
	{ BUS_STREAM_WORK, { "cr.>", "job.>", "build.>" }, 1, 256 * MIB, 0 },
	{ BUS_STREAM_EVENTS, { "evt.api.>", "evt.build.>", "evt.deploy.>", "evt.endpoint.>" }, -1,
		64 * MIB, 7 * DAY_S },
	{ BUS_STREAM_USAGE, { "evt.usage.>" }, 10000, 64 * MIB, DAY_S },
	{ "DLQ",
		{ "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>",
			"$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>" },
		-1, 16 * MIB, 14 * DAY_S },
};

struct consumer {
	const char *name;
	const char *subjects[MAX_LIST];
};

static const struct consumer consumers[] = {
	{ "security-svc", { "cr.security.>" } },
	{ "ratelimit-svc", { "cr.ratelimiting.>" } },
	{ "endpoint-svc", { "cr.targetendpoint.>" } },
	{ "api-svc", { "cr.api.>", "build.result.>" } },
	{ "builder-svc", { "build.request.>", "job.>" } },
};

/* The names are ours: nothing in them needs escaping. Not lib/json, which writes large integers
 * with an exponent, and the server refuses that. */
static const char *string_list(struct arena *a, const char *const *texts)
{
	const char *list = "";

	for (size_t i = 0; i < MAX_LIST && texts[i]; i++)
		list = arena_printf(a, "%s%s\"%s\"", list, i > 0 ? "," : "", texts[i]);
	return list;
}

static const char *stream_config(struct arena *a, const struct stream *s, int replicas)
{
	return arena_printf(a,
		"{\"name\":\"%s\",\"subjects\":[%s],\"retention\":\"limits\",\"storage\":\"file\","
		"\"discard\":\"old\",\"max_msgs_per_subject\":%" PRId64 ",\"max_bytes\":%" PRId64
		","
		"\"max_age\":%" PRId64 ",\"max_msg_size\":%d,\"duplicate_window\":%" PRId64 ","
		"\"num_replicas\":%d,\"allow_direct\":true}",
		s->name, string_list(a, s->subjects), s->per_subject, s->max_bytes,
		s->max_age_s * NS_PER_S, BUS_MAX_MESSAGE, DEDUPLICATION_S * NS_PER_S, replicas);
}

/* *ret_taken: another stream has some of its subjects. */
static bool ensure_stream(
	struct bus *b, const struct stream *s, int replicas, bool *ret_taken, struct err *err)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const char *config = stream_config(a, s, replicas);
	const struct json *answer;
	int64_t code;
	bool ok;

	*ret_taken = false;

	/* Creating what is there with the same configuration is a success. */
	if (link_ask_api(b, a, arena_printf(a, "$JS.API.STREAM.CREATE.%s", s->name), config,
		    &answer, &code, err))
		return true;
	ok = code == STREAM_DIFFERS &&
	     link_ask_api(b, a, arena_printf(a, "$JS.API.STREAM.UPDATE.%s", s->name), config,
		     &answer, &code, err);
	*ret_taken = !ok && code == SUBJECTS_OVERLAP;
	return ok;
}

/* The first other stream that has some of its subjects; NULL: the server does not say. */
static const char *find_rival(struct bus *b, struct arena *a, const struct stream *s)
{
	const struct json *answer;
	struct err ignored;
	int64_t code;

	for (size_t i = 0; i < MAX_LIST && s->subjects[i]; i++) {
		const char *question = arena_printf(a, "{\"subject\":\"%s\"}", s->subjects[i]);

		if (!link_ask_api(b, a, "$JS.API.STREAM.NAMES", question, &answer, &code, &ignored))
			return NULL;
		json_foreach (name, json_get(answer, "streams"))
			if (!str_eq(json_str(name), s->name))
				return json_str(name);
	}
	return NULL;
}

static bool taken(struct bus *b, const struct stream *s, enum err_code code, struct err *err)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const char *rival = find_rival(b, a, s);

	return err_set(err, code,
		"stream %s: stream \"%s\" has some of its subjects (%s): it is of another version of the "
		"operator, or somebody else's; remove it (nats stream rm %s) or give it other subjects",
		s->name, rival ? rival : "?", string_list(a, s->subjects), rival ? rival : "NAME");
}

/* One that another layout gave subjects of ours to lets go of them when its turn comes, so those
 * that it stands in the way of are tried again after it. */
static bool ensure_streams(
	struct bus *b, int replicas, const struct stream **ret_taken, struct err *err)
{
	bool done[ARRAY_LEN(streams)] = { false };
	bool is_taken;

	for (size_t round = 0; round < ARRAY_LEN(streams); round++) {
		*ret_taken = NULL;
		for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
			done[i] =
				done[i] || ensure_stream(b, &streams[i], replicas, &is_taken, err);
			if (!done[i] && !is_taken)
				return err_wrap(err, "stream %s", streams[i].name);
			if (!done[i] && !*ret_taken)
				*ret_taken = &streams[i];
		}
		if (!*ret_taken)
			return true;
	}
	return true;
}

static const char *consumer_config(struct arena *a, const struct consumer *c)
{
	return arena_printf(a,
		"{\"stream_name\":\"" BUS_STREAM_WORK "\",\"action\":\"\",\"config\":{"
		"\"name\":\"%s\",\"durable_name\":\"%s\",\"filter_subjects\":[%s],"
		"\"deliver_policy\":\"all\",\"ack_policy\":\"explicit\",\"replay_policy\":\"instant\","
		"\"ack_wait\":%" PRId64 ",\"max_deliver\":-1,\"max_ack_pending\":1000}}",
		c->name, c->name, string_list(a, c->subjects), BUS_ACK_WAIT_S * NS_PER_S);
}

static bool ensure_consumer(struct bus *b, const struct consumer *c, struct err *err)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const char *config = consumer_config(a, c);
	const char *create =
		arena_printf(a, "$JS.API.CONSUMER.CREATE." BUS_STREAM_WORK ".%s", c->name);
	const struct json *answer;
	int64_t code;

	/* Action "": create, or update what may be updated. */
	if (link_ask_api(b, a, create, config, &answer, &code, err))
		return true;
	if (code != CONSUMER_DIFFERS)
		return false;
	/* What cannot be updated is made anew: "deliver all" brings every wake back, which is
	 * harmless. */
	if (!link_ask_api(b, a,
		    arena_printf(a, "$JS.API.CONSUMER.DELETE." BUS_STREAM_WORK ".%s", c->name), "",
		    &answer, &code, err) &&
		code != CONSUMER_UNKNOWN)
		return false;
	return link_ask_api(b, a, create, config, &answer, &code, err);
}

bool bus_ensure_topology(struct bus *b, int replicas, struct err *err)
{
	const struct stream *without;

	if (!ensure_streams(b, replicas, &without, err))
		return false;
	if (without == &streams[0])
		return taken(b, without, ERR_INVALID, err);
	for (size_t i = 0; i < ARRAY_LEN(consumers); i++)
		if (!ensure_consumer(b, &consumers[i], err))
			return err_wrap(err, "consumer %s", consumers[i].name);
	return !without || taken(b, without, ERR_CONFLICT, err);
}
