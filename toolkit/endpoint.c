#include <ctype.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "toolkit/model.h"

static const char reference[] = "#/x-wso2-endpoints/";

/* ---- servers ---- */

/* Integers too: people forget to quote ports. */
static const char *default_of(struct reader *r, const struct json *variable)
{
	const struct json *v = json_get(variable, "default");
	int64_t n;

	if (json_int(v, &n))
		return arena_printf(r->a, "%lld", (long long)n);
	return json_str(v);
}

/* Puts the defaults of server variables into "https://{host}/v1". */
static const char *filled(struct reader *r, struct place server, const char *url)
{
	const struct json *variables = json_get(server.at, "variables");
	struct str s;

	str_init(&s, r->a, CONTRACT_MAX_TEXT);
	while (*url) {
		size_t n = strcspn(url, "{");
		size_t name_n;
		const char *value;

		str_addn(&s, url, n);
		url += n;
		if (!*url)
			break;
		name_n = strcspn(++url, "}");
		value = default_of(r, json_get(variables, arena_dupn(r->a, url, name_n)));
		if (!value || url[name_n] != '}') {
			refuse(r, "InvalidEndpoint", inside(r, server, "url"),
				"variable \"%.*s\" has no default",
				(int)(name_n < 100 ? name_n : 100), url);
			return NULL;
		}
		str_add(&s, value);
		url += name_n + 1;
	}
	return s.ptr;
}

/* Swagger 2: schemes, host, basePath. */
static const char *swagger_url(struct reader *r, struct place root)
{
	const char *scheme = json_str(json_first(json_get(root.at, "schemes")));
	const char *host = json_get_str(root.at, "host");
	const char *base = text_of(r, json_get(root.at, "basePath"));

	if (!host || !scheme)
		return NULL;
	return arena_printf(r->a, "%.10s://%s%s%s", scheme, host, base && *base != '/' ? "/" : "",
		base ? base : "");
}

const char *server_url(struct reader *r, struct place p)
{
	struct place servers = inside(r, p, "servers");
	struct place first;

	if (r->swagger2)
		return p.at == r->root ? swagger_url(r, p) : NULL;
	if (!servers.at || (json_is_array(servers.at) && json_len(servers.at) == 0))
		return NULL;
	first = element(r, servers, 0, json_first(servers.at));
	if (json_is_array(servers.at) && json_get_str(first.at, "url"))
		return filled(r, first, json_get_str(first.at, "url"));
	refuse(r, "InvalidEndpoint", servers, "expected a list of objects with \"url\"");
	return NULL;
}

/* ---- values ---- */

static bool is_object_name(const char *text)
{
	size_t n = strlen(text);

	return n > 0 && n <= 253 + 1 + 63 &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-") == n &&
	       isalnum((unsigned char)text[0]) && isalnum((unsigned char)text[n - 1]);
}

static const struct model_endpoint *keep(struct reader *r, struct model *m, struct model_endpoint e)
{
	struct model_endpoint *kept = arena_alloc(r->a, sizeof(*kept));

	*kept = e;
	vec_add(r->a, &m->endpoints, kept);
	return kept;
}

/* "etcd(key, url)": discovery is not available, the default serves. */
static const char *without_etcd(struct reader *r, struct place p, const char *text)
{
	const char *comma = strchr(text, ',');
	size_t n;

	if (!str_starts(text, "etcd(") || !comma || !str_ends(text, ")"))
		return text;
	warn(r, "NotSupported", p,
		"discovery through etcd is not supported: the default URL is used");
	do
		comma++;
	while (*comma == ' ');
	n = strlen(comma) - 1;
	return arena_dupn(r->a, comma, n);
}

static const struct model_endpoint *endpoint_of_text(
	struct reader *r, struct model *m, struct place p, const char *text)
{
	struct model_endpoint e = { .place = p };
	struct contract_endpoint parsed;
	struct err err;

	text = without_etcd(r, p, text);
	if (strstr(text, "://")) {
		e.url = text;
		if (contract_endpoint_parse(r->a, text, &parsed, &err))
			return keep(r, m, e);
		refuse(r, "InvalidEndpoint", p, "%s", err.msg);
		return NULL;
	}
	e.name = text;
	if (is_object_name(text))
		return keep(r, m, e);
	refuse(r, "InvalidEndpoint", p,
		"\"%.100s\" is neither a URL (http://…, https://…) nor the name of a TargetEndpoint",
		text);
	return NULL;
}

