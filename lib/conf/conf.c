#include "lib/conf/conf.h"

#include <ctype.h>

#include "lib/api/finding.h"
#include "lib/api/name.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/conf/keys.h"
#include "lib/conf/metrics.h"
#include "lib/conf/read.h"
#include "lib/json/json.h"

enum {
	MAX_ARGUMENTS = 64,
};

static const char *const object_names[CONF_OBJECTS] = {
	[CONF_CONTROLLER] = "controller-config",
	[CONF_APIM] = "apim-config",
	[CONF_REGISTRY] = "docker-registry-config",
	[CONF_HPA] = "hpa-configs",
	[CONF_KANIKO] = "kaniko-arguments",
	[CONF_INGRESS] = "ingress-configs",
	[CONF_ROUTE] = "route-configs",
	[CONF_ISTIO] = "istio-configs",
	[CONF_MOUNTS] = "mgw-deployment-configs",
	[CONF_ANALYTICS] = "analytics-config",
};

static const struct conf defaults = {
	.startup = { .delay_s = 0, .period_s = 1 },
	.readiness = { .delay_s = 0, .period_s = 5 },
	.liveness = { .delay_s = 0, .period_s = 30 },
	.cpu_percent = 50,
	.max_replicas = 5,
	.deploy = true,
	.http_port = 9090,
	.https_port = 9095,
	.ingress = { .resource = "api-operator-ingress",
		.host = "mgw.ingress.wso2.com",
		.port = "https" },
	.route = { .resource = "api-operator-route", .host = "mgw.route.wso2.com", .port = "http" },
	.istio = { .gateway = "wso2-gateway", .host = "internal.wso2.com", .tls_port = 443 },
	.log_level = "INFO",
	.jwt_header = "X-JWT-Assertion",
	.tracing = { .ratio = "0.1", .port = 4318 },
	.usage_seconds = 5,
	.backend_jwt_issuer = "wso2.org/products/am",
	.backend_jwt_dialect = "http://wso2.org/claims",
	.backend_jwt_ms = 900000,
	.token_cache = true,
	.token_cache_entries = 10000,
	.hook_ms = 5,
	.hook_kilobytes = 1024,
	.token_cache_ms = 900 * 1000,
};

/* The gateway needs tens of megabytes and next to nothing when idle. A request that is too large
 * would keep it off small nodes and make the autoscaler's percentage meaningless. */
static const struct resources gateway_resources = { "20m", "32Mi", "2000m", "128Mi" };
static const struct resources backend_resources = { "50m", "64Mi", "500m", "512Mi" };

static const struct resources gateway_paths = {
	.request_cpu = "controller-config.resourceRequestCPU",
	.request_memory = "controller-config.resourceRequestMemory",
	.limit_cpu = "controller-config.resourceLimitCPU",
	.limit_memory = "controller-config.resourceLimitMemory",
};
static const struct resources backend_paths = {
	.request_cpu = "controller-config.resourceRequestCPUTarget",
	.request_memory = "controller-config.resourceRequestMemoryTarget",
	.limit_cpu = "controller-config.resourceLimitCPUTarget",
	.limit_memory = "controller-config.resourceLimitMemoryTarget",
};

const char *conf_object_name(enum conf_object o)
{
	return o < CONF_OBJECTS ? object_names[o] : "";
}

const char *conf_text(const struct conf_read *r, enum conf_object o, const char *key)
{
	const char *text = json_str(json_path(r->in->objects[o], "data", key, NULL));

	return str_empty(text) ? NULL : text;
}

const char *conf_yaml(const struct conf_read *r, enum conf_object o, const char *key)
{
	const char *text = conf_text(r, o, key);
	const char *at = text;

	while (at && *at) {
		at += strspn(at, " \t\r\n");
		if (*at != '#')
			return *at ? text : NULL;
		at += strcspn(at, "\n");
	}
	return NULL;
}

/* ---- one value ---- */

