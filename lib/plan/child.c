#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/world.h"

enum {
	VERSION_DIGITS = 16
};

const char *child_version(struct arena *a, enum kind kind, const struct json *object)
{
	struct json *spec;
	const char *version;

	if (!object)
		return "";
	if (kind == KIND_CONFIG_MAP || kind == KIND_SECRET) {
		version = meta_version(object);
		return version ? arena_dup(a, version) : "";
	}
	spec = json_dup(a, json_get(object, "spec"));
	if (!spec)
		return "";
	/* The autoscaler owns the replicas; scaling is no drift. */
	if (kind == KIND_DEPLOYMENT)
		json_remove(spec, "replicas");
	return arena_dupn(a, json_sha256(a, spec), VERSION_DIGITS);
}

/* A status condition by type; NULL if absent. */
static const struct json *condition(const struct json *object, const char *type)
{
	json_foreach (c, json_path(object, "status", "conditions", NULL))
		if (str_eq(json_get_str(c, "type"), type))
			return c;
	return NULL;
}

static bool condition_is_true(const struct json *object, const char *type)
{
	return str_eq(json_get_str(condition(object, type), "status"), "True");
}

static const char *job_state(const struct json *job)
{
	if (condition_is_true(job, "Complete"))
		return "Complete";
	return condition_is_true(job, "Failed") ? "Failed" : "";
}

/* As `kubectl rollout status` judges, except that scaling a finished rollout up or down is not
 * progress. */
static const char *deployment_state(const struct json *d)
{
	const struct json *status = json_get(d, "status");
	const char *why = json_get_str(condition(d, "Progressing"), "reason");
	int64_t replicas = json_get_int(status, "replicas", 0);

	if (json_get_int(status, "observedGeneration", 0) < meta_generation(d))
		return "Progressing";
	if (str_eq(why, "ProgressDeadlineExceeded"))
		return "Stuck";
	if (json_get_int(json_get(d, "spec"), "replicas", 1) == 0)
		return "Available";
	if (!str_eq(why, "NewReplicaSetAvailable"))
		return "Progressing";
	if (json_get_int(status, "updatedReplicas", 0) != replicas)
		return "Progressing";
	return json_get_int(status, "availableReplicas", 0) > 0 ? "Available" : "Progressing";
}

/* Of a Service or an Ingress. */
static const char *addresses(struct arena *a, const struct json *object)
{
	struct str s;

	str_init(&s, a, 4096);
	json_foreach (i, json_path(object, "status", "loadBalancer", "ingress", NULL)) {
		const char *address = json_get_str(i, "ip");

		if (!address)
			address = json_get_str(i, "hostname");
		if (!address)
			continue;
		if (s.len > 0)
			str_addc(&s, ',');
		str_add(&s, address);
	}
	return s.ptr;
}

/* Each router has its say. */
static const char *route_state(const struct json *route)
{
	const char *state = "";

	json_foreach (router, json_path(route, "status", "ingress", NULL))
		json_foreach (c, json_get(router, "conditions")) {
			if (!str_eq(json_get_str(c, "type"), "Admitted"))
				continue;
			if (str_eq(json_get_str(c, "status"), "True"))
				return "Admitted";
			state = "Rejected";
		}
	return state;
}

static const char *knative_state(const struct json *service)
{
	const char *ready = json_get_str(condition(service, "Ready"), "status");

	if (json_get_int(json_get(service, "status"), "observedGeneration", 0) <
		meta_generation(service))
		return "";
	if (str_eq(ready, "True"))
		return "Ready";
	return str_eq(ready, "False") ? "Failed" : "";
}

const char *child_state(struct arena *a, enum kind kind, const struct json *object)
{
	if (!object)
		return "";
	if (kind == KIND_JOB)
		return job_state(object);
	if (kind == KIND_DEPLOYMENT)
		return deployment_state(object);
	if (kind == KIND_KNATIVE_SERVICE)
		return knative_state(object);
	if (kind == KIND_ROUTE)
		return route_state(object);
	return kind == KIND_SERVICE || kind == KIND_INGRESS ? addresses(a, object) : "";
}
