#include "tests/sim/script.h"

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "tests/sim/sim.h"

enum {
	SECURITIES = 2,
	TIERS = 3,
	ENDPOINTS = 2,
	DOCUMENTS = 3, /* contents of a document */
};

const char *script_certificate;

/* What a user knows of an API. */
struct entry {
	const char *ns;
	const char *name;
	bool exists;
	int document;
	int security; /* -1: the default one */
	int endpoint; /* -1: a URL */
	int replicas;
	bool image; /* is given: nothing is built */
};

struct user {
	struct sim *sim;
	struct arena *arena;
	struct chance chance;
	int64_t now_us;
	struct entry *apis;
	size_t n;
};

/* ---- deeds ---- */

static void put(struct sim *s, struct task *t)
{
	struct kube_apply x = {
		.body = json_dup(s->arena, t->data), .manager = "kubectl", .force = true
	};
	struct vec taken = { .n = 0 };
	struct err err = { .code = ERR_NONE };
	const char *before = meta_version(store_get(&s->store, t->ref));

	if (!store_apply_one(&s->store, &x, &taken, &err))
		sim_violated(
			s, "the user cannot apply %s: %s", ref_text(s->arena, t->ref), err.msg);
	else if (!str_eq(before, meta_version(x.live)))
		sim_trace(s, "user", "applies %s, version %s", ref_text(s->arena, t->ref),
			meta_version(x.live));
}

static void removal(struct sim *s, struct task *t)
{
	struct kube_ops k = store_ops(&s->store);
	struct err err = { .code = ERR_NONE };

	if (!store_get(&s->store, t->ref))
		return;
	sim_trace(s, "user", "deletes %s", ref_text(s->arena, t->ref));
	(void)!k.remove(k.self, s->arena, t->ref, NULL, &err);
}

/* An edit by hand of something that the operator made. */
static void spoil(struct sim *s, struct task *t)
{
	const struct json *live = store_get(&s->store, t->ref);
	struct json *next;

	if (!live)
		return;
	next = json_dup(s->arena, live);
	if (t->ref.kind == KIND_DEPLOYMENT)
		json_set_int(
			s->arena, json_sub(s->arena, next, "spec"), "progressDeadlineSeconds", 7);
	else if (t->ref.kind == KIND_SERVICE)
		json_set_str(s->arena, json_sub(s->arena, next, "spec"), "type", "NodePort");
	else if (json_first(json_get(next, "data")))
		json_set_str(s->arena, json_sub(s->arena, next, "data"),
			json_key(json_first(json_get(live, "data"))), "c3BvaWxlZA==");
	sim_trace(s, "user", "spoils %s", ref_text(s->arena, t->ref));
	store_update(&s->store, t->ref, next, "kubectl-edit");
}

/* ---- planning them ---- */

static void plan(struct user *u, void (*run)(struct sim *, struct task *), struct ref ref,
	const struct json *object)
{
	sim_at(u->sim, u->now_us, (struct task){ .run = run, .ref = ref, .data = object });
}

static void plan_put(struct user *u, const struct json *object)
{
	plan(u, put, ref_of(object), object);
}

static void plan_removal(struct user *u, enum kind kind, const char *ns, const char *name)
{
	plan(u, removal, (struct ref){ kind, ns, name }, NULL);
}

static const char *numbered(struct user *u, const char *prefix, size_t i)
{
	return arena_printf(u->arena, "%s%zu", prefix, i);
}

static size_t any(struct user *u, size_t n)
{
	return (size_t)chance_of(&u->chance, n);
}

/* ---- objects ---- */

static void put_configuration(struct user *u, bool good)
{
	plan_put(u,
		json_format(u->arena,
			"{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'controller-config',"
			"'namespace':'" SYSTEM_NS "'},'data':{'dockerRegistry':%s}}",
			good ? "http://registry:5000/gateways" : ""));
}

static void put_document(struct user *u, const struct entry *e, bool good)
{
	const char *endpoint =
		e->endpoint < 0 ? "\"http://products\"" : numbered(u, "te", (size_t)e->endpoint);
	const char *security =
		e->security < 0 ? ""
				: arena_printf(u->arena, "security: [{sec%d: []}]\n", e->security);
	const char *text = arena_printf(u->arena,
		"openapi: %s\ninfo: {title: %s, version: v1.0.0}\nx-wso2-basePath: /%s/%s/v1\n"
		"x-wso2-production-endpoints: {urls: [%s]}\n%s"
		"paths:\n  /r%d:\n    get: {responses: {\"200\": {description: all}}}\n",
		good ? "3.0.0" : "[3", e->name, e->ns, e->name, endpoint, security, e->document);
	struct json *data = json_object(u->arena);

	json_set_str(u->arena, data, "swagger.yaml", text);
	plan_put(u,
		json_format(u->arena,
			"{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':%s,'namespace':%s},'data':%j}",
			arena_printf(u->arena, "%s-swagger", e->name), e->ns, data));
}