static bool parse_int(const char *text, int64_t *ret)
{
	bool negative = *text == '-';
	int64_t n = 0;

	text += negative;
	if (!isdigit((unsigned char)*text))
		return false;
	for (; isdigit((unsigned char)*text); text++) {
		if (n > (INT64_MAX - 9) / 10)
			return false;
		n = n * 10 + (*text - '0');
	}
	*ret = negative ? -n : n;
	return *text == '\0';
}

static const char *read_int(const struct conf_key *k, const char *text, struct arena *a, void *ret)
{
	int64_t n;

	if (!parse_int(text, &n) || n < k->min || n > k->max)
		return k->max == INT64_MAX ? "a whole number"
					   : arena_printf(a, "a whole number from %lld to %lld",
						     (long long)k->min, (long long)k->max);
	*(int64_t *)ret = n;
	return NULL;
}

static const char *read_bool(const char *text, bool *ret)
{
	if (!str_eq_nocase(text, "true") && !str_eq_nocase(text, "false"))
		return "true or false";
	*ret = str_eq_nocase(text, "true");
	return NULL;
}

const char *operator_mode_name(enum operator_mode mode)
{
	static const char *const modes[] = {
		[OPERATOR_DEFAULT] = "default",
		[OPERATOR_CLUSTER_IP] = "clusterIP",
		[OPERATOR_INGRESS] = "ingress",
		[OPERATOR_ROUTE] = "route",
		[OPERATOR_ISTIO] = "istio",
	};

	return modes[mode];
}

static const char *read_mode(const char *text, enum operator_mode *ret)
{
	for (enum operator_mode m = OPERATOR_DEFAULT; m <= OPERATOR_ISTIO; m++)
		if (str_eq_nocase(text, operator_mode_name(m))) {
			*ret = m;
			return NULL;
		}
	return "default, clusterIP, ingress, route or istio";
}

static const char *read_level(const char *text, const char **ret)
{
	static const char *const levels[] = { "ERROR", "WARN", "INFO", "DEBUG", "TRACE" };

	for (size_t i = 0; i < ARRAY_LEN(levels); i++)
		if (str_eq_nocase(text, levels[i])) {
			*ret = levels[i];
			return NULL;
		}
	return "ERROR, WARN, INFO, DEBUG or TRACE";
}

static const char *read_quantity(const char *text, const char **ret)
{
	double unused;

	if (!quantity_parse(text, &unused))
		return "a quantity such as 500m or 64Mi";
	*ret = text;
	return NULL;
}

/* "wso2/wso2micro-gw:3.0.2", with or without a registry in front. */
static bool is_wso2_gateway(const char *image)
{
	return str_starts(image, "wso2/") || str_starts(image, "wso2am/") ||
	       strstr(image, "/wso2/") || strstr(image, "/wso2am/");
}

static const char *read_image(
	const struct conf_read *r, const struct conf_key *k, const char *text, const char **ret)
{
	if (!name_is_image(text))
		return "an image reference";
	if (is_wso2_gateway(text)) {
		finding_add(r->findings, FINDING_ADJUSTED,
			arena_printf(r->arena, "%s.%s", k->object, k->key),
			"%.100s is an image of WSO2's gateway, which cannot do this operator's builds; %s is used",
			text, *ret ? *ret : "the default");
		return NULL;
	}
	*ret = text;
	return NULL;
}

static const char *read_host(const char *text, const char **ret)
{
	if (!name_is_subdomain(str_starts(text, "*.") ? text + 2 : text))
		return "a host name";
	*ret = text;
	return NULL;
}

static const char *read_transport(const char *text, const char **ret)
{
	if (!str_eq_nocase(text, "http") && !str_eq_nocase(text, "https"))
		return "http or https";
	*ret = str_eq_nocase(text, "https") ? "https" : "http";
	return NULL;
}

static const char *read_name(const char *text, const char **ret)
{
	if (!name_is_subdomain(text))
		return "the name of an object";
	*ret = text;
	return NULL;
}

