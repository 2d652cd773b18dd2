#include "api-svc/inputs.h"

#include <stdarg.h>

#include "api-svc/certificates.h"
#include "api-svc/mounts.h"
#include "api-svc/names.h"
#include "api-svc/observe.h"
#include "api-svc/scripts.h"
#include "api-svc/targets.h"
#include "api-svc/tiers.h"
#include "lib/api/security.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/reasons.h"
#include "lib/plan/verdict.h"
#include "lib/plan/world.h"

enum {
	MESSAGE_MAX = 1000
};

void problem(struct inputs *in, struct problem *p, const char *reason, const char *fmt, ...)
{
	char text[MESSAGE_MAX];
	va_list ap;

	if (p->reason)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	*p = (struct problem){ reason, arena_dup(in->arena, text) };
}

/* `ConfigMap "store-swagger", line 12, paths./products.get: what is wrong` */
static char *error_text(struct arena *a, const struct toolkit_diagnostic *d)
{
	struct str s;

	str_init(&s, a, MESSAGE_MAX);
	if (!str_empty(d->document))
		str_addf(&s, "ConfigMap \"%s\", ", d->document);
	if (d->line > 0)
		str_addf(&s, "line %zu, ", d->line);
	if (!str_empty(d->path))
		str_addf(&s, "%s, ", d->path);
	if (s.len > 0)
		str_cut(&s, s.len - 2);
	str_addf(&s, "%s%s", s.len > 0 ? ": " : "", d->message);
	return s.ptr;
}

char *inputs_errors(struct arena *a, const struct toolkit_diagnostics *d)
{
	size_t left = d->errors;
	struct str s;

	str_init(&s, a, 4 * (size_t)MESSAGE_MAX);
	vec_foreach (const struct toolkit_diagnostic *, x, &d->list) {
		const char *text = error_text(a, x);

		if (x->severity != TOOLKIT_ERROR)
			continue;
		if (s.len > 0 && s.len + strlen(text) > MESSAGE_MAX)
			break;
		str_addf(&s, "%s%s", s.len ? "; " : "", text);
		left--;
	}
	if (left > 0)
		str_addf(&s, "; and %zu more", left);
	return s.ptr;
}

/* ---- the API's own fields and the configuration ---- */

static const char *env(const struct world *w, const char *name)
{
	return json_get_str(w->env, name);
}

static void read_conf(const struct world *w, struct inputs *in)
{
	struct conf_input input = {
		.images = { env(w, "TOOLKIT_IMAGE"), env(w, "RUNTIME_IMAGE"),
			env(w, "KANIKO_IMAGE") },
	};

	const char *mounts = conf_object_name(CONF_MOUNTS);
	const struct json *own = world_get(w, KIND_CONFIG_MAP, in->ns, mounts);

	for (enum conf_object o = CONF_CONTROLLER; o < CONF_OBJECTS; o++)
		input.objects[o] = world_get(w, KIND_CONFIG_MAP, w->system_ns, conf_object_name(o));
	input.ns = in->ns;
	input.mounts_ns = own ? in->ns : w->system_ns;
	if (own)
		input.objects[CONF_MOUNTS] = own;
	findings_init(&in->conf_findings, w->arena);
	conf_read(w->arena, &input, &in->conf, &in->conf_findings);
}

/* ---- documents ---- */

static void ambiguous(struct inputs *in, const char *map, size_t entries)
{
	if (entries == 0)
		problem(in, &in->not_accepted, REASON_INVALID_DEFINITION,
			"ConfigMap \"%s\" has no entry, expected one that holds the OpenAPI document",
			map);
	else if (entries == 1)
		problem(in, &in->not_accepted, REASON_INVALID_DEFINITION,
			"ConfigMap \"%s\": its entry is not valid base64", map);
	else
		problem(in, &in->not_accepted, REASON_AMBIGUOUS_DEFINITION,
			"ConfigMap \"%s\" has %zu entries, expected one; give each document a ConfigMap of its own "
			"and list them in spec.definition.swaggerConfigmapNames",
			map, entries);
}

static void read_document(const struct world *w, struct inputs *in, const char *map)
{
	const struct object *o = world_find(w, KIND_CONFIG_MAP, in->ns, map);
	struct definition *d = &in->definitions[in->n_documents];
	struct toolkit_document *doc = &in->documents[in->n_documents];
	size_t entries = 0;

	if (!o)
		return;
	if (!o->json) {
		problem(in, &in->not_resolved, REASON_DEFINITION_NOT_FOUND,
			"ConfigMap \"%s\" not found in namespace \"%s\"; create it with the OpenAPI document as its "
			"only entry, or correct spec.definition",
			map, in->ns);
		return;
	}
	*doc = (struct toolkit_document){ .name = map };
	if (!data_only_entry(w->arena, o->json, &d->key, &doc->text, &doc->n, &entries)) {
		ambiguous(in, map, entries);
		return;
	}
	d->config_map = map;
	in->n_documents++;
}

