#include "api-svc/routes.h"

#include "api-svc/inputs.h"
#include "lib/api/name.h"
#include "lib/base/arena.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

static bool wants_ingress(const struct inputs *in)
{
	return in->conf.mode == OPERATOR_INGRESS || in->api.ingress_hostname;
}

bool routes_are_wanted(const struct inputs *in)
{
	return wants_ingress(in) || in->conf.mode == OPERATOR_ROUTE ||
	       in->conf.mode == OPERATOR_ISTIO;
}

static const char *const all_paths[] = { "" };

/* NULL as long as one is not known. */
static const char *const *base_paths(const struct inputs *in)
{
	size_t n = in->scan.n_documents;
	const char **paths = arena_alloc(in->arena, n * sizeof(*paths) + 1);

	for (size_t i = 0; i < n; i++) {
		const char *path = in->scan.documents[i].base_path;

		if (!path)
			return NULL;
		paths[i] = *path ? path : "/";
	}
	return paths;
}

static void add(const struct inputs *in, struct vec *ret, struct route route)
{
	struct route *r = arena_alloc(in->arena, sizeof(*r));

	*r = route;
	vec_add(in->arena, ret, r);
}

/* ---- Ingress ---- */

static void add_ingress(const struct inputs *in, const char *const *paths, struct vec *ret)
{
	struct arena *a = in->arena;
	const struct conf_ingress *c = &in->conf.ingress;
	const char *host = in->api.ingress_hostname ? in->api.ingress_hostname : c->host;
	const char *name = arena_printf(a, "%s-%s", c->resource, in->name);
	struct json *list = json_array(a);
	struct json *body;

	for (size_t i = 0; i < in->scan.n_documents; i++)
		json_add(list,
			json_format(a,
				"{'path':%s,'pathType':'Prefix','backend':{'service':{'name':%s,'port':{'name':%s}}}}",
				paths[i], in->name, c->port));
	body = json_format(a,
		"{'apiVersion':'networking.k8s.io/v1','kind':'Ingress',"
		"'metadata':{'name':%s,'labels':{'app':%s},'annotations':%j},"
		"'spec':{'rules':[{'host':%s,'http':{'paths':%j}}]}}",
		name, arena_printf(a, "%.63s", in->name), c->annotations, host, list);
	if (c->tls_secret)
		json_set(a, json_sub(a, body, "spec"), "tls",
			json_format(a, "[{'hosts':[%s],'secretName':%s}]", host, c->tls_secret));
	add(in, ret, (struct route){ KIND_INGRESS, name, host, paths, in->scan.n_documents, body });
}

/* ---- Route ---- */

/* `<resource>-<api><base path with / as ->`; what a name cannot hold becomes "-", and then digits
 * of the path's hash tell such names apart. */
