/* Any bytes as a request target, against a matcher that is too simple to be wrong.
 *
 * What is forwarded is one canonical spelling: asked for again below the base path it is forwarded
 * as it is, by the same operation. So no spelling reaches the backend under an operation that its
 * canonical form does not have. */
#include <string.h>

#include "gateway/core/core.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "tests/fuzz/gateway.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void ask(struct core *core, struct arena *a, struct span target, struct verdict *ret)
{
	struct core_request r = { .method = METHOD_GET,
		.method_name = { "GET", 3 },
		.target = target,
		.now_s = 1700000000 };

	core_decide(core, a, &r, ret);
}

/* "{x}.{y}", the only such segment here. */
static bool has_inner_dot(const char *segment, size_t n)
{
	for (size_t i = 1; i + 1 < n; i++)
		if (segment[i] == '.')
			return true;
	return false;
}

/* One step of both paths; the template's "*" takes what is left. */
static bool fits(const char *template, const char *path)
{
	while (*template && *path) {
		size_t t = strcspn(template + 1, "/");
		size_t p = strcspn(path + 1, "/");

		if (template[1] == '*')
			return true;
		if (p == 0 || (memmem(template, t + 1, "}.{", 3) && !has_inner_dot(path + 1, p)) ||
			(template[1] != '{' && (t != p || memcmp(template, path, p + 1) != 0)))
			return false;
		template += t + 1;
		path += p + 1;
	}
	return *template == *path || str_eq(template, "/*");
}

static bool contains(struct span s, const char *text)
{
	return memmem(s.at, s.n, text, strlen(text)) != NULL;
}

static void check_forwarded(struct core *core, struct arena *a, const struct verdict *v)
{
	const char *prefix = v->operation->secured ? NULL : "/s";
	struct span path = v->forward;
	const char *mark = memchr(path.at, '?', path.n);
	struct span again;
	struct verdict w;
	char *decoded;

	if (!prefix)
		abort(); /* nobody has credentials here */
	if (mark)
		path.n = (size_t)(mark - path.at);
	if (contains(path, "..") &&
		(contains(path, "/../") || str_ends(arena_dupn(a, path.at, path.n), "/..")))
		abort();
	if (contains(path, "//") || contains(path, "\\") || contains(path, ";") ||
		contains(path, "%2F") || contains(path, "%00"))
		abort();
	again.at = arena_printf(a, "%s%.*s", prefix, (int)v->forward.n, v->forward.at);
	again.n = strlen(prefix) + v->forward.n;
	ask(core, a, again, &w);
	/* Encoding anew may make a path longer than the limit. */
	if (w.kind == VERDICT_ANSWER && w.status == 414)
		return;
	if (w.kind != VERDICT_FORWARD || w.operation != v->operation ||
		w.forward.n != v->forward.n ||
		memcmp(w.forward.at, v->forward.at, w.forward.n) != 0)
		abort();
	decoded = arena_dupn(a, path.at, path.n);
	if (path.n > 1 && decoded[path.n - 1] == '/')
		decoded[path.n - 1] = '\0';
	if (!strchr(decoded, '%') && !str_eq(decoded, "/") && !fits(v->path->template, decoded))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct core *core;
	AUTO(arena_auto) struct arena *a = arena_new();
	struct span target = { arena_dupn(a, data, n), n };
	struct verdict v;

	if (!core)
		core = fuzz_core();
	if (memchr(target.at, '\0', n))
		return 0;
	ask(core, a, target, &v);
	if (v.kind == VERDICT_FORWARD)
		check_forwarded(core, a, &v);
	else if (v.status == 0)
		abort();
	return 0;
}
