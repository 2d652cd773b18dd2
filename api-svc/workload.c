#include "api-svc/workload.h"

#include "api-svc/names.h"
#include "lib/api/api.h"
#include "lib/api/security.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

/* Selected by users' scripts (`-l app=<api>`) and, so that nobody else's pods with that label are
 * met, by one of ours. */
#define LABEL_GATEWAY "apim.wso2.com/gateway"

/* Of all pods of a namespace that share a limit with others. */
#define LABEL_REPLICA "apim.wso2.com/replica"

#define ANNOTATION_MOUNTS "apim.wso2.com/mounts"
#define ANNOTATION_REPLICAS "apim.wso2.com/replicas"

enum {
	DRAIN_S = 40, /* of which the launcher keeps serving the first seconds */
	REVISIONS_KEPT = 3,
	STARTUP_TRIES = 60, /* one a second */
	PROGRESS_DEADLINE_S = 120,
	REPLICAS_PORT = 9798, /* the gateway's own choice, by UDP */
};

static struct json *labels(struct arena *a, const struct workload *w)
{
	/* A label holds at most 63 characters; names of objects may be longer. */
	char *value = arena_printf(a, "%.63s", w->api);

	return json_format(a, "{'app':%s,'" LABEL_GATEWAY "':%s}", value, value);
}

static struct json *pod_labels(struct arena *a, const struct workload *w)
{
	struct json *all = labels(a, w);

	if (w->replicas_host)
		json_set_str(a, all, LABEL_REPLICA, "true");
	return all;
}

static struct json *probe(
	struct arena *a, const struct workload *w, int64_t delay_s, int64_t period_s)
{
	struct json *p = json_format(a,
		"{'httpGet':{'path':'/health','port':%l,'scheme':'HTTPS'},'periodSeconds':%l,'timeoutSeconds':1}",
		w->https_port, period_s);

	if (delay_s > 0)
		json_set_int(a, p, "initialDelaySeconds", delay_s);
	return p;
}

static bool is_set(const struct workload *w, const char *name)
{
	for (size_t i = 0; i < w->n_env; i++)
		if (str_eq(w->env[i].name, name))
			return true;
	return false;
}

static void add_field(struct arena *a, struct json *list, const char *name, const char *path)
{
	json_add(list, json_format(a, "{'name':%s,'valueFrom':{'fieldRef':{'fieldPath':%s}}}", name,
			       path));
}

static void add_replicas(struct arena *a, const struct workload *w, struct json *list)
{
	if (!w->replicas_host)
		return;
	/* Its host's name is that of all others. */
	if (!is_set(w, "GATEWAY_INSTANCE"))
		add_field(a, list, "GATEWAY_INSTANCE", "metadata.name");
	if (is_set(w, "GATEWAY_REPLICAS") || is_set(w, "GATEWAY_REPLICAS_ADDRESS"))
		return;
	json_add(list, json_format(a, "{'name':'GATEWAY_REPLICAS','value':%s}",
			       arena_printf(a, "%s." API_REPLICAS, w->replicas_host)));
	add_field(a, list, "GATEWAY_REPLICAS_ADDRESS", "status.podIP");
}

static struct json *environment(struct arena *a, const struct workload *w)
{
	struct json *list = json_array(a);

	for (size_t i = 0; i < w->n_env; i++)
		json_add(list,
			json_format(a, "{'name':%s,'value':%s}", w->env[i].name, w->env[i].value));
	add_replicas(a, w, list);
	return list;
}

static void add_replicas_port(struct arena *a, const struct workload *w, struct json *container)
{
	struct json *ports = json_dup(a, json_get(container, "ports"));

	if (!w->replicas_host)
		return;
	json_add(ports, json_format(a, "{'name':'replicas','containerPort':%d,'protocol':'UDP'}",
				REPLICAS_PORT));
	json_set(a, container, "ports", ports);
}

static struct json *container(struct arena *a, const struct workload *w)
{
	struct json *startup = probe(a, w, 0, 1);
	struct json *liveness = probe(a, w, w->liveness_delay_s, w->liveness_period_s);
	struct json *c = json_format(a,
		"{'name':%s,'image':%s,'imagePullPolicy':%s,"
		"'ports':[{'name':'https','containerPort':%l,'protocol':'TCP'},"
		"{'name':'http','containerPort':%l,'protocol':'TCP'},"
		"{'name':'metrics','containerPort':%l,'protocol':'TCP'}],"
		"'resources':{'requests':{'cpu':%s,'memory':%s},'limits':{'cpu':%s,'memory':%s}},"
		"'readinessProbe':%j,"
		"'securityContext':{'runAsNonRoot':true,'runAsUser':10001,'runAsGroup':10001,"
		"'allowPrivilegeEscalation':false,'readOnlyRootFilesystem':true,"
		"'capabilities':{'drop':['ALL']}},"
		"'volumeMounts':[{'name':'run','mountPath':'/tmp'}]}",
		names_gateway_container(a, w->api), w->image,
		w->image_is_immutable ? "IfNotPresent" : "Always", w->https_port, w->http_port,
		w->metrics_port, w->request_cpu, w->request_memory, w->limit_cpu, w->limit_memory,
		probe(a, w, w->readiness_delay_s, w->readiness_period_s));

