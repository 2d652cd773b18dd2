#include <ctype.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "toolkit/model.h"

enum {
	MAX_REF_ITEMS = 1000, /* paths that are references: each is read in full */
};

/* What operations inherit. */
struct root {
	struct place place;
	struct model_security *security;
	struct model_endpoint *production;
	struct model_endpoint *sandbox;
	size_t operations;
	size_t references;
};

char *path_decode(struct arena *a, const char *text)
{
	char *out = arena_alloc(a, strlen(text) + 1);
	size_t n = 0;

	for (; *text; text++) {
		char digits[3] = { 0 };

		if (*text != '%') {
			out[n++] = *text;
			continue;
		}
		if (!isxdigit((unsigned char)text[1]) || !isxdigit((unsigned char)text[2]))
			return NULL;
		memcpy(digits, text + 1, 2);
		out[n] = (char)strtoul(digits, NULL, 16);
		if (out[n] == '\0' || out[n] == '/')
			return NULL;
		n++;
		text += 2;
	}
	return out;
}

/* ---- operations ---- */

/* Operation before path item before root, an extension before servers. */
static void choose_endpoints(struct reader *r, struct model *m, struct place item,
	const struct root *root, struct model_operation *op)
{
	const char *owner = owner_name(r->a, m, op->id);

	op->production = endpoint_of_extension(r, m, op->place, KEY_PRODUCTION, owner);
	if (!op->production && json_get(op->place.at, "servers"))
		op->production = endpoint_of_servers(r, m, op->place, owner);
	if (!op->production && json_get(item.at, "servers"))
		op->production = endpoint_of_servers(r, m, item, owner);
	if (!op->production)
		op->production = root->production;
	op->sandbox = endpoint_of_extension(r, m, op->place, KEY_SANDBOX, owner);
	if (!op->sandbox)
		op->sandbox = root->sandbox;
}

static const char *id_of(struct reader *r, struct place p, const char *method, const char *template)
{
	const char *id = json_get_str(p.at, "operationId");

	if (!str_empty(id) && strlen(id) <= 256)
		return id;
	return arena_printf(r->a, "%s %s", method, template);
}

/* Parameters are the backend's business; a reference that leads nowhere is a slip all the same. */
static void check_parameters(struct reader *r, struct place p)
{
	struct place list = inside(r, p, "parameters");
	size_t i = 0;

	json_foreach (v, list.at) {
		const char *ref = json_get_str(v, "$ref");

		if (ref && str_starts(ref, "#") && !reference_followed(r->a, r->root, v))
			warn(r, "UnresolvedReference", element(r, list, i, v),
				"\"%.100s\" leads nowhere in this document", ref);
		i++;
	}
}

static void read_operation(struct reader *r, struct model *m, struct root *root, struct place item,
	struct place p, struct model_path *path, enum method method)
{
	struct model_operation *op = arena_alloc(r->a, sizeof(*op));

	if (!json_is_object(p.at)) {
		refuse(r, "InvalidDocument", p, "%s, expected an operation (an object)",
			json_type_name(p.at));
		return;
	}
	if (json_get(p.at, "$ref")) {
		refuse(r, "InvalidDocument", inside(r, p, "$ref"),
			"an operation cannot be a reference; refer to a path item from the path");
		return;
	}
	if (++root->operations > CONTRACT_MAX_OPERATIONS) {
		refuse(r, "LimitExceeded", root->place, "more than %d operations",
			CONTRACT_MAX_OPERATIONS);
		return;
	}
	op->place = p = settled(r, p);
	op->method = method;
	op->id = id_of(r, p, method_name(method), path->template);
	op->secured = is_secured(r, root->place, p);
	op->optional = op->secured && security_is_optional(r, root->place, p);
	op->security = security_of(r, p);
	if (!op->security)
		op->security = root->security;
	op->scopes = scopes_of(r, p, op->security);
	check_parameters(r, p);
	op->tier = tier_of(r, m, p);
	op->hooks = hooks_of(r, p);
	op->item = item;
	op->is_mocked = mock_is_asked(r, root->place, p);
	if (op->is_mocked)
		read_examples(r, op);
	else
		choose_endpoints(r, m, item, root, op);
	check_application_security(r, p);
	check_extensions(r, m, p, LEVEL_OPERATION);
	vec_add(r->a, &path->operations, op);
}

