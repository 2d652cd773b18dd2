/* The Kubernetes objects of one backend. Pure builders: equal input, equal manifest. */
#ifndef ENDPOINT_SVC_BACKEND_H
#define ENDPOINT_SVC_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct json;
struct target_endpoint;
struct vec;

/* What everything selects by. The user's own labels are carried, but never selected by: those of
 * two TargetEndpoints may be equal. */
#define LABEL_TARGET_ENDPOINT "apim.wso2.com/target-endpoint"

/* Hash of the Deployment's spec as we want it: tells whether a rollout lies ahead. */
#define ANNOTATION_SPEC_HASH "apim.wso2.com/spec-hash"

struct backend {
	const struct target_endpoint *te; /* resources and replicas complete */
	const struct json *labels;	  /* the user's, of the TargetEndpoint; may be NULL */
	const struct json *metrics;	  /* list of autoscaling/v2 metrics */
	const struct vec *pull_secrets;	  /* const char *: the administrator's */
	const struct json *ports;	  /* the Service's */
	int64_t replicas;		  /* that the Deployment is to have now */
};

struct json *backend_deployment(struct arena *a, const struct backend *b);
struct json *backend_service(struct arena *a, const struct backend *b);
struct json *backend_hpa(struct arena *a, const struct backend *b);

/* The Knative Service of a serverless backend: Knative scales it, to none while nobody asks. */
struct json *backend_knative(struct arena *a, const struct backend *b);

char *backend_hpa_name(struct arena *a, const char *te);

/* The live object belongs to the TargetEndpoint with that uid. */
bool backend_is_of(const struct json *object, const char *uid);

#endif
