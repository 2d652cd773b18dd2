/* The kinds of objects that the operator knows, and where the API server serves them. */
#ifndef LIB_API_KIND_H
#define LIB_API_KIND_H

#include <stdbool.h>

enum kind {
	KIND_NONE,
	/* ours */
	KIND_API,
	KIND_TARGET_ENDPOINT,
	KIND_SECURITY,
	KIND_RATE_LIMITING,
	/* inputs and children */
	KIND_CONFIG_MAP,
	KIND_SECRET,
	KIND_SERVICE,
	KIND_DEPLOYMENT,
	KIND_HPA,
	KIND_JOB,
	KIND_INGRESS,
	KIND_ROUTE,	      /* of OpenShift */
	KIND_VIRTUAL_SERVICE, /* of Istio */
	KIND_ISTIO_GATEWAY,
	KIND_REFERENCE_GRANT, /* of the Gateway API */
	KIND_KNATIVE_SERVICE,
	KIND_POD,
	KIND_EVENT,
	KIND_LEASE,
	KIND_COUNT,
};

struct kind_info {
	const char *kind;	 /* as in manifests: "ConfigMap"; but see kind_in_manifests */
	const char *api_version; /* "v1", "apps/v1", "wso2.com/v1alpha1" */
	const char *plural;	 /* "configmaps" */
	const char *token;	 /* in bus subjects: cr.<token>.…; NULL if it has none */
};

/* Never NULL: KIND_NONE has empty strings. */
const struct kind_info *kind_info(enum kind kind);

/* KIND_NONE when unknown. */
enum kind kind_by_name(const char *kind);   /* "ConfigMap" */
enum kind kind_by_token(const char *token); /* "ratelimiting" */

/* In manifests a KnativeService is a Service, too: of another group. */
enum kind kind_of_manifest(const char *api_version, const char *kind);
const char *kind_in_manifests(enum kind kind);

/* One of the four kinds of group wso2.com. */
bool kind_is_ours(enum kind kind);

#endif