static void put_api(struct user *u, struct entry *e)
{
	struct json *api = json_format(u->arena,
		"{'apiVersion':'wso2.com/v1alpha1','kind':'API','metadata':{'name':%s,'namespace':%s},"
		"'spec':{'definition':{'configmapName':%s,'type':'swagger'},'replicas':%d}}",
		e->name, e->ns, arena_printf(u->arena, "%s-swagger", e->name), e->replicas);

	if (e->image)
		json_set_str(u->arena, json_sub(u->arena, api, "spec"), "image", "gateway:given");
	e->exists = true;
	plan_put(u, api);
}

static void put_certificate(struct user *u, const char *ns, size_t i)
{
	struct json *data = json_object(u->arena);

	json_set_str(u->arena, data, "server.pem", script_certificate);
	plan_put(u,
		json_format(u->arena,
			"{'apiVersion':'v1','kind':'Secret','metadata':{'name':%s,'namespace':%s},"
			"'type':'Opaque','data':%j}",
			numbered(u, "cert", i), ns, data));
}

static void put_security(struct user *u, const char *ns, const char *name, size_t cert, size_t how)
{
	plan_put(u,
		json_format(u->arena,
			"{'apiVersion':'wso2.com/v1alpha1','kind':'Security','metadata':{'name':%s,"
			"'namespace':%s},'spec':{'type':'JWT','issuer':%s,'audience':'http://a',"
			"'certificate':%s}}",
			name, ns, numbered(u, "https://issuer-", how), numbered(u, "cert", cert)));
}

static void put_tier(struct user *u, const char *ns, size_t i)
{
	static const char *const types[] = { "advance", "application", "subscription" };

	plan_put(u,
		json_format(u->arena,
			"{'apiVersion':'wso2.com/v1alpha1','kind':'RateLimiting','metadata':{'name':%s,"
			"'namespace':%s},'spec':{'type':%s,'timeUnit':'min','unitTime':1,"
			"'requestCount':{'limit':%d}}}",
			numbered(u, "tier", i), ns, types[i % 3], 5 + (int)any(u, 3)));
}

static void put_endpoint(struct user *u, const char *ns, size_t i)
{
	plan_put(u,
		json_format(u->arena,
			"{'apiVersion':'wso2.com/v1alpha1','kind':'TargetEndpoint','metadata':{'name':%s,"
			"'namespace':%s},'spec':{'protocol':'http','port':%d,'targetPort':9090,"
			"'mode':'privateJet','deploy':{'name':%s,'dockerImage':'products:1','count':1}}}",
			numbered(u, "te", i), ns, 80 + (int)any(u, 2), numbered(u, "backend", i)));
}

/* ---- edits ---- */

static struct entry *any_api(struct user *u)
{
	return &u->apis[any(u, u->n)];
}

static void edit_document(struct user *u, struct entry *e)
{
	if (!e->exists)
		return;
	e->document = (int)any(u, DOCUMENTS);
	if (any(u, 3) == 0)
		e->security = (int)any(u, SECURITIES + 1) - 1;
	if (any(u, 3) == 0)
		e->endpoint = (int)any(u, ENDPOINTS + 1) - 1;
	put_document(u, e, any(u, 8) != 0);
}

static void edit_api(struct user *u, struct entry *e)
{
	if (any(u, 4) == 0) {
		e->exists = false;
		plan_removal(u, KIND_API, e->ns, e->name);
		/* The operator may or may not have made it the API's. */
		plan_removal(
			u, KIND_CONFIG_MAP, e->ns, arena_printf(u->arena, "%s-swagger", e->name));
		return;
	}
	e->replicas = 1 + (int)any(u, 3);
	if (!e->exists)
		put_document(u, e, true);
	put_api(u, e);
}

static void edit_security(struct user *u, const char *ns)
{
	size_t i = any(u, SECURITIES);

	switch (any(u, 5)) {
	case 0:
		plan_removal(u, KIND_SECURITY, ns, numbered(u, "sec", i));
		break;
	case 1:
		plan_removal(u, KIND_SECRET, ns, numbered(u, "cert", i));
		break;
	case 2:
		put_certificate(u, ns, i);
		break;
	default:
		put_security(u, ns, numbered(u, "sec", i), any(u, SECURITIES), any(u, 2));
	}
}

