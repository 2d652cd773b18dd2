/* Any bytes as a contract: what the loader accepts is written and read as the same, and can decide.
 */
#include "gateway/core/core.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void decide(const struct contract *c, struct arena *a, const char *path)
{
	static const struct core_options options = { .token_cache_entries = 4 };
	struct core *core = core_new(c, &options);
	struct core_request r = { .method = METHOD_GET,
		.method_name = { "GET", 3 },
		.target = { path, strlen(path) },
		.now_s = 1700000000 };
	struct verdict v;

	core_decide(core, a, &r, &v);
	if (v.kind == VERDICT_FORWARD && v.operation->secured)
		abort();
	core_free(core);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct err err = { .code = ERR_NONE };
	struct contract *c = contract_load(a, (const char *)data, n, &err);
	struct contract *again;
	const char *text;

	if (!c) {
		if (err.code == ERR_NONE || !*err.msg)
			abort();
		return 0;
	}
	text = json_canonical(a, contract_json(a, c));
	again = contract_load(a, text, strlen(text), &err);
	if (!again || !str_eq(json_canonical(a, contract_json(a, again)), text))
		abort();
	for (size_t i = 0; i < c->n_apis && i < 4; i++)
		for (size_t p = 0; p < c->apis[i].n_paths && p < 4; p++)
			decide(c, a,
				arena_printf(a, "%s%s", c->apis[i].base_path,
					c->apis[i].paths[p].template));
	return 0;
}