static int by_method(const void *x, const void *y)
{
	const struct model_operation *const *a = x;
	const struct model_operation *const *b = y;

	return (int)(*a)->method - (int)(*b)->method;
}

static const struct {
	const char *key;
	enum method method;
} methods[] = {
	{ "get", METHOD_GET },
	{ "head", METHOD_HEAD },
	{ "post", METHOD_POST },
	{ "put", METHOD_PUT },
	{ "delete", METHOD_DELETE },
	{ "patch", METHOD_PATCH },
	{ "options", METHOD_OPTIONS },
};

static enum method method_of(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (str_eq(methods[i].key, key))
			return methods[i].method;
	return METHOD_OTHER;
}

static void check_other(struct reader *r, struct place p)
{
	static const char *const known[] = { "summary", "description", "servers", "parameters",
		"$ref" };
	const char *key = json_key(p.at);

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (str_eq(known[i], key))
			return;
	if (str_eq(key, "trace"))
		warn(r, "NotSupported", p, "TRACE is never routed");
	else if (!str_starts(key, "x-"))
		warn(r, "UnknownField", p, "not the name of a method, has no effect");
}

/* ---- path items ---- */

/* What stands beside a reference would be lost without a word. */
static void check_beside(struct reader *r, struct place p)
{
	json_foreach (v, p.at) {
		const char *key = json_key(v);

		if (method_of(key) != METHOD_OTHER || str_starts(key, "x-") ||
			str_eq(key, "servers"))
			refuse(r, "InvalidDocument", member(r, p, v),
				"stands beside \"$ref\"; move it to where the reference leads");
	}
}

static bool follow(struct reader *r, struct root *root, struct place *p)
{
	const char *ref = json_get_str(p->at, "$ref");
	struct place place = inside(r, *p, "$ref");

	if (!ref)
		return true;
	if (++root->references > MAX_REF_ITEMS)
		return refuse(r, "LimitExceeded", root->place,
			"more than %d paths that are references", MAX_REF_ITEMS);
	check_beside(r, *p);
	p->around = p->at;
	p->at = reference_followed(r->a, r->root, p->at);
	if (p->at)
		return true;
	return refuse(r, "InvalidDocument", place,
		"\"%.100s\" does not lead to a path item of this document", ref);
}

static bool read_template(struct reader *r, struct place p, const char *key, const char **ret)
{
	char *template = path_decode(r->a, key);
	struct err err = { .msg = "a percent sequence that is broken or hides a slash" };
	size_t n = template ? strlen(template) : 0;

	/* A slash at the end is ignored when matching. */
	if (n > 1 && template[n - 1] == '/')
		template[n - 1] = '\0';
	if (!template || !contract_template_ok(template, &err))
		return refuse(r, "InvalidTemplate", p, "%s", err.msg);
	*ret = template;
	return true;
}

static void read_item(struct reader *r, struct model *m, struct root *root, struct place p)
{
	struct model_path *path = arena_alloc(r->a, sizeof(*path));
	struct place item;

	if (!read_template(r, p, json_key(p.at), &path->template))
		return;
	path->place = p = settled(r, p);
	if (!json_is_object(p.at)) {
		refuse(r, "InvalidDocument", p, "%s, expected a path item (an object)",
			json_type_name(p.at));
		return;
	}
	item = p;
	if (!follow(r, root, &item))
		return;
	json_foreach (v, item.at) {
		enum method method = method_of(json_key(v));

		if (method == METHOD_OTHER)
			check_other(r, member(r, item, v));
		else
			read_operation(r, m, root, item, member(r, item, v), path, method);
	}
	check_extensions(r, m, item, LEVEL_PATH);
	check_parameters(r, item);
	if (path->operations.n == 0)
		return;
	if (path->operations.n > 1)
		qsort(path->operations.at, path->operations.n, sizeof(void *), by_method);
	vec_add(r->a, &m->paths, path);
}

/* ---- all ---- */

struct shape {
	const char *text;
	const struct model_path *path;
};

static int by_shape(const void *x, const void *y)
{
	const struct shape *a = x;
	const struct shape *b = y;
	int order = strcmp(a->text, b->text);

	return order ? order : strcmp(a->path->place.path, b->path->place.path);
}

