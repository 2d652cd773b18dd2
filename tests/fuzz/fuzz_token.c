/* Any bytes as a bearer token. Only one token exists that the key has signed: nothing else may
 * pass. */
#include "gateway/core/core.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "tests/fuzz/gateway.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* header.payload of the article's token; its signature may be padded or not. */
static bool is_signed(const uint8_t *data, size_t n)
{
	static char token[2048];
	const char *dot;
	FILE *f;

	if (!*token && (f = fopen("tests/data/sample-token.jwt", "re"))) {
		(void)!fread(token, 1, sizeof(token) - 1, f);
		(void)fclose(f);
	}
	while (n > 0 && *data == ' ') {
		data++;
		n--;
	}
	dot = strrchr(token, '.');
	return dot && n > (size_t)(dot - token) && memcmp(token, data, (size_t)(dot - token)) == 0;
}

static bool header(void *arg, const char *name, struct span *ret, size_t *ret_n)
{
	(void)name;
	*ret = *(const struct span *)arg;
	*ret_n = 1;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct core *core;
	AUTO(arena_auto) struct arena *a = arena_new();
	char *value = arena_alloc(a, n + 8);
	struct span span = { value, n + 7 };
	struct core_request r = { .method = METHOD_GET,
		.method_name = { "GET", 3 },
		.target = { "/s/private", 10 },
		.header = header,
		.arg = &span,
		.now_s = 1700000000 };
	struct verdict v;

	if (!core)
		core = fuzz_core();
	memcpy(value, "Bearer ", 7);
	if (n > 0)
		memcpy(value + 7, data, n);
	/* Twice: the second time an accepted token comes from the cache. */
	for (int i = 0; i < 2; i++) {
		core_decide(core, a, &r, &v);
		if (v.kind == VERDICT_FORWARD && !is_signed(data, n))
			abort();
		if (v.kind != VERDICT_FORWARD && v.fault_code != 900901)
			abort();
	}
	return 0;
}
