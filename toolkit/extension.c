#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "toolkit/model.h"

enum {
	ROOT = 1 << LEVEL_ROOT,
	OPERATION = 1 << LEVEL_OPERATION
};

typedef void check_fn(struct reader *r, struct model *m, struct place p);

static void interceptor(struct reader *r, struct model *m, struct place p)
{
	m->has_interceptors = true;
	refuse(r, "InterceptorNotSupported", p,
		"Ballerina and Java interceptors cannot run here; write the same in Lua as %s instead",
		str_eq(json_key(p.at), "x-wso2-request-interceptor") ? "x-apim-request-hook"
								     : "x-apim-response-hook");
}

static void tier(struct reader *r, struct model *m, struct place p)
{
	const char *name = text_of(r, p.at);

	(void)m;
	if (!name)
		refuse(r, "InvalidDocument", p, "%s, expected the name of a policy",
			json_type_name(p.at));
}

/* Scripts of prototypes: code from a document is not run here. */
static void script(struct reader *r, struct model *m, struct place p)
{
	(void)m;
	warn(r, "NotSupported", p,
		"scripts are not run; write examples, and x-wso2-endpoint-implementation-type: MOCKED_OAS");
}

uint32_t cache_of(struct reader *r, struct place root)
{
	enum {
		DEFAULT_SECONDS = 900
	};
	struct place p = inside(r, root, "x-wso2-response-cache");
	struct place seconds = inside(r, p, "cacheTimeoutInSeconds");
	struct place enabled = inside(r, p, "enabled");
	int64_t n = DEFAULT_SECONDS;

	if (p.at && (!json_is_object(p.at) || (enabled.at && !json_is_bool(enabled.at)))) {
		refuse(r, "InvalidDocument", p,
			"expected {enabled: true, cacheTimeoutInSeconds: 900}");
		return 0;
	}
	if (!json_get_bool(p.at, "enabled", false))
		return 0;
	if (seconds.at && (!json_int(seconds.at, &n) || n < 1 || n > CONTRACT_MAX_CACHE_SECONDS)) {
		refuse(r, "InvalidDocument", seconds, "expected seconds from 1 to %d",
			CONTRACT_MAX_CACHE_SECONDS);
		return 0;
	}
	return (uint32_t)n;
}

/* check NULL: read elsewhere, or without meaning for the gateway. */
static const struct {
	const char *name;
	unsigned int levels;
	check_fn *check;
} extensions[] = {
	{ "x-wso2-basePath", ROOT, NULL },
	{ "x-wso2-mode", ROOT, NULL },
	{ "x-wso2-owner", ROOT, NULL },
	{ "x-wso2-auth-header", ROOT, NULL },
	{ "x-wso2-endpoints", ROOT, NULL },
	{ "x-wso2-production-endpoints", ROOT | OPERATION, NULL },
	{ "x-wso2-sandbox-endpoints", ROOT | OPERATION, NULL },
	{ "x-wso2-disable-security", ROOT | OPERATION, NULL },
	{ "x-wso2-application-security", ROOT | OPERATION, NULL },
	{ "x-auth-type", OPERATION, NULL },
	{ "x-scope", OPERATION, NULL },
	{ "x-wso2-throttling-tier", ROOT | OPERATION, tier },
	{ "x-throttling-tier", OPERATION, tier },
	{ "x-wso2-request-interceptor", ROOT | OPERATION, interceptor },
	{ "x-wso2-response-interceptor", ROOT | OPERATION, interceptor },
	{ "x-apim-request-hook", ROOT | OPERATION, NULL },
	{ "x-apim-response-hook", ROOT | OPERATION, NULL },
	{ "x-wso2-cors", ROOT, NULL },
	{ "x-wso2-response-cache", ROOT, NULL },
	{ "x-wso2-endpoint-implementation-type", ROOT | OPERATION, NULL },
	{ "x-mediation-script", OPERATION, script },
	{ "x-wso2-transports", ROOT, NULL },
	{ "x-wso2-mutual-ssl", ROOT, NULL },
};

static void check_one(struct reader *r, struct model *m, struct place p, enum level level)
{
	const char *name = json_key(p.at);

	for (size_t i = 0; i < ARRAY_LEN(extensions); i++) {
		if (!str_eq(extensions[i].name, name))
			continue;
		if (!(extensions[i].levels & 1U << level))
			warn(r, "ExtensionIgnored", p, "not read here, expected at the %s",
				extensions[i].levels == OPERATION ? "operation"
				: extensions[i].levels == ROOT	  ? "root"
								  : "root or the operation");
		else if (extensions[i].check)
			extensions[i].check(r, m, p);
		return;
	}
	if (str_starts(name, "x-wso2-") || str_starts(name, "x-apim-"))
		warn(r, "UnknownExtension", p, "unknown extension, has no effect");
}

void check_extensions(struct reader *r, struct model *m, struct place p, enum level level)
{
	json_foreach (v, p.at)
		if (json_key(v)[0] == 'x' && json_key(v)[1] == '-')
			check_one(r, m, member(r, p, v), level);
}

struct model_tier tier_of(struct reader *r, const struct model *m, struct place p)
{
	static const char *const names[] = { "x-throttling-tier", "x-wso2-throttling-tier" };

	for (size_t i = !m; i < ARRAY_LEN(names); i++) {
		const char *name = text_of(r, json_get(p.at, names[i]));

		if (!name)
			continue;
		if (!m || !m->tier.name)
			return (struct model_tier){ name, inside(r, p, names[i]) };
		warn(r, "TierDropped", inside(r, p, names[i]),
			"the tier at the root counts for the whole API, this one is dropped");
		break;
	}
	return (struct model_tier){ 0 };
}
