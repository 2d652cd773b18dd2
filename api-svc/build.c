#include "api-svc/build.h"

#include "api-svc/dockerfile.h"
#include "api-svc/inputs.h"
#include "api-svc/mounts.h"
#include "api-svc/names.h"
#include "api-svc/rollout.h"
#include "api-svc/targets.h"
#include "gateway/core/contract.h"
#include "lib/api/build.h"
#include "lib/base/arena.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/plan.h"
#include "lib/plan/reasons.h"
#include "lib/plan/world.h"
#include "toolkit/conf.h"

/* As the last pass left it. */
static const struct json *built_before(const struct world *w)
{
	json_foreach (c, json_path(w->root, "status", "conditions", NULL))
		if (str_eq(json_get_str(c, "type"), COND_BUILT) &&
			str_eq(json_get_str(c, "status"), "True"))
			return c;
	return NULL;
}

/* The gateway has made a step and nothing else has happened: what was built is still what is
 * wanted. */
static bool only_the_workload_moved(const struct world *w)
{
	if (w->moved.n == 0 || meta_generation(w->root) != json_get_int(json_get(w->root, "status"),
								   "observedGeneration", 0))
		return false;
	vec_foreach (const struct ref *, r, &w->moved)
		if (r->kind != KIND_DEPLOYMENT && r->kind != KIND_SERVICE && r->kind != KIND_HPA)
			return false;
	return true;
}

void build_need(const struct world *w, struct needs *n)
{
	const char *name = names_dockerfile(w->arena, w->root_ref.name);
	struct child c;

	if (built_before(w) && only_the_workload_moved(w))
		return;
	if (world_child(w, KIND_CONFIG_MAP, name, &c))
		need_child(n, KIND_CONFIG_MAP, w->root_ref.ns, name);
}

static struct contract_words words(struct arena *a, const struct vec *from)
{
	struct contract_words to = { arena_alloc(a, (from->n + 1) * sizeof(*to.at)), 0 };

	vec_foreach (const char *, word, from)
		to.at[to.n++] = word;
	return to;
}

static const struct contract_assertion *backend_jwt(const struct inputs *in)
{
	struct contract_assertion *s = arena_alloc(in->arena, sizeof(*s));

	if (!in->conf.backend_jwt)
		return NULL;
	*s = (struct contract_assertion){
		.issuer = in->conf.backend_jwt_issuer,
		.audience = words(in->arena, &in->conf.backend_jwt_audience),
		.dialect = in->conf.backend_jwt_dialect,
		.restricted = words(in->arena, &in->conf.backend_jwt_restricted),
		.lifetime_s = (uint32_t)(in->conf.backend_jwt_ms / 1000),
	};
	return s;
}

static struct toolkit_inputs compile_inputs(const struct inputs *in)
{
	struct toolkit_settings s = toolkit_settings_default();

	s.default_security = DEFAULT_SECURITY;
	s.jwt_header = in->conf.jwt_header;
	s.verify_hostname = in->conf.verify_hostname;
	s.limit_headers = in->conf.limit_headers;
	s.hook_ms = (uint32_t)in->conf.hook_ms;
	s.hook_kilobytes = (uint32_t)in->conf.hook_kilobytes;
	s.validate_requests = in->conf.validate_requests;
	s.validate_responses = in->conf.validate_responses;
	s.token_cache_entries = in->conf.token_cache ? (uint32_t)in->conf.token_cache_entries : 0;
	s.token_cache_s = (in->conf.token_cache_ms + 999) / 1000;
	s.http_port = (uint16_t)in->conf.http_port;
	s.https_port = (uint16_t)in->conf.https_port;
	if (targets_have_port(in, s.token_port))
		s.token_port = 0; /* backends in the pod were there first */
	return (struct toolkit_inputs){ in->documents, in->n_documents, in->securities,
		in->n_securities, in->endpoints, in->n_endpoints, in->policies, s, in->certificates,
		in->n_certificates, in->scripts, in->n_scripts, backend_jwt(in) };
}

static const char *version(const struct inputs *in)
{
	return in->scan.n_documents > 0 ? in->scan.documents[0].version : NULL;
}

