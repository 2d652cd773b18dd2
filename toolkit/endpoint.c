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

static struct place server_at(struct reader *r, struct place servers, size_t i)
{
	return element(r, servers, i, json_at(servers.at, i));
}

const char *server_url(struct reader *r, struct place p)
{
	struct place servers = inside(r, p, "servers");
	struct place first;

	if (r->swagger2)
		return p.at == r->root ? swagger_url(r, p) : NULL;
	if (!servers.at || (json_is_array(servers.at) && json_len(servers.at) == 0))
		return NULL;
	first = server_at(r, servers, 0);
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

static struct model_target *keep(struct reader *r, struct model *m, struct model_target t)
{
	struct model_target *kept = arena_alloc(r->a, sizeof(*kept));

	*kept = t;
	vec_add(r->a, &m->targets, kept);
	return kept;
}

static struct model_endpoint *endpoint_new(struct reader *r, struct model *m, struct place p)
{
	struct model_endpoint *e = arena_alloc(r->a, sizeof(*e));

	e->place = p;
	vec_add(r->a, &m->endpoints, e);
	return e;
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

static struct model_target *target_of_text(
	struct reader *r, struct model *m, struct place p, const char *text)
{
	struct model_target t = { .place = p };
	struct contract_target parsed;
	struct err err;

	text = without_etcd(r, p, text);
	if (strstr(text, "://")) {
		t.url = text;
		if (contract_target_parse(r->a, text, &parsed, &err))
			return keep(r, m, t);
		refuse(r, "InvalidEndpoint", p, "%s", err.msg);
		return NULL;
	}
	t.name = text;
	if (is_object_name(text))
		return keep(r, m, t);
	refuse(r, "InvalidEndpoint", p,
		"\"%.100s\" is neither a URL (http://…, https://…) nor the name of a TargetEndpoint",
		text);
	return NULL;
}

static struct model_endpoint *endpoint_of_text(
	struct reader *r, struct model *m, struct place p, const char *text)
{
	struct model_target *t = target_of_text(r, m, p, text);
	struct model_endpoint *e;

	if (!t)
		return NULL;
	e = endpoint_new(r, m, p);
	vec_add(r->a, &e->targets, t);
	return e;
}

static void check_members(struct reader *r, struct place p)
{
	static const char *const known[] = { "urls", "type", "securityConfig",
		"advanceEndpointConfig", "name" };

	json_foreach (v, p.at) {
		bool found = false;

		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			found = found || str_eq(json_key(v), known[i]);
		if (!found)
			warn(r, "UnknownField", member(r, p, v), "unknown field, has no effect");
	}
}

/* How many of the URLs count. */
static size_t read_type(struct reader *r, struct place p, size_t urls, bool *ret_failover)
{
	struct place at = inside(r, p, "type");
	const char *type = json_str(at.at);

	*ret_failover = urls > 1 && str_eq(type, "failover");
	if (at.at && !str_eq(type, "http") && !str_eq(type, "load_balance") &&
		!str_eq(type, "failover"))
		refuse(r, "InvalidEndpoint", at, "expected http, load_balance or failover");
	if (urls < 2 || !str_eq(type, "http"))
		return urls;
	warn(r, "UrlsIgnored", inside(r, p, "urls"),
		"%zu URLs: type http uses the first; write load_balance or failover to use all",
		urls);
	return 1;
}

/* Every target is read, so that all that is wrong is told; those that count are kept. */
static void read_urls(
	struct reader *r, struct model *m, struct place urls, size_t n, struct model_endpoint *e)
{
	size_t i = 0;

	json_foreach (v, urls.at) {
		struct place at = element(r, urls, i, v);
		struct model_target *t = NULL;

		if (json_is_str(v))
			t = target_of_text(r, m, at, json_str(v));
		else
			refuse(r, "InvalidEndpoint", at, "expected a URL");
		if (t && i < n)
			vec_add(r->a, &e->targets, t);
		i++;
	}
}

static struct model_endpoint *endpoint_of_object(struct reader *r, struct model *m, struct place p)
{
	struct place urls = inside(r, p, "urls");
	size_t n = json_is_array(urls.at) ? json_len(urls.at) : 0;
	struct model_endpoint *e;

	check_members(r, p);
	if (n == 0 || n > CONTRACT_MAX_TARGETS) {
		refuse(r, "InvalidEndpoint", urls, "expected a list of 1 to %d URLs",
			CONTRACT_MAX_TARGETS);
		return NULL;
	}
	e = endpoint_new(r, m, p);
	n = read_type(r, p, n, &e->contract.failover);
	read_urls(r, m, urls, n, e);
	read_login(r, p, &e->contract);
	read_resilience(r, p, &e->contract);
	return e->targets.n > 0 ? e : NULL;
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

static struct model_endpoint *endpoint_of_value(struct reader *r, struct model *m, struct place p)
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

/* ---- names ---- */

/* What may stand in the name of an environment variable; kept: besides letters and digits. */
static char *plain(struct arena *a, const char *text, const char *kept)
{
	char *copy = arena_dup(a, text);

	for (char *c = copy; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr(kept, *c))
			*c = '_';
	return copy;
}

char *owner_name(struct arena *a, const struct model *m, const char *operation)
{
	const char *api = arena_printf(a, "%.100s_%.50s", m->title, m->version);

	if (isdigit((unsigned char)*api))
		api = arena_printf(a, "_%s", api);
	if (operation)
		api = arena_printf(a, "%s_%.200s", api, operation);
	return plain(a, api, "_");
}

static void set_name(
	struct reader *r, struct model_endpoint *e, enum key_type type, const char *owner)
{
	if (e)
		e->contract.name = arena_printf(
			r->a, "%s_%s", owner, type == KEY_PRODUCTION ? "prod" : "sand");
}

struct model_endpoint *endpoint_of_extension(
	struct reader *r, struct model *m, struct place p, enum key_type type, const char *owner)
{
	static const char *const keys[] = { "x-wso2-production-endpoints",
		"x-wso2-sandbox-endpoints" };
	const char *text = json_get_str(p.at, keys[type]);
	struct model_endpoint *e;

	if (!json_get(p.at, keys[type]))
		return NULL;
	e = endpoint_of_value(r, m, inside(r, p, keys[type]));
	if (text && str_starts(text, reference))
		owner = plain(r->a, text + sizeof(reference) - 1, "_-.");
	set_name(r, e, type, owner);
	return e;
}

/* Relative URLs among the further ones are no backends. */
static void add_servers(
	struct reader *r, struct model *m, struct place servers, struct model_endpoint *e)
{
	for (size_t i = 1; i < json_len(servers.at); i++) {
		struct place server = server_at(r, servers, i);
		const char *text = json_get_str(server.at, "url");
		const char *url = text ? filled(r, server, text) : NULL;
		struct model_target *t;

		if (!url || !strstr(url, "://"))
			continue;
		if (e->targets.n == CONTRACT_MAX_TARGETS) {
			refuse(r, "InvalidEndpoint", servers, "more than %d servers",
				CONTRACT_MAX_TARGETS);
			return;
		}
		t = target_of_text(r, m, inside(r, server, "url"), url);
		if (t)
			vec_add(r->a, &e->targets, t);
	}
}

struct model_endpoint *endpoint_of_servers(
	struct reader *r, struct model *m, struct place p, const char *owner)
{
	struct place servers = inside(r, p, r->swagger2 ? "host" : "servers");
	const char *url = server_url(r, p);
	struct model_endpoint *e;

	if (!url || !strstr(url, "://"))
		return NULL;
	e = endpoint_of_text(r, m, servers, url);
	if (e && !r->swagger2)
		add_servers(r, m, servers, e);
	set_name(r, e, KEY_PRODUCTION, owner);
	return e;
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
