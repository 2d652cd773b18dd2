#include <ctype.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/yaml/yaml.h"
#include "toolkit/model.h"

/* ---- the text ---- */

/* The parser's message begins with the line, which a diagnostic has a place of its own for. */
static void tell_syntax(struct reader *r, const char *message)
{
	size_t before = r->diagnostics->list.n;
	size_t line = 0;
	char *end;

	if (str_starts(message, "line ")) {
		line = strtoul(message + strlen("line "), &end, 10);
		message = str_starts(end, ", ") ? end + 2 : end;
	}
	refuse(r, "NotYaml", (struct place){ .path = "" }, "%s", message);
	if (r->diagnostics->list.n > before) {
		struct toolkit_diagnostic *told = r->diagnostics->list.at[before];

		told->line = line;
	}
}

static struct json *parse(struct reader *r, const struct toolkit_document *d)
{
	struct yaml_lines *lines = NULL;
	struct json *root;
	struct err err;

	if (d->n > TOOLKIT_MAX_DOCUMENT_BYTES) {
		refuse(r, "LimitExceeded", (struct place){ .path = "" },
			"the document has %zu bytes, the limit is %d", d->n,
			TOOLKIT_MAX_DOCUMENT_BYTES);
		return NULL;
	}
	root = yaml_parse(r->a, d->text, d->n, &lines, &err);
	r->lines = lines;
	if (!root)
		tell_syntax(r, err.msg);
	return root;
}

/* ---- which OpenAPI ---- */

static bool read_kind(struct reader *r, struct place root)
{
	struct place openapi = inside(r, root, "openapi");
	struct place swagger = inside(r, root, "swagger");
	const char *version = text_of(r, openapi.at ? openapi.at : swagger.at);

	if (openapi.at && swagger.at)
		return refuse(r, "UnsupportedVersion", openapi,
			"both \"openapi\" and \"swagger\" stand in the document, expected one");
	if (!openapi.at && !swagger.at)
		return refuse(r, "UnsupportedVersion", root,
			"neither \"openapi: 3.x\" nor \"swagger: '2.0'\" stands in the document; is it an "
			"OpenAPI document?");
	r->swagger2 = swagger.at != NULL;
	if (!version)
		version = "(no text)";
	if (r->swagger2 ? str_eq(version, "2.0") || str_eq(version, "2")
			: str_starts(version, "3.0") || str_starts(version, "3.1"))
		return true;
	return refuse(r, "UnsupportedVersion", r->swagger2 ? swagger : openapi,
		"version \"%.40s\" is not supported, expected OpenAPI 3.0 or 3.1 or Swagger 2.0",
		version);
}

static const char *read_info(struct reader *r, struct place info, const char *key)
{
	struct place p = inside(r, info, key);
	const char *text = text_of(r, p.at);

	if (!str_empty(text) && strlen(text) <= CONTRACT_MAX_TEXT)
		return text;
	refuse(r, "InvalidDocument", p, "%s, expected a text",
		!text	? json_type_name(p.at)
		: *text ? "too long"
			: "empty");
	return "";
}

/* ---- base path ---- */

/* "https://host:1/a/b" → "/a/b". */
static const char *path_of_url(struct arena *a, const char *url)
{
	const char *authority = strstr(url, "://");
	const char *path = authority ? strchr(authority + 3, '/') : url;

	if (str_starts(url, "//"))
		path = strchr(url + 2, '/');
	if (!path)
		return "/";
	return *path == '/' ? path : arena_printf(a, "/%s", path);
}

static const char *with_version(struct arena *a, const char *text, const char *version)
{
	static const char mark[] = "{version}";
	const char *from = text;
	const char *at;
	struct str s;

	str_init(&s, a, (size_t)2 * CONTRACT_MAX_TEXT);
	while ((at = strstr(from, mark))) {
		str_addn(&s, from, (size_t)(at - from));
		str_add(&s, version);
		from = at + sizeof(mark) - 1;
	}
	str_add(&s, from);
	return s.ptr;
}

