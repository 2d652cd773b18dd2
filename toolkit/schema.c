#include "toolkit/schema.h"

#include "gateway/schema/schema.h"
#include "lib/base/arena.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

enum {
	MAX_DEFINITIONS = 1000, /* of one schema */
};

struct lowering {
	struct reader *r;
	bool is_request;
	bool is_31;
	bool failed;
	struct json *definitions;
	struct vec pending; /* const char *: references whose targets are not there yet */
	size_t n;
};

static struct json *lower(struct lowering *l, struct place p);

/* ---- references ---- */

/* "#/components/schemas/Pet" → "components:schemas:Pet". Other spellings get a name that says
 * nothing; none can be another's. */
static const char *definition_name(struct arena *a, const char *ref)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/";
	char *name;

	ref += strlen("#/");
	if (strspn(ref, plain) != strlen(ref))
		return arena_printf(a, ":%s", sha256_hex(a, ref, strlen(ref)));
	name = arena_dup(a, ref);
	for (char *c = name; *c; c++)
		if (*c == '/')
			*c = ':';
	return name;
}

static struct json *reference(struct lowering *l, struct place p, const char *ref)
{
	struct arena *a = l->r->a;
	struct json *o = json_object(a);
	const char *name;

	if (!str_starts(ref, "#/") || !reference_followed(a, l->r->root, p.at)) {
		l->failed = true;
		refuse(l->r, "InvalidSchema", inside(l->r, p, "$ref"),
			"\"%.100s\" does not lead to a schema of this document", ref);
		return o;
	}
	name = definition_name(a, ref);
	json_set_str(a, o, "$ref", arena_printf(a, "#/definitions/%s", name));
	if (json_get(l->definitions, name))
		return o;
	json_set(a, l->definitions, name, json_object(a)); /* until its turn comes */
	vec_add(a, &l->pending, (void *)(uintptr_t)ref);
	if (++l->n > MAX_DEFINITIONS && !l->failed) {
		l->failed = true;
		refuse(l->r, "LimitExceeded", p, "the schema refers to more than %d others",
			MAX_DEFINITIONS);
	}
	return o;
}

/* ---- keywords ---- */

enum treatment {
	COPIED,
	ONE,  /* a schema, or a boolean */
	LIST, /* of schemas */
	MAP,  /* of schemas by name */
	REFUSED,
};

static const struct keyword {
	const char *name;
	enum treatment treatment;
	const char *target; /* NULL: the same name */
	const char *remedy; /* of REFUSED */
} keywords[] = {
	{ "$dynamicRef", REFUSED, NULL, "write $ref" },
	{ "$id", REFUSED, NULL, "remove it: references are relative to the document" },
	{ "$recursiveRef", REFUSED, NULL, "write $ref" },
	{ "additionalProperties", ONE, NULL, NULL },
	{ "allOf", LIST, NULL, NULL },
	{ "anyOf", LIST, NULL, NULL },
	{ "const", COPIED, NULL, NULL },
	{ "contains", ONE, NULL, NULL },
	{ "dependentRequired", COPIED, "dependencies", NULL },
	{ "dependentSchemas", MAP, "dependencies", NULL },
	{ "else", ONE, NULL, NULL },
	{ "enum", COPIED, NULL, NULL },
	{ "if", ONE, NULL, NULL },
	{ "items", ONE, NULL, NULL },
	{ "maxContains", REFUSED, NULL, "describe the list with items and maxItems" },
	{ "maxItems", COPIED, NULL, NULL },
	{ "maxLength", COPIED, NULL, NULL },
	{ "maxProperties", COPIED, NULL, NULL },
	{ "minContains", REFUSED, NULL, "describe the list with contains alone" },
	{ "minItems", COPIED, NULL, NULL },
	{ "minLength", COPIED, NULL, NULL },
	{ "minProperties", COPIED, NULL, NULL },
	{ "multipleOf", COPIED, NULL, NULL },
	{ "not", ONE, NULL, NULL },
	{ "oneOf", LIST, NULL, NULL },
	{ "pattern", COPIED, NULL, NULL },
	{ "patternProperties", REFUSED, NULL, "write propertyNames and additionalProperties" },
	{ "prefixItems", LIST, "items", NULL },
	{ "properties", MAP, NULL, NULL },
	{ "propertyNames", ONE, NULL, NULL },
	{ "then", ONE, NULL, NULL },
	{ "unevaluatedItems", REFUSED, NULL, "write items" },
	{ "unevaluatedProperties", REFUSED, NULL, "write additionalProperties" },
	{ "uniqueItems", COPIED, NULL, NULL },
};

static struct json *lower_list(struct lowering *l, struct place p)
{
	struct json *list = json_array(l->r->a);
	size_t i = 0;

