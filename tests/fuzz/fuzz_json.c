/* Any bytes as JSON: what is accepted reads back as the same value. */
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct err err = { .code = ERR_NONE };
	struct json *v = json_parse(a, (const char *)data, n, &err);
	struct json *again;
	const char *text;

	if (!v) {
		if (err.code == ERR_NONE)
			abort();
		return 0;
	}
	text = json_canonical(a, v);
	again = json_parse(a, text, strlen(text), &err);
	if (!again || !str_eq(json_canonical(a, again), text))
		abort();
	if (!json_parse(a, json_pretty(a, v), strlen(json_pretty(a, v)), &err))
		abort();
	return 0;
}
