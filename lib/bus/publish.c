#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/bus/link.h"
#include "lib/json/json.h"

enum {
	PUBLISH_TIMEOUT_MS = 3000,
	TOO_LARGE = 10054, /* JetStream error: message size exceeds maximum allowed */
};

static bool stored(const struct json *answer, const char *subject, struct err *err)
{
	const struct json *error = json_get(answer, "error");
	const char *words = json_get_str(error, "description");

	if (!error && json_get_str(answer, "stream"))
		return true;
	return err_set(err,
		json_get_int(error, "err_code", 0) == TOO_LARGE ? ERR_LIMIT : ERR_UNAVAILABLE,
		"bus: %s was not stored: %s", subject, words ? words : "not an acknowledgement");
}

bool publish(void *self, const struct bus_message *m, struct err *err)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct err why = { .msg = "" };
	const struct json *answer;
	const char *bytes;
	size_t n;

	if (!link_ask(self, a, m, PUBLISH_TIMEOUT_MS, &bytes, &n, err))
		return false;
	answer = json_parse(a, bytes, n, &why);
	return stored(answer, m->subject, err);
}