static const char *route_name(struct arena *a, const char *stem, const char *path)
{
	char *name = arena_printf(a, "%s%s", stem, str_eq(path, "/") ? "" : path);
	bool changed = false;

	for (char *c = name; *c; c++) {
		bool fits = (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '-' ||
			    *c == '.';

		changed = changed || (!fits && *c != '/');
		if (!fits)
			*c = '-';
	}
	if (!changed && name_is_subdomain(name))
		return name;
	return arena_printf(a, "%.200s-%.8s", stem, sha256_hex(a, path, strlen(path)));
}

/* Passing TLS through, a router sees the server's name alone. */
static void add_route(const struct inputs *in, const char *const *path, struct vec *ret)
{
	struct arena *a = in->arena;
	const struct conf_route *c = &in->conf.route;
	bool blind = str_eq(c->termination, "passthrough");
	const char *stem = arena_printf(a, "%s-%s", c->resource, in->name);
	const char *name = blind ? stem : route_name(a, stem, *path);
	struct json *body = json_format(a,
		"{'apiVersion':'route.openshift.io/v1','kind':'Route',"
		"'metadata':{'name':%s,'labels':{'app':%s},'annotations':%j},"
		"'spec':{'host':%s,'path':%s,'to':{'kind':'Service','name':%s,'weight':100},"
		"'port':{'targetPort':%s},'wildcardPolicy':'None'}}",
		name, arena_printf(a, "%.63s", in->name), c->annotations, c->host,
		blind ? NULL : *path, in->name, c->port);

	if (c->termination)
		json_set_str(a, json_sub(a, json_sub(a, body, "spec"), "tls"), "termination",
			c->termination);
	add(in, ret,
		(struct route){ KIND_ROUTE, name, c->host, blind ? all_paths : path, 1, body });
}

static void add_routes(const struct inputs *in, const char *const *paths, struct vec *ret)
{
	size_t n = str_eq(in->conf.route.termination, "passthrough") ? 1 : in->scan.n_documents;

	for (size_t i = 0; i < n; i++)
		add_route(in, &paths[i], ret);
}

/* ---- VirtualService ---- */

/* A short name is one of the VirtualService's namespace. */
static struct json *destination(const struct inputs *in, int64_t port)
{
	return json_format(
		in->arena, "[{'destination':{'host':%s,'port':{'number':%l}}}]", in->name, port);
}

/* Istio's prefix is one of characters: "/store" would also take "/storefront". */
static struct json *http_route(const struct inputs *in, const char *const *paths)
{
	struct arena *a = in->arena;
	struct json *matches = json_array(a);
	struct json *route;

	for (size_t i = 0; i < in->scan.n_documents; i++) {
		if (str_eq(paths[i], "/")) {
			json_add(matches, json_format(a, "{'uri':{'prefix':'/'}}"));
			continue;
		}
		json_add(matches, json_format(a, "{'uri':{'exact':%s}}", paths[i]));
		json_add(matches,
			json_format(a, "{'uri':{'prefix':%s}}", arena_printf(a, "%s/", paths[i])));
	}
	route = json_format(
		a, "{'match':%j,'route':%j}", matches, destination(in, in->conf.http_port));
	json_set(a, route, "corsPolicy", json_dup(a, in->conf.istio.cors));
	return route;
}

static void add_virtual_service(const struct inputs *in, const char *const *paths, struct vec *ret)
{
	struct arena *a = in->arena;
	const struct conf_istio *c = &in->conf.istio;
	const char *host = in->api.ingress_hostname ? in->api.ingress_hostname : c->host;
	struct json *body = json_format(a,
		"{'apiVersion':'networking.istio.io/v1','kind':'VirtualService',"
		"'metadata':{'name':%s,'labels':{'app':%s}},'spec':{'hosts':[%s],'gateways':[%s]}}",
		in->name, arena_printf(a, "%.63s", in->name), host, c->gateway);
	struct json *spec = json_sub(a, body, "spec");

	if (c->tls)
		json_set(a, spec, "tls",
			json_format(a, "[{'match':[{'port':%l,'sniHosts':[%s]}],'route':%j}]",
				c->tls_port, host, destination(in, in->conf.https_port)));
	else
		json_set(a, spec, "http", json_format(a, "[%j]", http_route(in, paths)));
	add(in, ret,
		(struct route){ KIND_VIRTUAL_SERVICE, in->name, host, c->tls ? all_paths : paths,
			c->tls ? 1 : in->scan.n_documents, body });
}

void routes_wanted(const struct inputs *in, struct vec *ret)
{
	const char *const *paths = in->scanned ? base_paths(in) : NULL;

	if (!paths || in->scan.n_documents < in->n_documents)
		return;
	if (wants_ingress(in))
		add_ingress(in, paths, ret);
	if (in->conf.mode == OPERATOR_ROUTE)
		add_routes(in, paths, ret);
	if (in->conf.mode == OPERATOR_ISTIO)
		add_virtual_service(in, paths, ret);
}
