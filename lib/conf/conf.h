/* The operator's configuration: ConfigMaps of its namespace as one struct with defaults.
 *
 * Read anew for every object in hand, from objects that the service asked for (conf_object), so
 * that a change of configuration is a change of an input like any other. Total: a missing object
 * means its defaults, a bad value means that key's default and a finding
 * ("controller-config.hpaMaxReplicas"). Every key that the original knew is known here: honoured,
 * or listed as without effect.
 */
#ifndef LIB_CONF_CONF_H
#define LIB_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/api/kind.h"
#include "lib/api/resources.h"
#include "lib/base/vec.h"

struct arena;
struct findings;
struct json;

/* Where configuration stands. A service asks for those it uses. */
enum conf_object {
	CONF_CONTROLLER, /* ConfigMap controller-config */
	CONF_APIM,	 /* ConfigMap apim-config */
	CONF_REGISTRY,	 /* ConfigMap docker-registry-config */
	CONF_HPA,	 /* ConfigMap hpa-configs */
	CONF_KANIKO,	 /* ConfigMap kaniko-arguments */
	CONF_INGRESS,	 /* ConfigMap ingress-configs */
	CONF_ROUTE,	 /* ConfigMap route-configs */
	CONF_ISTIO,	 /* ConfigMap istio-configs */
	CONF_MOUNTS, /* ConfigMap mgw-deployment-configs; one of the API's namespace goes before */
	CONF_ANALYTICS, /* ConfigMap analytics-config: of no effect, but told */
	CONF_OBJECTS,
};

const char *conf_object_name(enum conf_object o); /* "controller-config", … */

/* Credentials in the form of the first releases: Secret with username and password. Which Secret is
 * to be used is conf.registry.secret; it is no configuration, and only builder-svc reads it. */
#define CONF_DOCKER_SECRET "docker-secret"

enum operator_mode {
	OPERATOR_DEFAULT,    /* LoadBalancer Services */
	OPERATOR_CLUSTER_IP, /* the four others use ClusterIP Services */
	OPERATOR_INGRESS,
	OPERATOR_ROUTE,
	OPERATOR_ISTIO,
};

const char *operator_mode_name(enum operator_mode mode); /* "default", … */

enum registry_type {
	REGISTRY_NONE, /* not configured: nothing can be built */
	REGISTRY_DOCKER_HUB,
	REGISTRY_AMAZON_ECR,
	REGISTRY_GCR,
	REGISTRY_HTTP, /* without TLS */
	REGISTRY_HTTPS,
	REGISTRY_QUAY,
};

struct conf_registry {
	enum registry_type type;
	const char
		*repository; /* "registry.example:5000/gateways", without scheme; NULL: not set */
	bool insecure;	     /* plain http */
	const char *secret;  /* in the system namespace, for the push */
	bool secret_is_userpass; /* it holds username and password, not .dockerconfigjson */
	struct vec pull_secrets; /* const char *: Secrets in the API's namespace */
};

/* How gateways are reached from outside. Of an Ingress: */
struct conf_ingress {
	const char *resource; /* its name is <resource>-<api> */
	const char *host;
	const char *port;		/* of the Service: "https" or "http" */
	const char *tls_secret;		/* in the API's namespace; NULL: no TLS */
	const struct json *annotations; /* never NULL */
};

/* Of Routes, one for each base path: */
struct conf_route {
	const char *resource; /* its name is <resource>-<api>-<base path> */
	const char *host;
	const char *port;		/* of the Service, as the termination wants it */
	const char *termination;	/* "edge", "reencrypt", "passthrough"; NULL: no TLS */
	const struct json *annotations; /* never NULL */
};

/* Of an Istio VirtualService: */
struct conf_istio {
	const char *gateway; /* of Istio: "name", of the API's namespace, or "namespace/name" */
	const char *host;
	bool tls; /* passed through to the gateway by server name */
	int64_t tls_port;
	const struct json *cors; /* in Istio's shape; NULL: none */
};

/* A ConfigMap or Secret of the administrator that gateways, or the Jobs that build them, see. */
struct conf_mount {
	enum kind kind;
	const char *name;
	const char *ns;	      /* where it stands */
	bool copied;	      /* that is another namespace than the API's: a copy is mounted */
	bool kaniko;	      /* into the Job; otherwise into the gateway */
	const char *path;     /* NULL: its entries become environment variables */
	const char *sub_path; /* one entry, as the file `path`; NULL: all, in the folder `path` */
};

