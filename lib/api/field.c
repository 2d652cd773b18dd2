#include "lib/api/field.h"

#include "lib/api/finding.h"
#include "lib/api/name.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

struct reader {
	struct findings *findings;
	const char *path; /* of the member in hand */
	const struct json *object;
	const struct field *field;
	void *target;
};

char *field_path(const struct findings *f, const char *path, const char *key)
{
	return arena_printf(f->arena, "%s.%s", path, key);
}

bool field_given(const struct json *object, const char *key)
{
	const struct json *v = json_get(object, key);

	return v && !json_is_null(v) && !str_eq(json_str(v), "");
}

static void wrong_type(const struct reader *r, const struct json *v, const char *expected)
{
	finding_add(r->findings, FINDING_INVALID_FIELD, r->path, "is a %s, expected %s",
		json_type_name(v), expected);
}

static bool name_is_good(const struct reader *r, const char *path, const char *text)
{
	if (!(r->field->flags & FIELD_NAME) || name_is_subdomain(text))
		return true;
	finding_add(r->findings, FINDING_INVALID_FIELD, path,
		"\"%.64s\" is not a name that an object can have, expected lower-case letters, digits, \"-\" and \".\"",
		text);
	return false;
}

static void read_string(const struct reader *r, const struct json *v)
{
	const char *text = json_str(v);

	if (!text)
		wrong_type(r, v, "a string");
	else if (name_is_good(r, r->path, text))
		*(const char **)r->target = text;
}

static void read_item(const struct reader *r, const struct json *item, size_t i, struct vec *ret)
{
	const char *path = arena_printf(r->findings->arena, "%s[%zu]", r->path, i);
	const char *text = json_str(item);

	if (str_empty(text)) {
		finding_add(r->findings, FINDING_INVALID_FIELD, path,
			"is %s, expected a string that is not empty",
			text ? "empty" : json_type_name(item));
		return;
	}
	if (name_is_good(r, path, text))
		vec_add(r->findings->arena, ret, arena_dup(r->findings->arena, text));
}

static void read_strings(const struct reader *r, const struct json *v)
{
	size_t i = 0;

	if (!json_is_array(v)) {
		wrong_type(r, v, "a list of strings");
		return;
	}
	json_foreach (item, v) {
		if (i == FIELD_MAX_ITEMS) {
			finding_add(r->findings, FINDING_INVALID_FIELD, r->path,
				"has more than %d entries", FIELD_MAX_ITEMS);
			return;
		}
		read_item(r, item, i++, r->target);
	}
}

static void read_int(const struct reader *r, const struct json *v)
{
	int64_t n;

	if (!json_int(v, &n)) {
		wrong_type(r, v, "an integer");
		return;
	}
	if (n < r->field->min || n > r->field->max) {
		finding_add(r->findings, FINDING_INVALID_FIELD, r->path,
			"is %lld, expected %lld to %lld", (long long)n, (long long)r->field->min,
			(long long)r->field->max);
		return;
	}
	*(int64_t *)r->target = n;
}

static void read_bool(const struct reader *r, const struct json *v)
{
	if (!json_is_bool(v))
		wrong_type(r, v, "true or false");
	else
		*(bool *)r->target = json_get_bool(r->object, r->field->key, false);
}

static void read_value(const struct reader *r, const struct json *v)
{
	switch (r->field->type) {
	case FIELD_STRING:
		read_string(r, v);
		return;
	case FIELD_STRINGS:
		read_strings(r, v);
		return;
	case FIELD_INT:
		read_int(r, v);
		return;
	case FIELD_BOOL:
		read_bool(r, v);
		return;
	}
}

void fields_read(struct findings *f, const char *path, const struct json *object,
	const struct field *fields, size_t n, void *ret)
{
	for (size_t i = 0; i < n; i++) {
		struct reader r = { .findings = f,
			.path = field_path(f, path, fields[i].key),
			.object = object,
			.field = &fields[i],
			.target = (char *)ret + fields[i].offset };

		if (field_given(object, fields[i].key))
			read_value(&r, json_get(object, fields[i].key));
		else if (fields[i].flags & FIELD_REQUIRED)
			finding_add(f, FINDING_INVALID_FIELD, r.path, "is missing");
	}
}
