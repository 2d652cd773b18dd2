/* Ingresses, Routes and VirtualServices: what of their configuration is more than one value. */
#include "lib/api/finding.h"
#include "lib/api/name.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/conf/read.h"
#include "lib/json/json.h"
#include "lib/yaml/yaml.h"

enum {
	MAX_ANNOTATIONS = 64,
	MAX_PORT = 65535,
};

/* As the original shipped them. */
static const char ingress_properties[] = "nginx.ingress.kubernetes.io/backend-protocol: HTTPS\n"
					 "kubernetes.io/ingress.class: nginx\n"
					 "nginx.ingress.kubernetes.io/ssl-redirect: false\n";
static const char route_properties[] = "openshift.io/host.generated: false\n";
static const char cors_policy[] =
	"allowOrigins: [{exact: 'https://localhost:9443'}]\n"
	"allowMethods: [GET, POST, PUT, DELETE]\n"
	"allowCredentials: true\n"
	"allowHeaders: [authorization, Access-Control-Allow-Origin, Content-Type, SOAPAction, apikey, Authorization]\n";

/* ---- annotations: one `name: value` per line ---- */

static char *trimmed(struct arena *a, const char *text, size_t n)
{
	while (n > 0 && strchr(" \t\r", *text)) {
		text++;
		n--;
	}
	while (n > 0 && strchr(" \t\r", text[n - 1]))
		n--;
	return arena_dupn(a, text, n);
}

/* Values are text anyway; people write quotes because of YAML. */
static char *unquoted(struct arena *a, char *value)
{
	size_t n = strlen(value);

	if (n >= 2 && strchr("\"'", value[0]) && value[n - 1] == value[0])
		return arena_dupn(a, value + 1, n - 2);
	return value;
}

static void read_property(
	struct conf_read *r, const char *path, const char *line, size_t n, struct json *annotations)
{
	const char *colon = memchr(line, ':', n);
	char *name;

	if (!colon) {
		finding_add(r->findings, FINDING_INVALID_FIELD, path,
			"\"%.64s\" has no colon, expected one annotation per line as name: value; it is left out",
			trimmed(r->arena, line, n));
		return;
	}
	name = unquoted(r->arena, trimmed(r->arena, line, (size_t)(colon - line)));
	if (!name_is_annotation(name)) {
		finding_add(r->findings, FINDING_INVALID_FIELD, path,
			"\"%.64s\" is not the name of an annotation; it is left out", name);
		return;
	}
	json_set_str(r->arena, annotations, name,
		unquoted(r->arena, trimmed(r->arena, colon + 1, n - (size_t)(colon + 1 - line))));
}

static const struct json *read_properties(
	struct conf_read *r, enum conf_object o, const char *key, const char *otherwise)
{
	const char *path = arena_printf(r->arena, "%s.%s", conf_object_name(o), key);
	const char *text = conf_text(r, o, key);
	struct json *annotations = json_object(r->arena);

	for (text = text ? text : otherwise; *text; text += *text == '\n') {
		size_t n = strcspn(text, "\n");
		const char *line = trimmed(r->arena, text, n);

		if (*line && *line != '#' && json_len(annotations) < MAX_ANNOTATIONS)
			read_property(r, path, line, strlen(line), annotations);
		text += n;
	}
	return annotations;
}

/* ---- Route ---- */

/* A router that ends TLS itself speaks plain http to the gateway, any other TLS. */
static void read_termination(struct conf_read *r, struct conf_route *ret)
{
	static const struct {
		const char *name;
		const char *port;
	} forms[] = { { "edge", "http" }, { "reencrypt", "https" }, { "passthrough", "https" } };
	const char *text = conf_text(r, CONF_ROUTE, "tlsTermination");
	const char *port = "http";

	for (size_t i = 0; text && i < ARRAY_LEN(forms); i++)
		if (str_eq_nocase(text, forms[i].name)) {
			ret->termination = forms[i].name;
			port = forms[i].port;
		}
	if (text && !ret->termination)
		finding_add(r->findings, FINDING_INVALID_FIELD, "route-configs.tlsTermination",
			"\"%.32s\" is not valid, expected edge, reencrypt or passthrough; Routes are without TLS",
			text);
	if (!str_eq(port, ret->port)) {
		finding_add(r->findings, FINDING_ADJUSTED, "route-configs.routeTransportMode",
			"%s does not go with tlsTermination \"%s\"; %s is used", ret->port,
			ret->termination ? ret->termination : "", port);
		ret->port = port;
	}
}