static void read_documents(const struct world *w, struct inputs *in)
{
	size_t n = in->api.definitions.n;

	in->definitions = arena_alloc(w->arena, n * sizeof(*in->definitions) + 1);
	in->documents = arena_alloc(w->arena, n * sizeof(*in->documents) + 1);
	vec_foreach (const char *, map, &in->api.definitions)
		read_document(w, in, map);
	if (n == 0 || in->n_documents < n)
		return;
	toolkit_scan(w->arena, in->documents, n, &in->scan);
	in->scanned = true;
	if (in->scan.diagnostics.errors > 0)
		problem(in, &in->not_accepted,
			in->scan.has_interceptors ? REASON_INTERCEPTOR : REASON_INVALID_DEFINITION,
			"%s", inputs_errors(w->arena, &in->scan.diagnostics));
}

static void read_mode(struct inputs *in)
{
	const char *said = in->scan.n_documents == 1 ? in->scan.documents[0].mode : NULL;

	in->mode = api_effective_mode(&in->api, said, &in->findings);
}

/* ---- Securities ---- */

static const char *policy_secret(const struct world *w, const char *security)
{
	return security_policy_name(w->arena, security);
}

/* The compiled policy of a Security: the namespace's own, else, for the default one, the
 * operator's. */
static const struct json *find_policy(const struct world *w, const char *ns, const char *security)
{
	const char *secret = policy_secret(w, security);
	const struct json *own = world_get(w, KIND_SECRET, ns, secret);

	if (own || !str_eq(security, DEFAULT_SECURITY))
		return own;
	return world_get(w, KIND_SECRET, w->system_ns, secret);
}

static void fill_issuer(
	struct arena *a, const struct security_policy_entry *e, struct toolkit_issuer *ret)
{
	struct toolkit_key *keys = arena_alloc(a, e->keys.n * sizeof(*keys) + 1);
	size_t n = 0;

	vec_foreach (const struct security_key *, k, &e->keys)
		keys[n++] =
			(struct toolkit_key){ k->pem, strlen(k->pem), k->not_before, k->not_after };
	*ret = (struct toolkit_issuer){ e->issuer, e->audience, e->validate_subscription, keys, n,
		e->jwks_url };
}

static bool read_policy(const struct world *w, const char *name, const struct json *secret,
	struct toolkit_security *ret)
{
	struct err err = { .code = ERR_NONE };
	struct security_policy policy;
	struct toolkit_issuer *issuers;
	const char *text;
	size_t i = 0;
	size_t n = 0;

	text = data_entry(w->arena, secret, SECURITY_POLICY_KEY, &n);
	if (!text || !security_policy_read(w->arena, text, n, &policy, &err))
		return false;
	issuers = arena_alloc(w->arena, policy.entries.n * sizeof(*issuers) + 1);
	if (policy.type == SECURITY_JWT)
		vec_foreach (const struct security_policy_entry *, e, &policy.entries)
			fill_issuer(w->arena, e, &issuers[i++]);
	*ret = (struct toolkit_security){ .name = name,
		.type = security_type_name(policy.type),
		.issuers = issuers,
		.n_issuers = i };
	if (policy.type == SECURITY_OAUTH && policy.entries.n > 0)
		ret->endpoint =
			((const struct security_policy_entry *)policy.entries.at[0])->endpoint;
	return true;
}

/* A pod can only mount Secrets of its own namespace. */
static void check_mountable(
	const struct world *w, struct inputs *in, const struct toolkit_security *s)
{
	if (!str_eq(s->type, security_type_name(SECURITY_JWT)) &&
		!world_get(w, KIND_SECRET, in->ns, policy_secret(w, s->name)))
		problem(in, &in->not_resolved, REASON_REF_NOT_PERMITTED,
			"Security \"%s\" of namespace \"%s\" is of type %s: credentials cannot be used from "
			"another namespace; create the Security in namespace \"%s\"",
			s->name, w->system_ns, s->type, in->ns);
}

static void missing_security(const struct world *w, struct inputs *in, const char *name)
{
	const struct object *o = world_find(w, KIND_SECURITY, in->ns, name);

	if (!o)
		return;
	if (o->json)
		problem(in, &in->not_resolved, REASON_SECURITY_NOT_READY,
			"Security \"%s\" in namespace \"%s\" is not ready; its own conditions say why: kubectl "
			"describe security %s -n %s",
			name, in->ns, name, in->ns);
	else
		problem(in, &in->not_resolved, REASON_SECURITY_NOT_FOUND,
			"Security \"%s\" not found in namespace \"%s\"%s", name, in->ns,
			str_eq(name, DEFAULT_SECURITY)
				? " nor in the operator's; apply deploy/controller-configs"
				: "; create it or correct the document");
}