/* Everything that shapes the image, and nothing that does not. */
static char *input_hash(struct arena *a, const struct build *b)
{
	char *text = arena_printf(a, "%s\n%s", b->contract_sha256, b->dockerfile);

	return sha256_hex(a, text, strlen(text));
}

bool build_compile(struct inputs *in, struct build *ret)
{
	struct toolkit_diagnostics d = { .errors = 0 };
	struct toolkit_inputs inputs = compile_inputs(in);
	const struct contract *c = toolkit_compile(in->arena, &inputs, &d);
	const struct conf_registry *r = &in->conf.registry;

	if (!c) {
		in->not_accepted =
			(struct problem){ REASON_INVALID_DEFINITION, inputs_errors(in->arena, &d) };
		return false;
	}
	*ret = (struct build){
		.contract_sha256 = toolkit_contract_sha256(in->arena, c),
		.dockerfile =
			dockerfile_text(in->arena, in->conf.toolkit_image, in->conf.runtime_image),
	};
	ret->input_hash = input_hash(in->arena, ret);
	if (r->type != REGISTRY_NONE && r->repository)
		ret->image = names_image(in->arena, r, in->world->root_ref,
			api_tag_base(in->arena, &in->api, version(in)), ret->input_hash);
	return true;
}

/* ---- the inputs of a build ---- */

static void apply_definitions(struct plan *p, const struct inputs *in)
{
	for (size_t i = 0; i < in->n_documents; i++) {
		const char *text = toolkit_canonical(
			p->arena, &in->documents[i], in->endpoints, in->n_endpoints);
		struct json *data = json_object(p->arena);

		json_set_str(p->arena, data, in->definitions[i].key, text);
		plan_apply(p,
			json_format(p->arena,
				"{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':%s},'data':%j}",
				names_processed(p->arena, in->name, in->definitions[i].config_map),
				data),
			0);
	}
}

static void apply_conf(struct plan *p, const struct inputs *in)
{
	struct toolkit_inputs inputs = compile_inputs(in);
	const char *text = toolkit_conf_text(p->arena, &inputs);

	plan_apply(p,
		json_format(p->arena,
			"{'apiVersion':'v1','kind':'Secret','metadata':{'name':%s},'type':'Opaque',"
			"'data':{'" GATEWAY_CONF_KEY "':%s}}",
			names_gateway_conf(p->arena, in->name),
			base64_encode(p->arena, text, strlen(text))),
		0);
}

static void fill_request(
	struct plan *p, const struct inputs *in, const struct build *b, struct build_request *ret)
{
	*ret = (struct build_request){
		.input_hash = b->input_hash,
		.contract_sha256 = b->contract_sha256,
		.image = b->image,
		.generation = meta_generation(p->world->root),
		.override = in->api.override,
		.attempt = in->api.update_timestamp,
		.mounts = mounts_of_build(in),
	};
	for (size_t i = 0; i < in->n_documents; i++)
		vec_add(p->arena, &ret->definitions,
			names_processed(p->arena, in->name, in->definitions[i].config_map));
}

static void apply_request(struct plan *p, const struct inputs *in, const struct build *b,
	const struct build_request *request)
{
	struct json *map = json_format(p->arena,
		"{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':%s,'annotations':{}},"
		"'data':{'Dockerfile':%s}}",
		names_dockerfile(p->arena, in->name), b->dockerfile);

	json_set_str(p->arena,
		json_sub(p->arena, json_sub(p->arena, map, "metadata"), "annotations"),
		ANNOTATION_BUILD, build_request_text(p->arena, request));
	plan_apply(p, map, 0);
}

/* So that deleting the API also removes the documents that a client created for it: these very
 * ones, and only if the API is still there. One that is gone, and this pass does not know it, would
 * take along the document that was created for its successor. */
static void join_owners(struct plan *p, const struct inputs *in)
{
	const struct json *root = p->world->root;

	for (size_t i = 0; i < in->n_documents; i++) {
		struct ref r = { KIND_CONFIG_MAP, in->ns, in->definitions[i].config_map };
		const struct json *document = world_get(p->world, r.kind, r.ns, r.name);

		if (!document)
			continue;
		plan_apply(p,
			json_format(p->arena,
				"{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':%s,'uid':%s,"
				"'ownerReferences':[{'apiVersion':'wso2.com/v1alpha1','kind':'API','name':%s,'uid':%s}]}}",
				r.name, meta_uid(document), in->name, meta_uid(root)),
			PLAN_FOREIGN | PLAN_JOINED);
	}
}