/* NULL, or what had been expected. */
static const char *read_value(
	const struct conf_read *r, const struct conf_key *k, const char *text, struct conf *c)
{
	void *at = (char *)c + k->offset;

	switch (k->type) {
	case CONF_TEXT:
		*(const char **)at = text;
		return NULL;
	case CONF_NAME:
		return read_name(text, at);
	case CONF_IMAGE:
		return read_image(r, k, text, at);
	case CONF_QUANTITY:
		return read_quantity(text, at);
	case CONF_INT:
		return read_int(k, text, r->arena, at);
	case CONF_BOOL:
		return read_bool(text, at);
	case CONF_MODE:
		return read_mode(text, at);
	case CONF_LEVEL:
		return read_level(text, at);
	case CONF_HOST:
		return read_host(text, at);
	case CONF_TRANSPORT:
		return read_transport(text, at);
	case CONF_READ:
	case CONF_IGNORED:
		return NULL;
	}
	return NULL;
}

/* A key that is set to something else than what everybody's files hold deserves a word. */
static void note_ignored(
	const struct conf_read *r, const struct conf_key *k, const char *path, const char *text)
{
	if (k->shipped && !str_eq_nocase(k->shipped, text))
		finding_add(r->findings, FINDING_UNUSED, path,
			"has no effect in this version of the operator");
}

static void read_member(
	const struct conf_read *r, const char *object, const struct json *member, struct conf *c)
{
	const struct conf_key *k = conf_key_find(object, json_key(member));
	const char *path = arena_printf(r->arena, "%s.%.64s", object, json_key(member));
	const char *text = json_str(member);
	const char *expected;

	if (!k) {
		finding_add(r->findings, FINDING_UNUSED, path, "is not a key that is known");
		return;
	}
	if (k->type == CONF_IGNORED && text)
		note_ignored(r, k, path, text);
	if (str_empty(text))
		return;
	expected = read_value(r, k, text, c);
	if (expected)
		finding_add(r->findings, FINDING_INVALID_FIELD, path,
			"\"%.64s\" is not valid, expected %s; the default is used", text, expected);
}

static void read_object(const struct conf_read *r, enum conf_object o, struct conf *c)
{
	json_foreach (member, json_get(r->in->objects[o], "data"))
		if (json_key(member))
			read_member(r, object_names[o], member, c);
}

/* ---- what is more than one value ---- */

static void complete(const struct conf_read *r, struct resources *resources,
	const struct resources *otherwise, const struct resources *paths)
{
	resources_default(resources, otherwise);
	resources_check(resources, paths, r->findings);
	resources_mend(resources);
}

/* Only this very word builds and deploys, as in the original. */
static void read_deploy(const struct conf_read *r, struct conf *c)
{
	const char *text = conf_text(r, CONF_CONTROLLER, "generatekubernbetesartifactsformgw");

	c->deploy = !text || str_eq(text, "true");
}

/* One entry per line, with or without "- " in front; "#" begins a comment. */
static void read_lines(const struct conf_read *r, const char *key, struct vec *ret)
{
	const char *text = conf_text(r, CONF_APIM, key);

	while (text && *text) {
		size_t n = strcspn(text, "\n");
		const char *from = text + strspn(text, " \t");
		const char *to = text + n;

		if (str_starts(from, "- "))
			from += 2 + strspn(from + 2, " \t");
		while (to > from && isspace((unsigned char)to[-1]))
			to--;
		if (to > from && *from != '#')
			vec_add(r->arena, ret, arena_dupn(r->arena, from, (size_t)(to - from)));
		text += n + (text[n] == '\n');
	}
}

static void read_shared_endpoints(struct conf_read *r, struct conf *c)
{
	const char *text = conf_text(r, CONF_CONTROLLER, "sharedEndpointNamespaces");

	if (str_eq(text, "*"))
		vec_add(r->arena, &c->shared_endpoint_namespaces, arena_dup(r->arena, text));
	else if (text)
		conf_split_names(r, "controller-config.sharedEndpointNamespaces", "a namespace",
			text, &c->shared_endpoint_namespaces);
}