static void check_duplicates(struct reader *r, const struct model *m)
{
	struct shape *shapes = arena_alloc(r->a, (m->paths.n + 1) * sizeof(*shapes));
	size_t n = 0;

	vec_foreach (const struct model_path *, p, &m->paths)
		shapes[n++] = (struct shape){ contract_template_shape(r->a, p->template), p };
	if (n > 1)
		qsort(shapes, n, sizeof(*shapes), by_shape);
	for (size_t i = 1; i < n; i++)
		if (str_eq(shapes[i - 1].text, shapes[i].text))
			refuse(r, "DuplicatePath", shapes[i].path->place,
				"matches the same requests as \"%.200s\"; put the operations under one path",
				shapes[i - 1].path->template);
}

struct named {
	struct model_operation *op;
	const struct model_path *path;
};

static int by_id(const void *x, const void *y)
{
	const struct named *a = x;
	const struct named *b = y;
	int order = strcmp(a->op->id, b->op->id);

	return order ? order : strcmp(a->op->place.path, b->op->place.path);
}

static struct named *sorted_by_id(struct reader *r, const struct model *m, size_t *ret_n)
{
	struct named *all;
	size_t n = 0;

	vec_foreach (const struct model_path *, p, &m->paths)
		n += p->operations.n;
	all = arena_alloc(r->a, (n + 1) * sizeof(*all));
	n = 0;
	vec_foreach (const struct model_path *, p, &m->paths)
		vec_foreach (struct model_operation *, op, &p->operations)
			all[n++] = (struct named){ op, p };
	if (n > 1)
		qsort(all, n, sizeof(*all), by_id);
	*ret_n = n;
	return all;
}

/* Operations are told apart by their ids in metrics and logs. What stands in for an id could be
 * another's id as well: then nothing helps. */
static void make_ids_unique(struct reader *r, const struct model *m)
{
	size_t n;
	struct named *all = sorted_by_id(r, m, &n);

	for (size_t i = n; i-- > 1;) {
		struct model_operation *op = all[i].op;

		if (!str_eq(all[i - 1].op->id, op->id))
			continue;
		warn(r, "DuplicateOperationId", inside(r, op->place, "operationId"),
			"\"%.100s\" is another operation's, too; here it is left out", op->id);
		op->id =
			arena_printf(r->a, "%s %s", method_name(op->method), all[i].path->template);
	}
	all = sorted_by_id(r, m, &n);
	for (size_t i = 1; i < n; i++)
		if (str_eq(all[i - 1].op->id, all[i].op->id))
			refuse(r, "InvalidDocument", inside(r, all[i].op->place, "operationId"),
				"\"%.100s\" is used twice", all[i].op->id);
}

static int by_template(const void *x, const void *y)
{
	const struct model_path *const *a = x;
	const struct model_path *const *b = y;

	return strcmp((*a)->template, (*b)->template);
}

static bool has_paths(struct reader *r, struct place paths)
{
	if (!json_is_object(paths.at))
		return refuse(r, "NoPaths", paths, "%s, expected an object with at least one path",
			paths.at ? json_type_name(paths.at) : "missing");
	json_foreach (v, paths.at)
		if (!str_starts(json_key(v), "x-"))
			return true;
	return refuse(r, "NoPaths", paths, "empty, expected at least one path");
}

void read_paths(struct reader *r, struct model *m, struct place root)
{
	struct place paths = inside(r, root, "paths");
	struct root inherited = { .place = root };
	const char *owner = owner_name(r->a, m, NULL);
	size_t errors = r->diagnostics->errors;

	inherited.security = security_of(r, root);
	inherited.production = endpoint_of_extension(r, m, root, KEY_PRODUCTION, owner);
	if (!inherited.production && !json_get(root.at, "x-wso2-production-endpoints"))
		inherited.production = endpoint_of_servers(r, m, root, owner);
	inherited.sandbox = endpoint_of_extension(r, m, root, KEY_SANDBOX, owner);
	if (!has_paths(r, paths))
		return;
	json_foreach (v, paths.at)
		if (!str_starts(json_key(v), "x-"))
			read_item(r, m, &inherited, member(r, paths, v));
	if (m->paths.n == 0 && r->diagnostics->errors == errors)
		refuse(r, "NoPaths", paths, "no path has an operation");
	if (m->paths.n > 1)
		qsort(m->paths.at, m->paths.n, sizeof(void *), by_template);
	check_duplicates(r, m);
	if (r->diagnostics->errors == errors)
		make_ids_unique(r, m);
}
