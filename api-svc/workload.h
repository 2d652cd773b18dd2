/* The Kubernetes objects that serve one API: gateway Deployment, Service and autoscaler.
 *
 * Pure builders: equal input, equal manifest. Names, ports and labels are those users and scripts
 * already rely on (Deployment and Service `<api>`, container `mgw<api>`, HPA `<api>-hpa`, label
 * `app: <api>`, ports 9095 and 9090).
 */
#ifndef API_SVC_WORKLOAD_H
#define API_SVC_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/vec.h"

struct arena;
struct json;

struct workload_env {
	const char *name;
	const char *value;
};

struct workload {
	const char *api;	 /* name of the API */
	const char *image;	 /* by digest, or as the user wrote it */
	bool image_is_immutable; /* content-addressed: IfNotPresent; otherwise Always */
	struct vec pull_secrets; /* const char * */
	int64_t replicas; /* spec.replicas of a Deployment that does not exist yet, else its live
			     value */
	int64_t min_replicas;
	int64_t max_replicas;
	const struct json *metrics; /* autoscaling/v2 metrics; NULL: CPU utilisation below */
	int64_t cpu_percent;
	const char *request_cpu;
	const char *request_memory;
	const char *limit_cpu;
	const char *limit_memory;
	int64_t readiness_delay_s;
	int64_t readiness_period_s;
	int64_t liveness_delay_s;
	int64_t liveness_period_s;
	int64_t http_port;
	int64_t https_port;
	int64_t metrics_port;
	bool observable;	/* the metrics port is part of the Service */
	bool load_balancer;	/* Service type LoadBalancer; otherwise ClusterIP */
	struct vec credentials; /* const char *: Securities whose credentials are mounted */
	/* Of the administrator; lists as in a pod. */
	const struct json *volumes;
	const struct json *volume_mounts;
	const struct json *env_from;
	const struct json *host_aliases; /* NULL: none */
	const char *mounts_hash;	 /* another one rolls the pods; NULL: none */
	bool client_trust;		 /* what clients' certificates have to lead to is mounted */
	const char *usage_secret;	 /* what the bus wants to be told; NULL: nothing */
	bool backend_jwt;		 /* so is the key that signs what backends are told */
	const struct workload_env *env;
	size_t n_env;
	const char
		*replicas_host; /* of all pods, in Service mgw-replicas; NULL: each is by itself */
	const char *replicas_version; /* another one rolls the pods */
	const struct json *sidecars;  /* containers that run beside the gateway; may be NULL */
};

struct json *workload_deployment(struct arena *a, const struct workload *w);
struct json *workload_service(struct arena *a, const struct workload *w);
struct json *workload_replicas_service(struct arena *a); /* of a namespace */
struct json *workload_hpa(struct arena *a, const struct workload *w);

#endif