/* ---- Istio ---- */

static const struct json *read_object(struct conf_read *r, const char *key, const char *otherwise)
{
	const char *text = conf_yaml(r, CONF_ISTIO, key);
	struct err err = { .code = ERR_NONE };
	const struct json *v;

	if (!text)
		text = otherwise;
	v = yaml_parse(r->arena, text, strlen(text), NULL, &err);
	if (json_is_object(v) || json_is_null(v))
		return json_is_object(v) ? v : NULL;
	finding_add(r->findings, FINDING_INVALID_FIELD,
		arena_printf(r->arena, "istio-configs.%s", key), "%s; the default is used",
		v ? "is not a YAML mapping" : err.msg);
	return yaml_parse(r->arena, otherwise, strlen(otherwise), NULL, &err);
}

static void read_tls(struct conf_read *r, struct conf_istio *ret)
{
	const struct json *tls = read_object(r, "tls", "{}");

	json_foreach (m, tls) {
		int64_t port = 0;

		if (str_eq(json_key(m), "enabled") && json_is_bool(m))
			ret->tls = json_get_bool(tls, "enabled", false);
		else if (str_eq(json_key(m), "port") && json_int(m, &port) && port > 0 &&
			 port <= MAX_PORT)
			ret->tls_port = port;
		else
			finding_add(r->findings, FINDING_INVALID_FIELD, "istio-configs.tls",
				"%.32s is not valid, expected enabled: true or false and port: a number up to %d; the default is used",
				json_key(m), MAX_PORT);
	}
}

static const struct json *read_cors(struct conf_read *r)
{
	static const char *const known[] = { "allowOrigins", "allowMethods", "allowHeaders",
		"exposeHeaders", "maxAge", "allowCredentials", "unmatchedPreflights" };
	const struct json *cors = read_object(r, "corsPolicy", cors_policy);

	json_foreach (m, cors) {
		bool is_known = false;

		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			is_known = is_known || str_eq(json_key(m), known[i]);
		if (!is_known)
			finding_add(r->findings, FINDING_UNUSED, "istio-configs.corsPolicy",
				"%.64s is not a member of Istio's CorsPolicy", json_key(m));
	}
	return cors;
}

/* "name" or "namespace/name"; "mesh" is Istio's word for all sidecars. */
static void read_gateway(struct conf_read *r, struct conf_istio *ret)
{
	const char *text = conf_text(r, CONF_ISTIO, "gatewayName");
	const char *slash = text ? strchr(text, '/') : NULL;

	if (!text)
		return;
	if (name_is_subdomain(slash ? slash + 1 : text) &&
		(!slash || name_is_label(arena_dupn(r->arena, text, (size_t)(slash - text)))))
		ret->gateway = text;
	else
		finding_add(r->findings, FINDING_INVALID_FIELD, "istio-configs.gatewayName",
			"\"%.64s\" is not valid, expected name or namespace/name; the default is used",
			text);
}

void conf_read_exposure(struct conf_read *r, struct conf *ret)
{
	ret->ingress.annotations =
		read_properties(r, CONF_INGRESS, "ingress.properties", ingress_properties);
	ret->route.annotations =
		read_properties(r, CONF_ROUTE, "route.properties", route_properties);
	read_termination(r, &ret->route);
	read_gateway(r, &ret->istio);
	read_tls(r, &ret->istio);
	ret->istio.cors = read_cors(r);
}
