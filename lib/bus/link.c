#include "lib/bus/link.h"

#include <inttypes.h>

#include "lib/base/arena.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

enum {
	SLICE_MS = 50, /* how late a broken connection or a refusal is noticed */
	API_TIMEOUT_MS = 5000,
	REOPEN_WAIT_US = 1000 * 1000,
	US_PER_MS = 1000,
};

int64_t link_now_us(void)
{
	struct clock_ops clock = clock_real();

	return clock.monotonic_us(clock.self);
}

void link_pause(int64_t until_us)
{
	int64_t us = until_us - link_now_us();
	struct timespec t = { us / 1000000, us % 1000000 * 1000 };

	if (us > 0)
		(void)nanosleep(&t, NULL);
}

/* ---- the connection ---- */

unsigned int link_session(const struct bus *b)
{
	uint64_t reconnects = 0;

	if (b->connection && natsConnection_GetStats(b->connection, b->statistics) == NATS_OK)
		(void)natsStatistics_GetCounts(b->statistics, NULL, NULL, NULL, NULL, &reconnects);
	return b->past_sessions + (b->opened_at_once ? 1 : 0) + (unsigned int)reconnects;
}

void link_close(struct bus *b)
{
	b->past_sessions = link_session(b);
	b->opened_at_once = false;
	natsSubscription_Destroy(b->pulled);
	natsSubscription_Destroy(b->answers);
	natsConnection_Destroy(b->connection);
	b->pulled = NULL;
	b->answers = NULL;
	b->connection = NULL;
}

static natsStatus subscribe(struct bus *b, natsSubscription **ret, const char *inbox)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	return natsConnection_SubscribeSync(ret, b->connection, arena_printf(a, "%s*", inbox));
}

static void open_connection(struct bus *b)
{
	natsStatus s;

	b->next_open_us = link_now_us() + REOPEN_WAIT_US;
	s = natsConnection_Connect(&b->connection, b->options);
	b->opened_at_once = s == NATS_OK;
	if (s == NATS_NOT_YET_CONNECTED)
		s = NATS_OK;
	if (s == NATS_OK)
		s = subscribe(b, &b->pulled, b->pull_inbox);
	if (s == NATS_OK)
		s = subscribe(b, &b->answers, b->answer_inbox);
	if (s == NATS_OK)
		return;
	b->failure = s;
	link_close(b);
}

static bool is_auth_failure(natsStatus s)
{
	return s == NATS_CONNECTION_AUTH_FAILED || s == NATS_NOT_PERMITTED;
}

static bool not_connected(struct bus *b, struct err *err)
{
	const char *why = "";

	if (b->failure != NATS_OK)
		why = natsStatus_GetText(b->failure);
	else if (b->connection)
		(void)natsConnection_GetLastError(b->connection, &why);
	return err_set(err, is_auth_failure(b->failure) ? ERR_DENIED : ERR_UNAVAILABLE,
		"bus: is not connected: %s", str_empty(why) ? "still connecting" : why);
}

bool link_up(struct bus *b, struct err *err)
{
	/* cnats gives up a connection when credentials were refused twice, and only then. */
	if (b->connection && natsConnection_Status(b->connection) == NATS_CONN_STATUS_CLOSED) {
		b->failure = NATS_CONNECTION_AUTH_FAILED;
		link_close(b);
	}
	if (!b->connection && link_now_us() >= b->next_open_us)
		open_connection(b);
	if (!b->connection || natsConnection_Status(b->connection) != NATS_CONN_STATUS_CONNECTED)
		return not_connected(b, err);
	b->failure = NATS_OK;
	return true;
}

bool link_denied(struct bus *b, const char *subject, struct err *err)
{
	const char *text = "";

	(void)natsConnection_GetLastError(b->connection, &text);
	if (!text ||
		strncasecmp(text, "Permissions Violation", strlen("Permissions Violation")) != 0)
		return false;
	if (!strstr(text, subject) && !strstr(text, b->inbox_root))
		return false;
	err_set(err, ERR_DENIED, "bus: %s", text);
	return true;
}

/* ---- sending ---- */

/* Both end up in the text of the protocol. */
static bool is_clean(const char *text, bool spaces)
{
	for (const char *c = text; *c; c++)
		if (*c < ' ' || *c > '~' || (*c == ' ' && !spaces))
			return false;
	return *text != '\0';
}

static natsStatus add_header(natsMsg *msg, const char *key, const char *value)
{
	if (str_empty(value))
		return NATS_OK;
	return is_clean(value, true) ? natsMsgHeader_Set(msg, key, value) : NATS_INVALID_ARG;
}

/* CloudEvents 1.0, NATS binding, binary mode. */
static natsStatus add_headers(natsMsg *msg, const struct bus_message *m)
{
	const bool event = m->ce_type != NULL;
	const char *const headers[][2] = {
		{ "Nats-Msg-Id", m->id },
		{ "traceparent", m->traceparent },
		{ "ce-specversion", event ? "1.0" : NULL },
		{ "ce-type", m->ce_type },
		{ "ce-source", m->ce_source },
		{ "ce-id", m->ce_id },
		{ "ce-subject", m->ce_subject },
		{ "ce-datacontenttype", event ? "application/json" : NULL },
		{ "content-type", event ? "application/json" : NULL },
	};
	natsStatus s = NATS_OK;

	for (size_t i = 0; s == NATS_OK && i < ARRAY_LEN(headers); i++)
		s = add_header(msg, headers[i][0], headers[i][1]);
	return s;
}