/* Where the base path comes from, and its text; NULL: wrong, and told. */
static const char *find_base_path(
	struct reader *r, struct model *m, struct place root, struct place *ret)
{
	const char *url;

	*ret = inside(r, root, "x-wso2-basePath");
	if (ret->at) {
		const char *text = text_of(r, ret->at);

		if (str_empty(text)) {
			refuse(r, "InvalidBasePath", *ret,
				"not a text, expected a path as \"/store\"");
			return NULL;
		}
		text = with_version(r->a, text, m->version);
		return *text == '/' ? text : arena_printf(r->a, "/%s", text);
	}
	*ret = inside(r, root, r->swagger2 ? "basePath" : "servers");
	url = r->swagger2 ? text_of(r, ret->at) : server_url(r, root);
	if (url)
		return path_of_url(r->a, url);
	if (!r->swagger2 && json_len(ret->at) > 0)
		return NULL; /* told by server_url */
	*ret = root;
	warn(r, "BasePathMissing", root,
		"no x-wso2-basePath and no %s: the API is served below \"/\"",
		r->swagger2 ? "basePath" : "servers");
	return "/";
}

static const char *read_base_path(struct reader *r, struct model *m, struct place root)
{
	struct place p;
	const char *text = find_base_path(r, m, root, &p);
	char *path = text ? path_decode(r->a, text) : NULL;
	struct err err = { .msg = "a broken percent sequence" };
	size_t n;

	if (path) {
		n = strlen(path);
		while (n > 0 && path[n - 1] == '/')
			path[--n] = '\0';
		if (contract_base_path_ok(path, &err))
			return path;
	}
	if (text)
		refuse(r, "InvalidBasePath", p, "base path \"%.100s\": %s", text, err.msg);
	return NULL;
}

/* ---- header ---- */

static const char *read_auth_header(struct reader *r, struct place root)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
	struct place p = inside(r, root, "x-wso2-auth-header");
	char *name;

	if (!p.at)
		return NULL;
	if (!json_is_str(p.at) || str_empty(json_str(p.at)) || strlen(json_str(p.at)) > 128) {
		refuse(r, "InvalidDocument", p, "expected the name of a header");
		return NULL;
	}
	name = arena_dup(r->a, json_str(p.at));
	for (char *c = name; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (strspn(name, allowed) == strlen(name))
		return name;
	refuse(r, "InvalidDocument", p, "\"%.100s\" is not the name of a header", json_str(p.at));
	return NULL;
}

struct model *model_read(
	struct arena *a, const struct toolkit_document *d, struct toolkit_diagnostics *diagnostics)
{
	struct model *m = arena_alloc(a, sizeof(*m));
	struct reader *r = &m->reader;
	struct place root = { .path = "" };

	*r = (struct reader){ .a = a, .diagnostics = diagnostics, .document = d->name };
	root.at = r->root = parse(r, d);
	if (!root.at)
		return NULL;
	if (!json_is_object(root.at)) {
		refuse(r, "InvalidDocument", root, "%s, expected an OpenAPI document (an object)",
			json_type_name(root.at));
		return NULL;
	}
	if (!read_kind(r, root))
		return NULL;
	m->title = read_info(r, inside(r, root, "info"), "title");
	m->version = read_info(r, inside(r, root, "info"), "version");
	m->mode = json_get_str(root.at, "x-wso2-mode");
	m->base_path = read_base_path(r, m, root);
	m->auth_header = read_auth_header(r, root);
	m->tier = tier_of(r, NULL, root);
	m->hooks = hooks_of(r, root);
	m->transport = transport_of(r, root);
	m->cors = cors_of(r, root);
	m->cache_s = cache_of(r, root);
	check_extensions(r, m, root, LEVEL_ROOT);
	check_application_security(r, root);
	read_named_endpoints(r, m, root);
	read_paths(r, m, root);
	return m;
}