/* ---- what became of it ---- */

/* What status says is running; nothing if it says nothing. */
static struct image running(const struct plan *p)
{
	const struct json *i = json_path(p->world->root, "status", "image", NULL);

	return (struct image){ json_get_str(i, "ref"), json_get_str(i, "digest"),
		json_get_str(i, "inputHash") };
}

static void built_by_result(struct plan *p, const struct build_result *r)
{
	switch (r->state) {
	case BUILD_READY:
		if (str_eq(r->source, "registry"))
			plan_condition(p, COND_BUILT, "True", REASON_IMAGE_EXISTS,
				"the registry has the image for this content");
		else
			plan_condition(p, COND_BUILT, "True", REASON_BUILD_SUCCEEDED,
				"the image for this content was built and pushed");
		return;
	case BUILD_QUEUED:
		plan_condition(p, COND_BUILT, "Unknown", REASON_BUILD_PENDING, "%s",
			r->message ? r->message : "waits for other builds to finish");
		return;
	case BUILD_WAITING:
	case BUILD_FAILED:
		p->retrying = true;
		plan_condition(p, COND_BUILT, "False", r->reason ? r->reason : REASON_BUILD_FAILED,
			"%s", r->message ? r->message : "");
		return;
	}
}

static void build_one(
	struct plan *p, const struct inputs *in, const struct build *b, struct image *image)
{
	const char *note = names_dockerfile(p->arena, in->name);
	const struct json *map = world_get(p->world, KIND_CONFIG_MAP, in->ns, note);
	struct build_request request;
	struct build_result result;

	fill_request(p, in, b, &request);
	apply_definitions(p, in);
	apply_conf(p, in);
	apply_request(p, in, b, &request);
	if (build_result_read(p->arena, map, &result) &&
		build_answers(p->arena, &result, &request)) {
		built_by_result(p, &result);
		if (result.state == BUILD_READY)
			*image = (struct image){ result.image ? result.image : b->image,
				result.digest, b->input_hash };
		return;
	}
	plan_condition(p, COND_BUILT, "Unknown", REASON_BUILD_PENDING, "image %s is to be built",
		b->image);
}

/* What was built once stays built, whatever happened to the note about it since. */
static bool already_running(
	const struct inputs *in, const struct build *b, const struct image *image)
{
	return image->digest && str_eq(image->input_hash, b->input_hash) &&
	       str_eq(image->ref, b->image) && !in->api.override &&
	       str_empty(in->api.update_timestamp);
}

/* What Built says when no note tells of the build: as before, if it said so before. */
static void still_built(struct plan *p)
{
	const struct json *before = built_before(p->world);

	plan_condition(p, COND_BUILT, "True",
		before ? json_get_str(before, "reason") : REASON_IMAGE_EXISTS, "%s",
		before ? json_get_str(before, "message") : "the image for this content is in use");
}

void build_decide(struct plan *p, struct inputs *in, const struct build *b, struct image *ret_image)
{
	struct image image = running(p);

	if (in->api.image) {
		*ret_image = (struct image){ in->api.image, NULL, NULL };
		plan_condition(p, COND_BUILT, "True", REASON_IMAGE_PROVIDED,
			"spec.image is used, nothing is built");
		return;
	}
	join_owners(p, in);
	if (!b->image) {
		plan_condition(p, COND_BUILT, "False", REASON_REGISTRY_NOT_CONFIGURED,
			"no registry is configured; set dockerRegistry in ConfigMap controller-config, namespace %s",
			p->world->system_ns);
		return;
	}
	build_one(p, in, b, &image);
	if (already_running(in, b, &image) &&
		!str_eq(plan_condition_get(p, COND_BUILT)->status, "True"))
		still_built(p);
	if (str_eq(plan_condition_get(p, COND_BUILT)->status, "True"))
		*ret_image = image;
	else
		plan_wake(p, "build.request", "input hash %.12s", b->input_hash);
}
