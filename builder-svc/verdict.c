#include "builder-svc/verdict.h"

#include "builder-svc/image.h"
#include "lib/base/arena.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/world.h"

enum {
	MAX_MESSAGE = 1000,
	MAX_LOG = 8 * 1024, /* kubelet cuts a termination message at 4 kB, */
	LOG_CUT = 2048,	    /* and one that it takes from the log here, in the middle of a line */
	DIGEST_CHARS = 7 + 2 * SHA256_BYTES,
};

/* The pod's only container; NULL while it has none. */
static const struct json *container_state(const struct object *pod)
{
	return json_get(
		json_first(json_path(pod->json, "status", "containerStatuses", NULL)), "state");
}

static const struct json *terminated(const struct object *pod)
{
	return json_get(container_state(pod), "terminated");
}

const char *verdict_digest(struct arena *a, const struct world_list *pods)
{
	if (!pods)
		return NULL;
	vec_foreach (const struct object *, pod, &pods->items) {
		const struct json *end = terminated(pod);
		const char *message = json_get_str(end, "message");

		if (json_get_int(end, "exitCode", -1) != 0 || !message)
			continue;
		if (str_starts(message, "sha256:") &&
			strspn(message + 7, "0123456789abcdef") == 2 * SHA256_BYTES)
			return arena_dupn(a, message, DIGEST_CHARS);
	}
	return NULL;
}

/* ---- the log ---- */

/* Colours and other control characters but line breaks. */
static char *plain(struct arena *a, const char *text)
{
	struct str s;

	str_init(&s, a, MAX_LOG);
	for (const char *p = text; *p; p++) {
		if (p[0] == '\033' && p[1] == '[') {
			p += 2 + strcspn(p + 2, "ABCDEFGHJKSTfmnsu");
			if (*p == '\0')
				break;
		} else if (*p == '\n' || (unsigned char)*p >= ' ') {
			str_addc(&s, *p);
		}
	}
	return s.ptr;
}

static const char *without(struct arena *a, const char *text, const char *secret)
{
	const char *hit;
	struct str s;

	if (str_empty(secret) || strlen(secret) < 4)
		return text;
	str_init(&s, a, MAX_LOG);
	while ((hit = strstr(text, secret))) {
		str_addn(&s, text, (size_t)(hit - text));
		str_add(&s, "***");
		text = hit + strlen(secret);
	}
	str_add(&s, text);
	return s.ptr;
}

static const char *without_login(struct arena *a, const char *text, const struct login *login)
{
	char *pair;

	if (!login->username)
		return text;
	pair = arena_printf(a, "%s:%s", login->username, login->password ? login->password : "");
	text = without(a, text, login->password);
	return without(a, text, base64_encode(a, pair, strlen(pair)));
}

/* A program that was called wrongly says so in one line and then lists all that it can do. */
static bool is_usage(const char *line)
{
	const char *text = line + strspn(line, " ");

	return (text >= line + 2 && *text == '-') || str_starts(line, "Usage:") ||
	       str_starts(line, "Flags:");
}

/* Progress is of no interest to somebody who wants to know why it stopped. */
static bool is_progress(const char *line)
{
	return str_starts(line, "INFO[") || *line == '\0' || *line == '\n' || is_usage(line);
}

static const char *complaints(struct arena *a, const char *log)
{
	struct str s;

	str_init(&s, a, MAX_LOG);
	while (*log) {
		size_t n = strcspn(log, "\n");

		if (!is_progress(log)) {
			str_addn(&s, log, n);
			str_addc(&s, '\n');
		}
		log += n + (log[n] == '\n');
	}
	return s.len > 0 ? s.ptr : NULL;
}

/* Whole lines from the end, as many as fit. */
static const char *tail(struct arena *a, const char *text)
{
	size_t n = strlen(text);
	const char *from = text;
	const char *line;

	while (n > 0 && text[n - 1] == '\n')
		n--;
	if (n > MAX_MESSAGE) {
		from = text + n - MAX_MESSAGE;
		line = memchr(from, '\n', MAX_MESSAGE - 1);
		if (line)
			from = line + 1;
		while (((unsigned char)*from & 0xc0) == 0x80)
			from++;
	}
	return arena_dupn(a, from, (size_t)(text + n - from));
}

static const char *useful(struct arena *a, const char *log, const struct login *login)
{
	const char *first_break = strlen(log) >= LOG_CUT ? strchr(log, '\n') : NULL;
	const char *text = without_login(a, plain(a, first_break ? first_break + 1 : log), login);
	const char *chosen = complaints(a, text);

	return tail(a, chosen ? chosen : text);
}

static const char *reason_and_message(struct arena *a, const struct json *v)
{
	const char *message = json_get_str(v, "message");

	return arena_printf(a, "%s%s%s", json_get_str(v, "reason"), message ? ": " : "",
		message ? message : "");
}

static bool is_starting(const char *reason)
{
	return str_eq(reason, "ContainerCreating") || str_eq(reason, "PodInitializing");
}

const char *verdict_trouble(struct arena *a, const struct world_list *pods)
{
	if (!pods)
		return NULL;
	vec_foreach (const struct object *, pod, &pods->items) {
		const struct json *waiting = json_get(container_state(pod), "waiting");
		const char *reason = json_get_str(waiting, "reason");

		if (reason && !is_starting(reason))
			return tail(a, plain(a, reason_and_message(a, waiting)));
		json_foreach (c, json_path(pod->json, "status", "conditions", NULL))
			if (str_eq(json_get_str(c, "type"), "PodScheduled") &&
				str_eq(json_get_str(c, "status"), "False") &&
				json_get_str(c, "reason"))
				return tail(a, plain(a, reason_and_message(a, c)));
	}
	return NULL;
}

const char *verdict_failure(
	struct arena *a, const struct world_list *pods, const struct login *login)
{
	const char *trouble = verdict_trouble(a, pods);

	if (pods)
		vec_foreach (const struct object *, pod, &pods->items) {
			const struct json *end = terminated(pod);
			const char *message = json_get_str(end, "message");

			if (json_get_int(end, "exitCode", 0) == 0)
				continue;
			if (!str_empty(message))
				return useful(a, message, login);
			if (json_get_str(end, "reason"))
				return arena_printf(a, "%s, exit code %lld",
					json_get_str(end, "reason"),
					(long long)json_get_int(end, "exitCode", 0));
		}
	return trouble ? trouble : "the pod and its log are gone";
}
