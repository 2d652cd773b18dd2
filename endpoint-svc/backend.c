#include "endpoint-svc/backend.h"

#include "lib/api/targetendpoint.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/json/json.h"

enum {
	HASH_DIGITS = 16,
	REVISIONS_KEPT = 3,
	PROGRESS_DEADLINE_S = 300,
	LINGER_S = 5, /* until every node knows that the pod is ending */
};

static struct json *selector(struct arena *a, const struct backend *b)
{
	return json_format(a, "{'" LABEL_TARGET_ENDPOINT "':%s}", b->te->name);
}

static struct json *labels(struct arena *a, const struct backend *b)
{
	struct json *out = selector(a, b);

	json_foreach (label, b->labels)
		if (json_key(label) && !str_starts(json_key(label), "apim.wso2.com/"))
			json_set_str(a, out, json_key(label), json_str(label));
	return out;
}

/* One container, and Secrets to pull its image with; without any, the ServiceAccount's count. */
static struct json *pod_spec(struct arena *a, const struct backend *b, struct json *container)
{
	struct json *spec = json_format(a, "{'containers':[%j]}", container);
	struct json *secrets = json_array(a);

	vec_foreach (const char *, name, b->pull_secrets)
		json_add(secrets, json_format(a, "{'name':%s}", name));
	if (json_len(secrets) > 0)
		json_set(a, spec, "imagePullSecrets", secrets);
	return spec;
}

static struct json *pod_template(struct arena *a, const struct backend *b)
{
	return json_format(a, "{'metadata':{'labels':%j},'spec':%j}", labels(a, b),
		pod_spec(a, b, target_endpoint_container(a, b->te, LINGER_S)));
}

struct json *backend_deployment(struct arena *a, const struct backend *b)
{
	struct json *spec = json_format(a,
		"{'revisionHistoryLimit':%d,'progressDeadlineSeconds':%d,"
		"'selector':{'matchLabels':%j},'template':%j}",
		REVISIONS_KEPT, PROGRESS_DEADLINE_S, selector(a, b), pod_template(a, b));
	const char *hash = arena_dupn(a, json_sha256(a, spec), HASH_DIGITS);

	json_set_int(a, spec, "replicas", b->replicas);
	return json_format(a,
		"{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':%s,'labels':%j,"
		"'annotations':{'" ANNOTATION_SPEC_HASH "':%s}},'spec':%j}",
		b->te->name, labels(a, b), hash, spec);
}

struct json *backend_service(struct arena *a, const struct backend *b)
{
	return json_format(a,
		"{'apiVersion':'v1','kind':'Service','metadata':{'name':%s,'labels':%j},"
		"'spec':{'type':'ClusterIP','selector':%j,'ports':%j}}",
		b->te->name, labels(a, b), selector(a, b), b->ports);
}

char *backend_hpa_name(struct arena *a, const char *te)
{
	return arena_printf(a, "%s-hpa", te);
}

struct json *backend_hpa(struct arena *a, const struct backend *b)
{
	return json_format(a,
		"{'apiVersion':'autoscaling/v2','kind':'HorizontalPodAutoscaler',"
		"'metadata':{'name':%s,'labels':%j},'spec':{"
		"'scaleTargetRef':{'apiVersion':'apps/v1','kind':'Deployment','name':%s},"
		"'minReplicas':%l,'maxReplicas':%l,'metrics':%j}}",
		backend_hpa_name(a, b->te->name), labels(a, b), b->te->name, b->te->min_replicas,
		b->te->max_replicas, b->metrics);
}

/* Knative names the port, probes it and drains the pod by itself, and refuses to be told. */
static struct json *knative_container(struct arena *a, const struct target_endpoint *te)
{
	return json_format(a,
		"{'name':%s,'image':%s,'ports':[{'containerPort':%l}],'resources':%j}",
		te->container_name, te->image, target_endpoint_port(te)->target_port,
		resources_json(a, &te->resources));
}

static struct json *knative_template(struct arena *a, const struct backend *b)
{
	return json_format(a,
		"{'metadata':{'labels':%j,'annotations':{'autoscaling.knative.dev/min-scale':%s,"
		"'autoscaling.knative.dev/max-scale':%s}},'spec':%j}",
		labels(a, b), arena_printf(a, "%lld", (long long)b->te->min_replicas),
		arena_printf(a, "%lld", (long long)b->te->max_replicas),
		pod_spec(a, b, knative_container(a, b->te)));
}

struct json *backend_knative(struct arena *a, const struct backend *b)
{
	struct json *spec = json_format(a, "{'template':%j}", knative_template(a, b));
	const char *hash = arena_dupn(a, json_sha256(a, spec), HASH_DIGITS);

	return json_format(a,
		"{'apiVersion':'serving.knative.dev/v1','kind':'Service','metadata':{'name':%s,"
		"'labels':%j,'annotations':{'" ANNOTATION_SPEC_HASH "':%s}},'spec':%j}",
		b->te->name, labels(a, b), hash, spec);
}

bool backend_is_of(const struct json *object, const char *uid)
{
	json_foreach (owner, json_path(object, "metadata", "ownerReferences", NULL))
		if (json_get_bool(owner, "controller", false) &&
			str_eq(json_get_str(owner, "uid"), uid))
			return true;
	return false;
}