static void check_members(struct reader *r, struct place p)
{
	static const char *const known[] = { "urls", "type", "securityConfig",
		"advanceEndpointConfig", "name" };

	if (json_get(p.at, "securityConfig"))
		refuse(r, "EndpointSecurityNotSupported", inside(r, p, "securityConfig"),
			"credentials for backends are not supported yet; remove securityConfig");
	if (json_get(p.at, "advanceEndpointConfig"))
		warn(r, "NotSupported", inside(r, p, "advanceEndpointConfig"),
			"time-outs, retries and circuit breakers are not supported yet and have no effect");
	json_foreach (v, p.at) {
		bool found = false;

		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			found = found || str_eq(json_key(v), known[i]);
		if (!found)
			warn(r, "UnknownField", member(r, p, v), "unknown field, has no effect");
	}
}

static bool check_type(struct reader *r, struct place p, size_t urls)
{
	struct place at = inside(r, p, "type");
	const char *type = json_str(at.at);

	if (at.at && !str_eq(type, "http") && !str_eq(type, "load_balance") &&
		!str_eq(type, "failover"))
		return refuse(r, "InvalidEndpoint", at, "expected http, load_balance or failover");
	if (urls > 1 && !str_eq(type, "http"))
		warn(r, "NotSupported", inside(r, p, "urls"),
			"%zu URLs: %s is not supported yet, only the first is used", urls,
			type ? type : "load_balance");
	return true;
}

static const struct model_endpoint *endpoint_of_object(
	struct reader *r, struct model *m, struct place p)
{
	const struct model_endpoint *first = NULL;
	struct place urls = inside(r, p, "urls");
	size_t i = 0;

	check_members(r, p);
	if (!json_is_array(urls.at) || json_len(urls.at) == 0) {
		refuse(r, "InvalidEndpoint", urls, "expected a list of URLs");
		return NULL;
	}
	if (!check_type(r, p, json_len(urls.at)))
		return NULL;
	json_foreach (v, urls.at) {
		struct place at = element(r, urls, i, v);
		const struct model_endpoint *e = NULL;

		if (json_is_str(v))
			e = endpoint_of_text(r, m, at, json_str(v));
		else
			refuse(r, "InvalidEndpoint", at, "expected a URL");
		if (i++ == 0)
			first = e;
	}
	return first;
}

/* The value of "- name: value" in the root's x-wso2-endpoints. */
static struct place named(struct reader *r, const char *name)
{
	struct place root = { .path = "", .at = r->root };
	struct place list = inside(r, root, "x-wso2-endpoints");
	size_t i = 0;

	json_foreach (v, list.at) {
		struct place entry = element(r, list, i++, v);

		if (json_is_object(v) && json_get(v, name))
			return inside(r, entry, name);
	}
	return (struct place){ .path = "" };
}

static const struct model_endpoint *endpoint_of_value(
	struct reader *r, struct model *m, struct place p)
{
	struct place target = p;

	if (json_is_str(p.at) && str_starts(json_str(p.at), reference)) {
		const char *name = json_str(p.at) + sizeof(reference) - 1;

		target = named(r, name);
		if (!target.at) {
			refuse(r, "EndpointNotFound", p,
				"\"%.100s\" refers to an entry that x-wso2-endpoints does not have",
				json_str(p.at));
			return NULL;
		}
	}
	if (json_is_str(target.at))
		return endpoint_of_text(r, m, target, json_str(target.at));
	if (json_is_object(target.at))
		return endpoint_of_object(r, m, target);
	refuse(r, "InvalidEndpoint", target,
		"%s, expected an object with \"urls\" or the name of a TargetEndpoint",
		json_type_name(target.at));
	return NULL;
}

const struct model_endpoint *endpoint_of_extension(
	struct reader *r, struct model *m, struct place p, const char *key)
{
	if (!json_get(p.at, key))
		return NULL;
	return endpoint_of_value(r, m, inside(r, p, key));
}

const struct model_endpoint *endpoint_of_servers(struct reader *r, struct model *m, struct place p)
{
	struct place servers = inside(r, p, r->swagger2 ? "host" : "servers");
	const char *url = server_url(r, p);

	if (!url || !strstr(url, "://"))
		return NULL;
	if (!r->swagger2 && json_len(servers.at) > 1)
		warn(r, "NotSupported", servers,
			"%zu servers: load_balance is not supported yet, only the first is used",
			json_len(servers.at));
	return endpoint_of_text(r, m, servers, url);
}

void read_named_endpoints(struct reader *r, struct model *m, struct place root)
{
	struct place list = inside(r, root, "x-wso2-endpoints");
	size_t i = 0;

	if (!list.at)
		return;
	if (!json_is_array(list.at)) {
		refuse(r, "InvalidEndpoint", list, "%s, expected a list: \"- name: {urls: […]}\"",
			json_type_name(list.at));
		return;
	}
	json_foreach (v, list.at) {
		struct place entry = element(r, list, i++, v);

		if (!json_is_object(v) || json_len(v) != 1)
			refuse(r, "InvalidEndpoint", entry, "expected one name and its endpoint");
		else
			(void)endpoint_of_value(r, m, member(r, entry, json_first(v)));
	}
}