	json_foreach (v, p.at) {
		json_add(list, lower(l, element(l->r, p, i, v)));
		i++;
	}
	return list;
}

static struct json *lower_map(struct lowering *l, struct place p)
{
	struct json *map = json_object(l->r->a);

	json_foreach (v, p.at)
		json_append(l->r->a, map, json_key(v), lower(l, member(l->r, p, v)));
	return map;
}

static bool is_formed(const struct json *v, enum treatment t)
{
	return t == LIST  ? json_is_array(v)
	       : t == MAP ? json_is_object(v)
	       : t == ONE ? json_is_object(v) || json_is_bool(v)
			  : true;
}

static void add_to_all(struct lowering *l, struct json *o, const struct json *more)
{
	struct arena *a = l->r->a;
	struct json *all = json_array(a);

	json_foreach (v, json_get(o, "allOf"))
		json_add(all, json_dup(a, v));
	json_add(all, json_dup(a, more));
	json_set(a, o, "allOf", all);
}

static void lower_keyword(
	struct lowering *l, struct place p, const struct keyword *k, struct json *o)
{
	struct arena *a = l->r->a;
	const char *target = k->target ? k->target : k->name;
	struct json *lowered;
	struct json *more;

	if (k->treatment == REFUSED || !is_formed(p.at, k->treatment)) {
		l->failed = true;
		refuse(l->r, "InvalidSchema", p, "%s",
			k->treatment == REFUSED
				? arena_printf(a, "cannot be enforced; %s", k->remedy)
				: arena_printf(a, "%s, expected %s", json_type_name(p.at),
					  k->treatment == LIST ? "a list of schemas" : "a schema"));
		return;
	}
	lowered = k->treatment == COPIED ? json_dup(a, p.at)
		  : k->treatment == ONE	 ? lower(l, p)
		  : k->treatment == LIST ? lower_list(l, p)
					 : lower_map(l, p);
	if (!json_get(o, target)) {
		json_set(a, o, target, lowered);
		return;
	}
	more = json_object(a); /* two keywords of 2020-12 were one */
	json_set(a, more, target, lowered);
	add_to_all(l, o, more);
}

/* ---- what the versions say in their own way ---- */

/* 3.0: a boolean beside the bound; draft 7: the bound itself. */
static void lower_bound(struct lowering *l, const struct json *v, const char *bound,
	const char *exclusive, struct json *o)
{
	struct arena *a = l->r->a;
	const struct json *limit = json_get(v, bound);
	const struct json *beyond = json_get(v, exclusive);

	if (json_is_bool(beyond)) {
		if (limit)
			json_set(a, o, json_get_bool(v, exclusive, false) ? exclusive : bound,
				json_dup(a, limit));
		return;
	}
	if (limit)
		json_set(a, o, bound, json_dup(a, limit));
	if (beyond)
		json_set(a, o, exclusive, json_dup(a, beyond));
}

static bool is_of_the_other_direction(const struct lowering *l, const struct json *property)
{
	const struct json *p = reference_followed(l->r->a, l->r->root, property);

	return json_get_bool(p, l->is_request ? "readOnly" : "writeOnly", false);
}

static void lower_required(struct lowering *l, const struct json *v, struct json *o)
{
	struct arena *a = l->r->a;
	const struct json *required = json_get(v, "required");
	struct json *list = json_array(a);

	if (!json_is_array(required))
		return; /* of a parameter, or of a time before draft 4 */
	json_foreach (name, required)
		if (!json_str(name) || !is_of_the_other_direction(l,
					       json_get(json_get(v, "properties"), json_str(name))))
			json_add(list, json_dup(a, name));
	json_set(a, o, "required", list);
}

/* Formats that are exact; others describe. */
static const struct {
	const char *name;
	const char *pattern;
} formats[] = {
	{ "date", "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$" },
	{ "date-time",
		"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt ]([01][0-9]|2[0-3]):[0-5][0-9]:"
		"([0-5][0-9]|60)([.][0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$" },
	{ "uuid", "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$" },
};

static struct json *format_schema(struct arena *a, const struct json *v)
{
	const char *format = json_get_str(v, "format");
	struct json *o = json_object(a);

	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (str_eq(format, formats[i].name)) {
			json_set_str(a, o, "pattern", formats[i].pattern);
			return o;
		}
	if (!str_eq(format, "int32"))
		return NULL;
	json_set_int(a, o, "minimum", INT32_MIN);
	json_set_int(a, o, "maximum", INT32_MAX);
	return o;
}