	json_set_int(a, startup, "failureThreshold", STARTUP_TRIES);
	json_set_int(a, liveness, "failureThreshold", 3);
	json_set(a, c, "startupProbe", startup);
	json_set(a, c, "livenessProbe", liveness);
	add_replicas_port(a, w, c);
	if (w->n_env > 0 || w->replicas_host)
		json_set(a, c, "env", environment(a, w));
	return c;
}

/* The gateway reads them again when they change: Kubernetes renews mounted Secrets in place. */
static struct json *credentials_volume(struct arena *a, const struct workload *w)
{
	struct json *sources = json_array(a);

	vec_foreach (const char *, security, &w->credentials)
		json_add(sources,
			json_format(a, "{'secret':{'name':%s,'items':[{'key':%s,'path':%s}]}}",
				names_credentials(a, w->api, security), SECURITY_POLICY_KEY,
				arena_printf(a, "%s.json", security)));
	if (w->backend_jwt)
		json_add(sources,
			json_format(a, "{'secret':{'name':'" BACKEND_JWT_SECRET
				       "','items':[{'key':'tls.key','path':'backend-jwt.key'}]}}"));
	return json_format(a, "{'name':'credentials','projected':{'defaultMode':%d,'sources':%j}}",
		0440, sources);
}

static void mount(struct arena *a, struct json *container, const char *volume, const char *path)
{
	struct json *mounts = json_dup(a, json_get(container, "volumeMounts"));

	json_add(
		mounts, json_format(a, "{'name':%s,'mountPath':%s,'readOnly':true}", volume, path));
	json_set(a, container, "volumeMounts", mounts);
}

static void mount_credentials(
	struct arena *a, const struct workload *w, struct json *container, struct json *volumes)
{
	if (w->credentials.n == 0 && !w->backend_jwt)
		return;
	mount(a, container, "credentials", "/etc/gateway/credentials");
	json_add(volumes, credentials_volume(a, w));
}

static void append(struct json *to, struct arena *a, const struct json *more)
{
	json_foreach (x, more)
		json_add(to, json_dup(a, x));
}

static void mount_what_administrators_want(
	struct arena *a, const struct workload *w, struct json *container, struct json *volumes)
{
	struct json *mounts = json_dup(a, json_get(container, "volumeMounts"));

	append(volumes, a, w->volumes);
	append(mounts, a, w->volume_mounts);
	json_set(a, container, "volumeMounts", mounts);
	if (json_len(w->env_from) > 0)
		json_set(a, container, "envFrom", json_dup(a, w->env_from));
}

/* Without the Secret the gateway runs, and trusts nobody. */
static void mount_client_trust(
	struct arena *a, const struct workload *w, struct json *container, struct json *volumes)
{
	if (!w->client_trust)
		return;
	mount(a, container, "clients", "/etc/gateway/clients");
	json_add(volumes, json_format(a,
				  "{'name':'clients','secret':{'secretName':'" CLIENT_TRUST_SECRET
				  "','defaultMode':%d,'optional':true}}",
				  0440));
}

static void mount_usage(
	struct arena *a, const struct workload *w, struct json *container, struct json *volumes)
{
	if (!w->usage_secret)
		return;
	mount(a, container, "usage", "/etc/gateway/usage");
	json_add(volumes,
		json_format(a, "{'name':'usage','secret':{'secretName':%s,'defaultMode':%d}}",
			w->usage_secret, 0440));
}

static void mount_replicas_key(
	struct arena *a, const struct workload *w, struct json *container, struct json *volumes)
{
	if (!w->replicas_host)
		return;
	mount(a, container, "replicas", "/etc/gateway/replicas");
	json_add(volumes,
		json_format(a, "{'name':'replicas','secret':{'secretName':%s,'defaultMode':%d}}",
			API_REPLICAS, 0440));
}

static struct json *pull_secrets(struct arena *a, const struct workload *w)
{
	struct json *list = json_array(a);

	vec_foreach (const char *, name, &w->pull_secrets)
		json_add(list, json_format(a, "{'name':%s}", name));
	return list;
}

