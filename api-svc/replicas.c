#include "api-svc/replicas.h"

#include "api-svc/inputs.h"
#include "api-svc/names.h"
#include "api-svc/workload.h"
#include "lib/api/api.h"
#include "lib/api/security.h"
#include "lib/base/arena.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/plan.h"
#include "lib/plan/world.h"

enum {
	VERSION_DIGITS = 16,
};

static bool can_be_several(const struct inputs *in)
{
	return in->conf.deploy && (in->api.replicas > 1 || in->conf.max_replicas > 1);
}

void replicas_need(const struct inputs *in, struct needs *n)
{
	if (can_be_several(in)) {
		need_input(n, KIND_SECRET, in->world->system_ns, SECURITY_KEYS_SECRET);
		need_input(n, KIND_SECRET, in->ns, API_REPLICAS);
		need_input(n, KIND_SERVICE, in->ns, API_REPLICAS);
	}
}

/* Base64 of 64 hexadecimal digits; NULL: there is no secret to make it with. */
static const char *key(const struct inputs *in)
{
	const char *what = arena_printf(in->arena, "replicas in %s", in->ns);
	unsigned char sum[SHA256_BYTES];
	size_t n = 0;
	const char *secret = data_entry(in->arena,
		world_get(in->world, KIND_SECRET, in->world->system_ns, SECURITY_KEYS_SECRET),
		"key", &n);
	char *text;

	if (!secret || n < SHA256_BYTES)
		return NULL;
	hmac_sha256(secret, n, what, strlen(what), sum);
	text = hex(in->arena, sum, sizeof(sum));
	return base64_encode(in->arena, text, strlen(text));
}

void replicas_check(struct inputs *in)
{
	const struct object *secret =
		world_find(in->world, KIND_SECRET, in->world->system_ns, SECURITY_KEYS_SECRET);

	if (can_be_several(in) && object_exists(secret) && !key(in))
		finding_add(&in->conf_findings, FINDING_ADJUSTED, "rate limits",
			"count in each pod of a gateway by itself: Secret \"" SECURITY_KEYS_SECRET
			"\" in namespace \"%s\" has no entry \"key\" of 32 bytes or more",
			in->world->system_ns);
}

void replicas_fill(const struct inputs *in, struct workload *ret)
{
	const char *k = can_be_several(in) ? key(in) : NULL;

	if (!k)
		return;
	ret->replicas_host = names_replicas(in->arena, in->name);
	ret->replicas_version =
		arena_dupn(in->arena, sha256_hex(in->arena, k, strlen(k)), VERSION_DIGITS);
}

void replicas_apply(struct plan *p, const struct inputs *in)
{
	const char *k = can_be_several(in) ? key(in) : NULL;

	if (!k)
		return;
	plan_apply(p,
		json_format(p->arena,
			"{'apiVersion':'v1','kind':'Secret','metadata':{'name':'" API_REPLICAS
			"'},'type':'Opaque','data':{'key':%s}}",
			k),
		PLAN_UNOWNED | PLAN_UNRECORDED);
	plan_apply(p, workload_replicas_service(p->arena), PLAN_UNOWNED | PLAN_UNRECORDED);
}