/* 3.0: what may be null as well. */
static struct json *or_null(struct lowering *l, struct json *o)
{
	struct arena *a = l->r->a;
	const char *type = json_get_str(o, "type");
	struct json *either = json_array(a);
	struct json *ret = json_object(a);

	if (type && !json_get(o, "enum") && !json_get(o, "allOf") && !json_get(o, "anyOf") &&
		!json_get(o, "oneOf") && !json_get(o, "not")) {
		json_add_str(a, either, type);
		json_add_str(a, either, "null");
		json_set(a, o, "type", either);
		return o;
	}
	json_add(either, json_format(a, "{'type':'null'}"));
	json_add(either, o);
	json_set(a, ret, "anyOf", either);
	return ret;
}

static void lower_type(struct lowering *l, const struct json *v, struct json *o)
{
	if (json_get(v, "type"))
		json_set(l->r->a, o, "type", json_dup(l->r->a, json_get(v, "type")));
}

/* `items` beside `prefixItems` is about the rest. */
static void lower_items(struct lowering *l, struct place p, struct json *o)
{
	if (!l->is_31 || !json_get(p.at, "prefixItems"))
		return;
	json_remove(o, "additionalItems");
	if (json_get(p.at, "items"))
		json_set(l->r->a, o, "additionalItems", lower(l, inside(l->r, p, "items")));
}

static const struct keyword *keyword_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(keywords); i++)
		if (str_eq(keywords[i].name, name))
			return &keywords[i];
	return NULL;
}

static void lower_members(struct lowering *l, struct place p, struct json *o)
{
	bool has_prefix = json_get(p.at, "prefixItems") != NULL;

	json_foreach (v, p.at) {
		const struct keyword *k = keyword_named(json_key(v));

		if (k && !(has_prefix && str_eq(k->name, "items")))
			lower_keyword(l, member(l->r, p, v), k, o);
	}
	lower_type(l, p.at, o);
	lower_bound(l, p.at, "maximum", "exclusiveMaximum", o);
	lower_bound(l, p.at, "minimum", "exclusiveMinimum", o);
	lower_required(l, p.at, o);
	lower_items(l, p, o);
}

static struct json *lower(struct lowering *l, struct place p)
{
	struct arena *a = l->r->a;
	const char *ref = json_get_str(p.at, "$ref");
	struct json *o = json_object(a);
	struct json *format;

	if (json_is_bool(p.at))
		return json_dup(a, p.at);
	if (!json_is_object(p.at)) {
		l->failed = true;
		refuse(l->r, "InvalidSchema", p, "%s, expected a schema", json_type_name(p.at));
		return o;
	}
	if (ref && !l->is_31)
		return reference(l, p, ref);
	lower_members(l, p, o);
	if (ref)
		add_to_all(l, o, reference(l, p, ref));
	format = format_schema(a, p.at);
	if (format)
		add_to_all(l, o, format);
	return json_get_bool(p.at, "nullable", false) ? or_null(l, o) : o;
}

/* ---- all ---- */

/* The place that a reference of this document leads to, for messages. */
static struct place place_of(struct lowering *l, const char *ref)
{
	struct arena *a = l->r->a;
	struct json *o = json_object(a);
	char *path = arena_dup(a, ref + strlen("#/"));

	for (char *c = path; *c; c++)
		if (*c == '/')
			*c = '.';
	json_set_str(a, o, "$ref", ref);
	return (struct place){
		.path = path, .at = reference_followed(a, l->r->root, o), .around = l->r->root
	};
}

static bool is_taken(struct lowering *l, struct place p, const char *text)
{
	char why[512];
	struct schema *s = schema_new(text, strlen(text), why, sizeof(why));

	if (!s)
		refuse(l->r, "InvalidSchema", p, "%s; correct the schema, or switch validation off",
			why);
	schema_free(s);
	return s != NULL;
}

const char *schema_text(struct reader *r, struct place p, bool is_request)
{
	struct lowering l = { .r = r, .is_request = is_request };
	const char *version = json_get_str(r->root, "openapi");
	struct json *root = json_object(r->a);
	struct json *all = json_array(r->a);
	const char *text;

	l.is_31 = version && str_starts(version, "3.1");
	l.definitions = json_object(r->a);
	json_add(all, lower(&l, p));
	for (size_t i = 0; i < l.pending.n && !l.failed; i++) {
		const char *ref = l.pending.at[i];

		json_set(r->a, l.definitions, definition_name(r->a, ref),
			lower(&l, place_of(&l, ref)));
	}
	if (l.failed)
		return NULL;
	json_set(r->a, root, "allOf", all);
	if (json_len(l.definitions) > 0)
		json_set(r->a, root, "definitions", l.definitions);
	text = json_canonical(r->a, root);
	return is_taken(&l, p, text) ? text : NULL;
}
