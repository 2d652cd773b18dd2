#include "lib/api/build.h"

#include "lib/api/object.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

/* As lib/plan/reasons.h names them; this layer stands below it. */
static const char annotation_request[] = "apim.wso2.com/build";
static const char annotation_result[] = "apim.wso2.com/build-result";

enum {
	HASH_DIGITS = 64,
	MAX_DEFINITIONS = 64,
	MAX_MOUNTS = 128,
};

static const char *const state_names[] = {
	[BUILD_READY] = "ready",
	[BUILD_QUEUED] = "queued",
	[BUILD_WAITING] = "waiting",
	[BUILD_FAILED] = "failed",
};

const char *build_state_name(enum build_state s)
{
	return state_names[s];
}

static bool state_by_name(const char *name, enum build_state *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(state_names); i++) {
		if (str_eq(name, state_names[i])) {
			*ret = (enum build_state)i;
			return true;
		}
	}
	return false;
}

static bool is_hash(const char *text)
{
	return text && strlen(text) == HASH_DIGITS &&
	       strspn(text, "0123456789abcdef") == HASH_DIGITS;
}

static const struct json *note(struct arena *a, const struct json *object, const char *annotation)
{
	const char *text = meta_annotation(object, annotation);
	struct err ignored = { .code = ERR_NONE };

	return text ? json_parse(a, text, strlen(text), &ignored) : NULL;
}

static bool read_definitions(struct arena *a, const struct json *list, struct vec *ret)
{
	if (!json_is_array(list) || json_len(list) == 0 || json_len(list) > MAX_DEFINITIONS)
		return false;
	json_foreach (d, list) {
		if (str_empty(json_str(d)))
			return false;
		vec_add(a, ret, arena_dup(a, json_str(d)));
	}
	return true;
}

static bool mounts_ok(const struct json *list)
{
	json_foreach (m, list) {
		const char *kind = json_get_str(m, "kind");
		const char *path = json_get_str(m, "path");

		if ((!str_eq(kind, "ConfigMap") && !str_eq(kind, "Secret")) ||
			str_empty(json_get_str(m, "name")) || (path && *path != '/'))
			return false;
	}
	return json_len(list) <= MAX_MOUNTS;
}

bool build_request_read(struct arena *a, const struct json *config_map, struct build_request *ret)
{
	const struct json *n = note(a, config_map, annotation_request);
	struct build_request r = {
		.input_hash = json_get_str(n, "inputHash"),
		.contract_sha256 = json_get_str(n, "contractSha256"),
		.image = json_get_str(n, "image"),
		.generation = json_get_int(n, "generation", 0),
		.override = json_get_bool(n, "override", false),
		.attempt = json_get_str(n, "attempt"),
		.mounts = json_get(n, "mounts"),
	};

	if (!is_hash(r.input_hash) || str_empty(r.image))
		return false;
	if (r.contract_sha256 && !is_hash(r.contract_sha256))
		return false;
	if (!read_definitions(a, json_get(n, "definitions"), &r.definitions) ||
		!mounts_ok(r.mounts))
		return false;
	*ret = r;
	return true;
}

char *build_request_text(struct arena *a, const struct build_request *r)
{
	struct json *definitions = json_array(a);
	struct json *n;

	vec_foreach (const char *, d, &r->definitions)
		json_add_str(a, definitions, d);
	n = json_format(a,
		"{'inputHash':%s,'contractSha256':%s,'image':%s,'definitions'"
		":%j,'generation':%l,"
		"'attempt':%s,'mounts':%j}",
		r->input_hash, r->contract_sha256, r->image, definitions, r->generation, r->attempt,
		r->mounts);
	if (r->override)
		json_set_bool(a, n, "override", true);
	return json_canonical(a, json_prune(n));
}

bool build_result_read(struct arena *a, const struct json *config_map, struct build_result *ret)
{
	const struct json *n = note(a, config_map, annotation_result);
	struct build_result r = {
		.input_hash = json_get_str(n, "inputHash"),
		.force = json_get_str(n, "force"),
		.image = json_get_str(n, "image"),
		.digest = json_get_str(n, "digest"),
		.source = json_get_str(n, "source"),
		.reason = json_get_str(n, "reason"),
		.message = json_get_str(n, "message"),
		.job = json_get_str(n, "job"),
		.job_uid = json_get_str(n, "jobUid"),
		.since = json_get_int(n, "since", 0),
		.attempts = json_get_int(n, "attempts", 0),
		.retry_at = json_get_int(n, "retryAt", 0),
		.config = json_get_str(n, "config"),
	};

	if (!is_hash(r.input_hash) || !state_by_name(json_get_str(n, "state"), &r.state))
		return false;
	if (r.state == BUILD_READY && (str_empty(r.digest) || str_empty(r.image)))
		return false;
	*ret = r;
	return true;
}

char *build_result_text(struct arena *a, const struct build_result *r)
{
	struct json *n = json_format(a,
		"{'state':%s,'inputHash':%s,'force':%s,'image':%s,'digest':%s,'source':%"
		"s,"
		"'reason':%s,'message':%s,'job':%s,'jobUid':%s,'config':%s}",
		build_state_name(r->state), r->input_hash, r->force, r->image, r->digest, r->source,
		r->reason, r->message, r->job, r->job_uid, r->config);

	if (r->since > 0)
		json_set_int(a, n, "since", r->since);
	if (r->attempts > 0)
		json_set_int(a, n, "attempts", r->attempts);
	if (r->retry_at > 0)
		json_set_int(a, n, "retryAt", r->retry_at);
	return json_canonical(a, json_prune(n));
}

const char *build_force(struct arena *a, const struct build_request *r)
{
	if (!str_empty(r->attempt))
		return r->attempt;
	return r->override ? arena_printf(a, "generation-%lld", (long long)r->generation) : "";
}

bool build_answers(
	struct arena *a, const struct build_result *result, const struct build_request *request)
{
	return str_eq(result->input_hash, request->input_hash) &&
	       str_eq(result->image, request->image) &&
	       str_eq(result->force ? result->force : "", build_force(a, request));
}