static void edit_tier(struct user *u, const char *ns)
{
	size_t i = any(u, TIERS);

	if (any(u, 2) == 0)
		plan_removal(u, KIND_RATE_LIMITING, ns, numbered(u, "tier", i));
	else
		put_tier(u, ns, i);
}

static void edit_endpoint(struct user *u, const char *ns)
{
	size_t i = any(u, ENDPOINTS);

	if (any(u, 3) == 0)
		plan_removal(u, KIND_TARGET_ENDPOINT, ns, numbered(u, "te", i));
	else
		put_endpoint(u, ns, i);
}

static void meddle(struct user *u, const struct entry *e)
{
	const struct ref children[] = {
		{ KIND_DEPLOYMENT, e->ns, e->name },
		{ KIND_SERVICE, e->ns, e->name },
		{ KIND_HPA, e->ns, arena_printf(u->arena, "%s-hpa", e->name) },
		{ KIND_CONFIG_MAP, e->ns, arena_printf(u->arena, "%s-dockerfile", e->name) },
		{ KIND_CONFIG_MAP, e->ns, arena_printf(u->arena, "%s-swagger-mgw", e->name) },
		{ KIND_SECRET, e->ns, arena_printf(u->arena, "%s-mgw-conf", e->name) },
		{ KIND_JOB, e->ns, arena_printf(u->arena, "%s-kaniko", e->name) },
		{ KIND_CONFIG_MAP, e->ns, "policy-configmap" },
		{ KIND_SECRET, e->ns, "sec0-security" },
		{ KIND_DEPLOYMENT, e->ns, "backend0" },
	};
	struct ref r = children[any(u, ARRAY_LEN(children))];

	plan(u, r.kind == KIND_JOB || any(u, 2) == 0 ? removal : spoil, r, NULL);
}

static void edit(struct user *u)
{
	struct entry *e = any_api(u);

	switch (any(u, 10)) {
	case 0:
	case 1:
	case 2:
		edit_document(u, e);
		break;
	case 3:
	case 4:
		edit_api(u, e);
		break;
	case 5:
		edit_security(u, e->ns);
		break;
	case 6:
		edit_tier(u, e->ns);
		break;
	case 7:
		edit_endpoint(u, e->ns);
		break;
	case 8:
		meddle(u, e);
		break;
	default:
		put_configuration(u, any(u, 2) == 0);
	}
}

/* ---- the whole ---- */

static void begin(struct user *u, const struct script_size *size)
{
	u->n = size->apis;
	u->apis = arena_alloc(u->arena, (u->n + 1) * sizeof(*u->apis));
	for (size_t i = 0; i < u->n; i++)
		u->apis[i] = (struct entry){ .ns = any(u, 4) ? "shop" : "market",
			.name = numbered(u, "api", i),
			.document = (int)any(u, DOCUMENTS),
			.security = (int)any(u, SECURITIES + 1) - 1,
			.endpoint = (int)any(u, ENDPOINTS + 1) - 1,
			.replicas = 1,
			.image = any(u, 8) == 0 };
}

/* Everything that may be named is there. */
static void mend(struct user *u)
{
	static const char *const namespaces[] = { "shop", "market" };

	put_configuration(u, true);
	put_certificate(u, SYSTEM_NS, 0);
	put_security(u, SYSTEM_NS, "default-security-jwt", 0, 0);
	for (size_t n = 0; n < ARRAY_LEN(namespaces); n++) {
		for (size_t i = 0; i < SECURITIES; i++) {
			put_certificate(u, namespaces[n], i);
			put_security(u, namespaces[n], numbered(u, "sec", i), i, i);
		}
		for (size_t i = 0; i < ENDPOINTS; i++)
			put_endpoint(u, namespaces[n], i);
	}
	for (size_t i = 0; i < u->n; i++)
		if (u->apis[i].exists)
			put_document(u, &u->apis[i], true);
}

int64_t script_plan(struct sim *s, const struct script_size *size)
{
	struct user u = { .sim = s,
		.arena = s->arena,
		.chance = { s->script * UINT64_C(7919) },
		.now_us = s->now_us + US_PER_S };

	begin(&u, size);
	if (any(&u, 2) == 0)
		mend(&u);
	for (size_t i = 0; i < u.n; i++) {
		u.now_us += (int64_t)any(&u, US_PER_S);
		put_document(&u, &u.apis[i], true);
		put_api(&u, &u.apis[i]);
	}
	for (size_t i = 0; i < size->edits; i++) {
		u.now_us += (int64_t)any(&u, (size_t)size->pace_us);
		edit(&u);
	}
	u.now_us += US_PER_S;
	mend(&u);
	return u.now_us;
}
