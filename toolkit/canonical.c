#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/yaml/yaml.h"
#include "toolkit/model.h"

struct rewriting {
	struct arena *a;
	const struct yaml_lines *lines;
	const struct toolkit_endpoint_ref *endpoints;
	size_t n;
	bool failed;
};

/* A TargetEndpoint's name becomes its URL; references and URLs stay. */
static struct json *resolved_text(struct rewriting *w, const struct json *v)
{
	const char *text = json_str(v);

	if (!text || *text == '#' || strstr(text, "://"))
		return json_dup(w->a, v);
	for (size_t i = 0; i < w->n; i++)
		if (str_eq(w->endpoints[i].name, text))
			return json_string(w->a, w->endpoints[i].url);
	w->failed = true;
	return json_dup(w->a, v);
}

static struct json *resolved(struct rewriting *w, const struct json *v)
{
	struct json *o;

	if (!json_is_object(v))
		return resolved_text(w, v);
	o = json_object(w->a);
	json_foreach (m, v) {
		struct json *list = NULL;

		if (!str_eq(json_key(m), "urls") || !json_is_array(m)) {
			json_append(w->a, o, json_key(m), json_dup(w->a, m));
			continue;
		}
		list = json_array(w->a);
		json_foreach (url, m)
			json_add(list, resolved_text(w, url));
		json_append(w->a, o, "urls", list);
	}
	return o;
}

static struct json *resolved_list(struct rewriting *w, const struct json *v)
{
	struct json *list = json_array(w->a);

	json_foreach (entry, v) {
		struct json *o = json_object(w->a);

		json_foreach (m, entry)
			json_append(w->a, o, json_key(m), resolved(w, m));
		json_add(list, o);
	}
	return list;
}

typedef struct json *rewrite_fn(struct rewriting *w, const struct json *v);

/* A copy of an object in which `rewrite` makes the members; NULL from it: as it was. */
static struct json *each(struct rewriting *w, const struct json *v, rewrite_fn *rewrite)
{
	struct json *o;

	if (!json_is_object(v))
		return json_dup(w->a, v);
	o = json_object(w->a);
	json_foreach (m, v) {
		struct json *made = rewrite(w, m);

		json_append(w->a, o, json_key(m), made ? made : json_dup(w->a, m));
	}
	return o;
}

static bool is_endpoint(const char *key)
{
	return str_eq(key, "x-wso2-production-endpoints") ||
	       str_eq(key, "x-wso2-sandbox-endpoints");
}

static struct json *of_operation(struct rewriting *w, const struct json *m)
{
	return is_endpoint(json_key(m)) ? resolved(w, m) : NULL;
}

static struct json *of_item(struct rewriting *w, const struct json *m)
{
	return each(w, m, of_operation);
}

static struct json *of_paths(struct rewriting *w, const struct json *m)
{
	return each(w, m, of_item);
}

/* `version: 1.10` was meant as a text and would end as 1.1. */
static struct json *as_text(struct rewriting *w, const struct json *m)
{
	const char *written = yaml_written(w->lines, m);

	return written && json_is_num(m) ? json_string(w->a, written) : NULL;
}

static struct json *of_components(struct rewriting *w, const struct json *m)
{
	return str_eq(json_key(m), "pathItems") ? each(w, m, of_item) : NULL;
}

static struct json *of_root(struct rewriting *w, const struct json *m)
{
	const char *key = json_key(m);

	if (is_endpoint(key))
		return resolved(w, m);
	if (str_eq(key, "x-wso2-endpoints"))
		return resolved_list(w, m);
	if (str_eq(key, "paths"))
		return each(w, m, of_paths);
	if (str_eq(key, "components"))
		return each(w, m, of_components);
	if (str_eq(key, "info"))
		return each(w, m, as_text);
	return as_text(w, m);
}

char *toolkit_canonical(struct arena *a, const struct toolkit_document *d,
	const struct toolkit_endpoint_ref *endpoints, size_t n_endpoints)
{
	struct rewriting w = { .a = a, .endpoints = endpoints, .n = n_endpoints };
	struct yaml_lines *lines = NULL;
	struct json *root;
	struct err ignored;

	if (d->n > TOOLKIT_MAX_DOCUMENT_BYTES)
		return NULL;
	root = yaml_parse(a, d->text, d->n, &lines, &ignored);
	if (!json_is_object(root))
		return NULL;
	w.lines = lines;
	root = each(&w, root, of_root);
	return w.failed ? NULL : json_pretty(a, root);
}