static const struct json *read_metrics(
	const struct conf_read *r, const char *key, const char *key_v2beta1)
{
	const char *version = conf_text(r, CONF_HPA, "hpaVersion");
	bool old_first = !version || str_eq_nocase(version, "v2beta1");

	for (int i = 0; i < 2; i++) {
		bool old = (i == 0) == old_first;
		const char *name = old ? key_v2beta1 : key;
		const char *text = conf_yaml(r, CONF_HPA, name);
		struct err err = { .code = ERR_NONE };
		struct json *list;

		if (!text)
			continue;
		list = metrics_parse(r->arena, text, old, &err);
		if (list)
			return list;
		if (err.code != ERR_NONE)
			finding_add(r->findings, FINDING_INVALID_FIELD,
				arena_printf(r->arena, "hpa-configs.%s", name),
				"%s; the default is used", err.msg);
	}
	return NULL;
}

static void check_hpa_version(const struct conf_read *r)
{
	static const char *const versions[] = { "v2beta1", "v2beta2", "v2" };
	const char *text = conf_text(r, CONF_HPA, "hpaVersion");

	for (size_t i = 0; text && i < ARRAY_LEN(versions); i++)
		if (str_eq_nocase(text, versions[i]))
			return;
	if (text)
		finding_add(r->findings, FINDING_INVALID_FIELD, "hpa-configs.hpaVersion",
			"\"%.32s\" is not valid, expected v2beta1, v2beta2 or v2; metrics in the form of v2 go first",
			text);
}

static void read_autoscaling(const struct conf_read *r, struct conf *c)
{
	check_hpa_version(r);
	c->metrics = read_metrics(r, "mgwMetrics", "mgwMetricsV2beta1");
	c->backend_metrics =
		read_metrics(r, "targetEndpointMetrics", "targetEndpointMetricsV2beta1");
	if (!c->metrics)
		c->metrics = metrics_cpu(r->arena, c->cpu_percent);
	if (!c->backend_metrics)
		c->backend_metrics = metrics_cpu(r->arena, c->cpu_percent);
}

/* One argument per line; the shipped text is a comment. */
static void read_kaniko(const struct conf_read *r, struct conf *c)
{
	const char *text = conf_text(r, CONF_KANIKO, "kanikoArguments");

	while (text && *text) {
		size_t n = strcspn(text, "\r\n");
		size_t begin = strspn(text, " \t");
		size_t end = n;

		while (end > begin && strchr(" \t", text[end - 1]))
			end--;
		if (end > begin && text[begin] != '#' && c->kaniko_arguments.n < MAX_ARGUMENTS)
			vec_add(r->arena, &c->kaniko_arguments,
				arena_dupn(r->arena, text + begin, end - begin));
		text += n + strspn(text + n, "\r\n");
	}
}

static void check_ports(const struct conf_read *r, struct conf *c)
{
	if (c->http_port != c->https_port)
		return;
	finding_add(r->findings, FINDING_INVALID_FIELD, "apim-config.httpsPort",
		"is httpPort as well, expected two ports; the defaults are used");
	c->http_port = defaults.http_port;
	c->https_port = defaults.https_port;
}

void conf_read(struct arena *a, const struct conf_input *in, struct conf *ret, struct findings *f)
{
	struct conf_read r = { a, in, f };
	struct conf c = defaults;

	c.toolkit_image = in->images.toolkit;
	c.runtime_image = in->images.runtime;
	c.kaniko_image = in->images.kaniko;
	read_object(&r, CONF_CONTROLLER, &c);
	/* hpaMaxReplicas counts for both until hpa-configs says more. */
	c.backend_max_replicas = c.max_replicas;
	for (enum conf_object o = CONF_APIM; o < CONF_OBJECTS; o++)
		read_object(&r, o, &c);
	complete(&r, &c.gateway, &gateway_resources, &gateway_paths);
	complete(&r, &c.backend, &backend_resources, &backend_paths);
	check_ports(&r, &c);
	read_deploy(&r, &c);
	read_shared_endpoints(&r, &c);
	read_lines(&r, "jwtAudience", &c.backend_jwt_audience);
	read_lines(&r, "jwtRestrictedClaims", &c.backend_jwt_restricted);
	read_autoscaling(&r, &c);
	read_kaniko(&r, &c);
	conf_read_exposure(&r, &c);
	conf_read_mounts(&r, &c);
	conf_read_tracing(&r, &c.tracing);
	conf_read_registry(&r, &c.registry);
	*ret = c;
}