/* Users belong to containers: a sidecar's image has its own. */
static struct json *pod_spec(struct arena *a, const struct workload *w)
{
	struct json *volumes = json_format(a, "[{'name':'run','emptyDir':{}}]");
	struct json *containers = json_array(a);
	struct json *gateway = container(a, w);
	struct json *spec = json_format(a,
		"{'automountServiceAccountToken':false,'enableServiceLinks':false,"
		"'terminationGracePeriodSeconds':%d,"
		"'securityContext':{'fsGroup':10001,'seccompProfile':{'type':'RuntimeDefault'}}}",
		DRAIN_S);

	json_foreach (sidecar, w->sidecars)
		json_add(containers, json_dup(a, sidecar));
	mount_credentials(a, w, gateway, volumes);
	mount_what_administrators_want(a, w, gateway, volumes);
	mount_client_trust(a, w, gateway, volumes);
	mount_usage(a, w, gateway, volumes);
	mount_replicas_key(a, w, gateway, volumes);
	json_add(containers, gateway);
	json_set(a, spec, "containers", containers);
	json_set(a, spec, "volumes", volumes);
	json_set(a, spec, "hostAliases", json_dup(a, w->host_aliases));
	if (w->replicas_host) {
		json_set_str(a, spec, "hostname", w->replicas_host);
		json_set_str(a, spec, "subdomain", API_REPLICAS);
	}
	if (w->pull_secrets.n > 0)
		json_set(a, spec, "imagePullSecrets", pull_secrets(a, w));
	return spec;
}

struct json *workload_deployment(struct arena *a, const struct workload *w)
{
	char *metrics_port = arena_printf(a, "%lld", (long long)w->metrics_port);

	return json_format(a,
		"{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':%s,'labels':%j},"
		"'spec':{'replicas':%l,'revisionHistoryLimit':%d,'progressDeadlineSeconds':%d,"
		"'selector':{'matchLabels':%j},"
		"'strategy':{'type':'RollingUpdate','rollingUpdate':{'maxSurge':1,'maxUnavailable':0}},"
		"'template':{'metadata':{'labels':%j,'annotations':{'prometheus.io/scrape':'true',"
		"'prometheus.io/path':'/metrics','prometheus.io/port':%s,'" ANNOTATION_MOUNTS
		"':%s,'" ANNOTATION_REPLICAS "':%s}},'spec':%j}}}",
		w->api, labels(a, w), w->replicas, REVISIONS_KEPT, PROGRESS_DEADLINE_S,
		labels(a, w), pod_labels(a, w), metrics_port, w->mounts_hash, w->replicas_version,
		pod_spec(a, w));
}

static struct json *service_port(struct arena *a, const char *name, int64_t port)
{
	return json_format(
		a, "{'name':%s,'port':%l,'targetPort':%l,'protocol':'TCP'}", name, port, port);
}

struct json *workload_service(struct arena *a, const struct workload *w)
{
	struct json *ports = json_array(a);

	json_add(ports, service_port(a, "https", w->https_port));
	json_add(ports, service_port(a, "http", w->http_port));
	if (w->observable)
		json_add(ports, service_port(a, "metrics", w->metrics_port));
	return json_format(a,
		"{'apiVersion':'v1','kind':'Service','metadata':{'name':%s,'labels':%j},"
		"'spec':{'type':%s,'selector':%j,'ports':%j}}",
		w->api, labels(a, w), w->load_balancer ? "LoadBalancer" : "ClusterIP", labels(a, w),
		ports);
}

/* Pods that have a host's name in common have <host>.<this Service> in common as well (Kubernetes'
 * DNS specification, 2.4.1), so one Service does for all gateways of a namespace. Also of pods that
 * are not ready: they have to meet before they serve. */
struct json *workload_replicas_service(struct arena *a)
{
	return json_format(a,
		"{'apiVersion':'v1','kind':'Service','metadata':{'name':'" API_REPLICAS "'},"
		"'spec':{'clusterIP':'None','publishNotReadyAddresses':true,"
		"'selector':{'" LABEL_REPLICA "':'true'},"
		"'ports':[{'name':'replicas','port':%d,'targetPort':%d,'protocol':'UDP'}]}}",
		REPLICAS_PORT, REPLICAS_PORT);
}

struct json *workload_hpa(struct arena *a, const struct workload *w)
{
	const struct json *cpu = json_format(a,
		"[{'type':'Resource','resource':{'name':'cpu',"
		"'target':{'type':'Utilization','averageUtilization':%l}}}]",
		w->cpu_percent);

	return json_format(a,
		"{'apiVersion':'autoscaling/v2','kind':'HorizontalPodAutoscaler','metadata':{'name':%s},"
		"'spec':{'scaleTargetRef':{'apiVersion':'apps/v1','kind':'Deployment','name':%s},"
		"'minReplicas':%l,'maxReplicas':%l,'metrics':%j}}",
		arena_printf(a, "%s-hpa", w->api), w->api, w->min_replicas, w->max_replicas,
		w->metrics ? w->metrics : cpu);
}