/* What is mounted: the object itself or its copy, `<api>-mount-<name>`. */
char *conf_mount_name(struct arena *a, const struct conf_mount *m, const char *api);
#define CONF_MOUNT_COPY "-mount-"

/* Traces of calls. */
struct conf_tracing {
	bool enabled;
	const char *endpoint; /* http://host:port of a collector; NULL: there are none */
	const char *ratio;    /* of calls that nobody else decided about: "0" to "1" */
	const char *host;     /* as in the original: part of endpoint unless that is said */
	int64_t port;
};

struct conf_probe {
	int64_t delay_s;
	int64_t period_s;
};

struct conf {
	const char *toolkit_image;
	const char *runtime_image;
	const char *kaniko_image;

	struct resources gateway; /* complete */
	struct resources backend; /* complete; for what a TargetEndpoint does not say */

	struct conf_probe startup; /* no key: every second, without delay */
	struct conf_probe readiness;
	struct conf_probe liveness;

	int64_t cpu_percent;		    /* of the request, that autoscalers aim at */
	int64_t max_replicas;		    /* of gateways */
	int64_t backend_max_replicas;	    /* of backends that do not say */
	const struct json *metrics;	    /* list of autoscaling/v2 metrics for gateways */
	const struct json *backend_metrics; /* and for backends; never NULL */

	enum operator_mode mode;
	bool deploy; /* false: stop when the image is there */
	/* Namespaces whose TargetEndpoints the APIs of all may name; "*": every one. */
	struct vec shared_endpoint_namespaces;
	bool observability; /* the metrics port is part of the Service */

	struct conf_ingress ingress;
	struct conf_route route;
	struct conf_istio istio;

	struct vec mounts;		 /* struct conf_mount * */
	const struct json *host_aliases; /* as in a pod; NULL: none */

	struct conf_registry registry;
	struct vec kaniko_arguments; /* const char * */

	int64_t http_port;
	int64_t https_port;
	const char *log_level; /* "ERROR", "WARN", "INFO", "DEBUG", "TRACE" */
	bool verify_hostname;
	bool limit_headers; /* answers say how much of a limit is left */
	struct conf_tracing tracing;
	bool usage;		/* how APIs are used is published on the bus, */
	int64_t usage_seconds;	/* so often */
	bool validate_requests; /* bodies against the documents' schemas */
	bool validate_responses;
	int64_t hook_ms; /* what one run of a hook may take */
	int64_t hook_kilobytes;
	bool token_cache;
	int64_t token_cache_entries;
	int64_t token_cache_ms; /* how long a key manager's word is believed */
	const char *jwt_header;
	bool backend_jwt; /* gateways tell backends who calls: */
	const char *backend_jwt_issuer;
	struct vec backend_jwt_audience; /* const char * */
	const char *backend_jwt_dialect;
	struct vec backend_jwt_restricted; /* const char *: claims that are not repeated */
	int64_t backend_jwt_ms;
};

/* Images that are used unless the configuration names others. NULL where the caller needs none. */
struct conf_images {
	const char *toolkit;
	const char *runtime;
	const char *kaniko;
};

struct conf_input {
	const struct json *objects[CONF_OBJECTS]; /* NULL: missing or not asked for */
	struct conf_images images;
	const char *ns;	       /* of the API in hand, for CONF_MOUNTS; NULL: of no one */
	const char *mounts_ns; /* where that object stands */
};

void conf_read(struct arena *a, const struct conf_input *in, struct conf *ret, struct findings *f);

/* For people: {"ConfigurationValid":…,"EveryKeyHasEffect":…}, each "True" or "False" and, on lines
 * of their own, which keys and why. Total. */
struct json *conf_report(struct arena *a, const struct conf_input *in);

/* A key of that object that is known but has no effect in this version. */
bool conf_key_is_ignored(const char *object, const char *key);

/* The content of .dockerconfigjson for a Secret that has that entry, username and password, or a
 * Google service account's key (gcr_key.json, for type GCR); NULL when it has nothing of these: a
 * registry that asks for no password. */
char *conf_docker_config(struct arena *a, const struct conf_registry *r, const struct json *secret);

/* The same for one user of the registry. */
char *conf_docker_login(
	struct arena *a, const struct conf_registry *r, const char *username, const char *password);

#endif
