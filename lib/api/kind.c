#include "lib/api/kind.h"

#include "lib/base/attr.h"
#include "lib/base/str.h"

static const struct kind_info kinds[KIND_COUNT] = {
	[KIND_NONE] = { "", "", "", NULL },
	[KIND_API] = { "API", "wso2.com/v1alpha1", "apis", "api" },
	[KIND_TARGET_ENDPOINT] = { "TargetEndpoint", "wso2.com/v1alpha1", "targetendpoints",
		"targetendpoint" },
	[KIND_SECURITY] = { "Security", "wso2.com/v1alpha1", "securities", "security" },
	[KIND_RATE_LIMITING] = { "RateLimiting", "wso2.com/v1alpha1", "ratelimitings",
		"ratelimiting" },
	[KIND_CONFIG_MAP] = { "ConfigMap", "v1", "configmaps", NULL },
	[KIND_SECRET] = { "Secret", "v1", "secrets", NULL },
	[KIND_SERVICE] = { "Service", "v1", "services", NULL },
	[KIND_DEPLOYMENT] = { "Deployment", "apps/v1", "deployments", NULL },
	[KIND_HPA] = { "HorizontalPodAutoscaler", "autoscaling/v2", "horizontalpodautoscalers",
		NULL },
	[KIND_JOB] = { "Job", "batch/v1", "jobs", NULL },
	[KIND_INGRESS] = { "Ingress", "networking.k8s.io/v1", "ingresses", NULL },
	[KIND_ROUTE] = { "Route", "route.openshift.io/v1", "routes", NULL },
	[KIND_VIRTUAL_SERVICE] = { "VirtualService", "networking.istio.io/v1", "virtualservices",
		NULL },
	[KIND_ISTIO_GATEWAY] = { "Gateway", "networking.istio.io/v1", "gateways", NULL },
	[KIND_REFERENCE_GRANT] = { "ReferenceGrant", "gateway.networking.k8s.io/v1beta1",
		"referencegrants", NULL },
	[KIND_KNATIVE_SERVICE] = { "KnativeService", "serving.knative.dev/v1", "services", NULL },
	[KIND_POD] = { "Pod", "v1", "pods", NULL },
	[KIND_EVENT] = { "Event", "v1", "events", NULL },
	[KIND_LEASE] = { "Lease", "coordination.k8s.io/v1", "leases", NULL },
};

const struct kind_info *kind_info(enum kind kind)
{
	return &kinds[kind < KIND_COUNT ? kind : KIND_NONE];
}

enum kind kind_by_name(const char *kind)
{
	for (enum kind k = KIND_API; k < KIND_COUNT; k++)
		if (str_eq(kinds[k].kind, kind))
			return k;
	return KIND_NONE;
}

enum kind kind_of_manifest(const char *api_version, const char *kind)
{
	if (str_eq(api_version, kinds[KIND_KNATIVE_SERVICE].api_version))
		return str_eq(kind, "Service") ? KIND_KNATIVE_SERVICE : KIND_NONE;
	return kind_by_name(kind);
}

const char *kind_in_manifests(enum kind kind)
{
	return kind == KIND_KNATIVE_SERVICE ? "Service" : kind_info(kind)->kind;
}

enum kind kind_by_token(const char *token)
{
	for (enum kind k = KIND_API; k < KIND_COUNT; k++)
		if (kinds[k].token && str_eq(kinds[k].token, token))
			return k;
	return KIND_NONE;
}

bool kind_is_ours(enum kind kind)
{
	return kind >= KIND_API && kind <= KIND_RATE_LIMITING;
}
