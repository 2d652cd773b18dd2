#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/yaml/yaml.h"
#include "toolkit/model.h"

struct rewriting {
	struct arena *a;
	struct yaml_lines *lines;
	const struct toolkit_endpoint_ref *endpoints;
	size_t n;
};

/* A TargetEndpoint's name becomes its URL; everything else stays. */
static struct json *resolved_text(struct rewriting *w, const struct json *v)
{
	const char *text = json_str(v);

	if (!text || *text == '#' || strstr(text, "://"))
		return json_dup(w->a, v);
	for (size_t i = 0; i < w->n; i++)
		if (str_eq(w->endpoints[i].name, text))
			return json_string(w->a, w->endpoints[i].url);
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

static bool is_endpoint(const char *key)
{
	return str_eq(key, "x-wso2-production-endpoints") ||
	       str_eq(key, "x-wso2-sandbox-endpoints");
}

/* A copy with endpoints resolved wherever they stand: a `$ref` may lead anywhere. */
static struct json *rewritten(struct rewriting *w, const struct json *v)
{
	struct json *copy;

	if (!json_is_object(v) && !json_is_array(v))
		return json_dup(w->a, v);
	copy = json_is_object(v) ? json_object(w->a) : json_array(w->a);
	json_foreach (m, v) {
		if (json_is_array(v))
			json_add(copy, rewritten(w, m));
		else
			json_append(w->a, copy, json_key(m),
				is_endpoint(json_key(m)) ? resolved(w, m) : rewritten(w, m));
	}
	return copy;
}

/* `version: 1.10` was meant as a text and would end as 1.1. */
static struct json *with_texts(struct rewriting *w, const struct json *from, struct json *to)
{
	json_foreach (m, from)
		if (json_is_num(m) && yaml_written(w->lines, m))
			json_set_str(w->a, to, json_key(m), yaml_written(w->lines, m));
	return to;
}

char *toolkit_canonical(struct arena *a, const struct toolkit_document *d,
	const struct toolkit_endpoint_ref *endpoints, size_t n_endpoints)
{
	struct rewriting w = { .a = a, .endpoints = endpoints, .n = n_endpoints };
	struct json *root;
	struct json *copy;
	struct err ignored;

	if (d->n > TOOLKIT_MAX_DOCUMENT_BYTES)
		return NULL;
	root = yaml_parse(a, d->text, d->n, &w.lines, &ignored);
	if (!json_is_object(root))
		return NULL;
	copy = with_texts(&w, root, rewritten(&w, root));
	if (json_is_object(json_get(root, "info")))
		(void)with_texts(&w, json_get(root, "info"), json_sub(a, copy, "info"));
	if (json_is_array(json_get(root, "x-wso2-endpoints")))
		json_set(a, copy, "x-wso2-endpoints",
			resolved_list(&w, json_get(root, "x-wso2-endpoints")));
	return json_pretty(a, copy);
}