static void read_security(const struct world *w, struct inputs *in, const char *name, bool required)
{
	const struct json *secret = find_policy(w, in->ns, name);

	for (size_t i = 0; i < in->n_securities; i++)
		if (str_eq(in->securities[i].name, name))
			return;
	if (secret && read_policy(w, name, secret, &in->securities[in->n_securities]))
		check_mountable(w, in, &in->securities[in->n_securities++]);
	else if (required)
		missing_security(w, in, name);
}

static void read_securities(const struct world *w, struct inputs *in)
{
	const struct toolkit_scan *s = &in->scan;

	in->securities = arena_alloc(
		w->arena, (s->securities.n + s->schemes.n + 1) * sizeof(*in->securities));
	for (size_t i = 0; i < s->securities.n; i++)
		read_security(w, in, s->securities.at[i], true);
	for (size_t i = 0; i < s->schemes.n; i++)
		read_security(w, in, s->schemes.at[i], false);
	if (s->needs_default_security)
		read_security(w, in, DEFAULT_SECURITY, true);
}

/* ---- all of it ---- */

void inputs_read(const struct world *w, struct inputs *ret)
{
	*ret = (struct inputs){
		.world = w, .arena = w->arena, .ns = w->root_ref.ns, .name = w->root_ref.name
	};
	findings_init(&ret->findings, w->arena);
	api_decode(w->arena, w->root, &ret->api, &ret->findings);
	read_conf(w, ret);
	mounts_check(ret);
	observe_check(ret);
	read_documents(w, ret);
	read_mode(ret);
	if (ret->scanned) {
		read_securities(w, ret);
		tiers_read(w, ret);
		targets_read(w, ret);
		certificates_read(w, ret);
		scripts_find(w, ret);
	}
	if (findings_fatal(&ret->findings))
		ret->not_accepted =
			(struct problem){ verdict_reason(findings_fatal(&ret->findings)->kind),
				findings_fatal_text(&ret->findings) };
	if (api_interceptor(&ret->api))
		problem(ret, &ret->not_accepted, REASON_INTERCEPTOR,
			"%s names an interceptor; Ballerina and Java interceptors cannot run in this gateway: remove "
			"the field, and write a hook instead (x-apim-request-hook of the document)",
			api_interceptor(&ret->api));
}

static void need_security(const struct world *w, const struct inputs *in, struct needs *n,
	const char *name, bool required)
{
	const char *secret = policy_secret(w, name);

	need_input(n, KIND_SECRET, in->ns, secret);
	if (str_eq(name, DEFAULT_SECURITY))
		need_input(n, KIND_SECRET, w->system_ns, secret);
	/* Only to explain why there is no policy. */
	if (required && world_find(w, KIND_SECRET, in->ns, secret) && !find_policy(w, in->ns, name))
		need_input(n, KIND_SECURITY, in->ns, name);
}

bool inputs_use(const struct inputs *in, enum conf_object o)
{
	switch (o) {
	case CONF_KANIKO:
	case CONF_ANALYTICS:
		return false;
	case CONF_INGRESS:
		return in->conf.mode == OPERATOR_INGRESS || in->api.ingress_hostname;
	case CONF_ROUTE:
		return in->conf.mode == OPERATOR_ROUTE;
	case CONF_ISTIO:
		return in->conf.mode == OPERATOR_ISTIO;
	case CONF_CONTROLLER:
	case CONF_APIM:
	case CONF_REGISTRY:
	case CONF_HPA:
	case CONF_MOUNTS:
	case CONF_OBJECTS:
		break;
	}
	return true;
}

void inputs_need(const struct inputs *in, struct needs *n)
{
	const struct world *w = in->world;

	vec_foreach (const char *, map, &in->api.definitions)
		need_input(n, KIND_CONFIG_MAP, in->ns, map);
	for (enum conf_object o = CONF_CONTROLLER; o < CONF_OBJECTS; o++)
		if (inputs_use(in, o))
			need_input(n, KIND_CONFIG_MAP, w->system_ns, conf_object_name(o));
	mounts_need(in, n);
	observe_need(in, n);
	for (size_t i = 0; i < in->scan.securities.n; i++)
		need_security(w, in, n, in->scan.securities.at[i], true);
	for (size_t i = 0; i < in->scan.schemes.n; i++)
		need_security(w, in, n, in->scan.schemes.at[i], false);
	if (in->scan.needs_default_security)
		need_security(w, in, n, DEFAULT_SECURITY, true);
	tiers_need(w, in, n);
	need_input(n, KIND_SECRET, in->ns, PULL_SECRET);
	targets_need(w, in, n);
	certificates_need(in, n);
	scripts_need(in, n);
}
