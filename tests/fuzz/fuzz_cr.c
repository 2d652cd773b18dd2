/* Any JSON as a custom resource: the decoders, and what the services make of it. */
#include "endpoint-svc/endpoint.h"
#include "lib/api/api.h"
#include "lib/api/finding.h"
#include "lib/api/ratelimiting.h"
#include "lib/api/security.h"
#include "lib/api/targetendpoint.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/plan.h"
#include "lib/plan/world.h"
#include "ratelimit-svc/ratelimit.h"
#include "security-svc/security.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void decode(struct arena *a, const struct json *object)
{
	struct rate_limiting limit;
	struct target_endpoint te;
	struct security security;
	struct findings f;
	struct api api;

	findings_init(&f, a);
	api_decode(a, object, &api, &f);
	if (api_effective_mode(&api, json_get_str(object, "mode"), &f) == MODE_UNSET)
		abort();
	(void)api_tag_base(a, &api, json_get_str(object, "version"));
	target_endpoint_decode(a, object, &te, &f);
	if (target_endpoint_port(&te)->port < 1 ||
		te.min_replicas < (te.mode == MODE_SERVERLESS ? 0 : 1))
		abort();
	(void)target_endpoint_url(a, &te);
	security_decode(a, object, &security, &f);
	rate_limiting_decode(a, object, &limit, &f);
	if (!findings_fatal(&f) && policy_unit_s(&limit.policy) <= 0)
		abort();
	(void)findings_fatal_text(&f);
}

static void decide(struct arena *a, const struct json *root, enum kind kind,
	void (*needs)(const struct world *, struct needs *),
	bool (*reconcile)(const struct world *, struct plan *, struct err *))
{
	struct world w = { .arena = a,
		.root_ref = { kind, "online", "fuzz" },
		.root = root,
		.env = json_object(a),
		.system_ns = "wso2-system",
		.now_s = 1795435200,
		.attempt = 1 };
	struct err err = { .code = ERR_NONE };
	struct needs n = { .arena = a };
	struct plan *p = plan_new(a, &w);

	needs(&w, &n);
	if (!reconcile(&w, p, &err))
		abort();
	(void)plan_json(a, p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct err err = { .code = ERR_NONE };
	struct json *v = json_parse(a, (const char *)data, n, &err);

	if (!v)
		return 0;
	decode(a, v);
	decide(a, v, KIND_SECURITY, security_needs, security_reconcile);
	decide(a, v, KIND_RATE_LIMITING, ratelimit_needs, ratelimit_reconcile);
	decide(a, v, KIND_TARGET_ENDPOINT, endpoint_needs, endpoint_reconcile);
	return 0;
}