static bool send_failed(struct bus *b, const char *subject, natsStatus s, struct err *err)
{
	if (s == NATS_MAX_PAYLOAD)
		return err_set(err, ERR_LIMIT, "bus: message to %s is too large", subject);
	if (s == NATS_INVALID_ARG)
		return err_set(err, ERR_BUG, "bus: message to %s has a malformed header", subject);
	if (!link_up(b, err))
		return false;
	return err_set(err, ERR_UNAVAILABLE, "bus: %s: %s", subject, natsStatus_GetText(s));
}

bool link_send(struct bus *b, const struct bus_message *m, const char *reply, struct err *err)
{
	natsMsg *msg = NULL;
	natsStatus s;

	if (!is_clean(m->subject, false))
		return err_set(err, ERR_BUG, "bus: malformed subject");
	if (!link_up(b, err))
		return false;
	s = m->n > INT32_MAX ? NATS_MAX_PAYLOAD
			     : natsMsg_Create(&msg, m->subject, reply, m->data, (int)m->n);
	if (s == NATS_OK)
		s = add_headers(msg, m);
	if (s == NATS_OK)
		s = natsConnection_PublishMsg(b->connection, msg);
	natsMsg_Destroy(msg);
	return s == NATS_OK || send_failed(b, m->subject, s, err);
}

/* ---- waiting ---- */

enum link_answer link_next(struct bus *b, natsSubscription *on, unsigned int session,
	int64_t deadline_us, natsMsg **ret)
{
	int64_t left_ms = (deadline_us - link_now_us() + US_PER_MS - 1) / US_PER_MS;
	natsStatus s;

	if (left_ms > SLICE_MS)
		left_ms = SLICE_MS;
	s = natsSubscription_NextMsg(ret, on, left_ms > 0 ? left_ms : 1);
	if (s == NATS_OK)
		return LINK_MESSAGE;
	if (s == NATS_NO_RESPONDERS)
		return LINK_NOBODY;
	if (natsConnection_Status(b->connection) != NATS_CONN_STATUS_CONNECTED ||
		link_session(b) != session)
		return LINK_BROKEN;
	return LINK_NOTHING;
}

static bool wait_answer(struct bus *b, const char *subject, const char *inbox, unsigned int session,
	int timeout_ms, natsMsg **ret, struct err *err)
{
	int64_t deadline_us = link_now_us() + (int64_t)timeout_ms * US_PER_MS;

	do {
		switch (link_next(b, b->answers, session, deadline_us, ret)) {
		case LINK_MESSAGE:
			if (str_eq(natsMsg_GetSubject(*ret), inbox))
				return true;
			natsMsg_Destroy(*ret);
			*ret = NULL;
			break;
		case LINK_NOBODY:
			return err_set(err, ERR_UNAVAILABLE, "bus: nothing takes %s", subject);
		case LINK_BROKEN:
			return err_set(err, ERR_UNAVAILABLE,
				"bus: connection lost before %s was answered", subject);
		case LINK_NOTHING:
			if (link_denied(b, subject, err))
				return false;
		}
	} while (link_now_us() < deadline_us);
	return err_set(err, ERR_TIMEOUT, "bus: no answer to %s in %d ms", subject, timeout_ms);
}

bool link_ask(struct bus *b, struct arena *a, const struct bus_message *m, int timeout_ms,
	const char **ret_bytes, size_t *ret_n, struct err *err)
{
	char *inbox = arena_printf(a, "%s%" PRIu64, b->answer_inbox, ++b->serial);
	unsigned int session = link_session(b);
	natsMsg *answer = NULL;

	if (!link_send(b, m, inbox, err) ||
		!wait_answer(b, m->subject, inbox, session, timeout_ms, &answer, err))
		return false;
	*ret_n = (size_t)natsMsg_GetDataLength(answer);
	*ret_bytes = arena_dupn(a, natsMsg_GetData(answer), *ret_n);
	natsMsg_Destroy(answer);
	return true;
}

/* ---- the JetStream API ---- */

bool link_ask_api(struct bus *b, struct arena *a, const char *subject, const char *question,
	const struct json **ret, int64_t *ret_code, struct err *err)
{
	struct bus_message m = { .subject = subject, .data = question, .n = strlen(question) };
	const struct json *answer, *error;
	const char *bytes;
	size_t n;

	*ret_code = 0;
	if (!link_ask(b, a, &m, API_TIMEOUT_MS, &bytes, &n, err))
		return false;
	answer = json_parse(a, bytes, n, err);
	if (!answer)
		return err_wrap(err, "bus: answer to %s", subject);
	error = json_get(answer, "error");
	if (error) {
		*ret_code = json_get_int(error, "err_code", 0);
		return err_set(err,
			json_get_int(error, "code", 0) == 400 ? ERR_INVALID : ERR_UNAVAILABLE,
			"bus: %s: %s", subject,
			json_get_str(error, "description") ? json_get_str(error, "description")
							   : "");
	}
	*ret = answer;
	return true;
}
