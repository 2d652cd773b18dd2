#include "lib/api/object.h"

#include "lib/base/arena.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

bool ref_eq(struct ref x, struct ref y)
{
	return x.kind == y.kind && str_eq(x.ns, y.ns) && str_eq(x.name, y.name);
}

char *ref_text(struct arena *a, struct ref r)
{
	return arena_printf(a, "%s \"%s/%s\"", kind_info(r.kind)->kind, r.ns ? r.ns : "", r.name);
}

struct ref ref_of(const struct json *object)
{
	const struct json *meta = json_get(object, "metadata");

	return (struct ref){ kind_of_manifest(json_get_str(object, "apiVersion"),
				     json_get_str(object, "kind")),
		json_get_str(meta, "namespace"), json_get_str(meta, "name") };
}

bool object_exists(const struct object *o)
{
	return o && o->json;
}

const char *meta_uid(const struct json *object)
{
	return json_str(json_path(object, "metadata", "uid", NULL));
}

const char *meta_version(const struct json *object)
{
	return json_str(json_path(object, "metadata", "resourceVersion", NULL));
}

bool version_before(const char *x, const char *y)
{
	static const char digits[] = "0123456789";
	size_t n = strlen(x);
	size_t m = strlen(y);

	if (n == 0 || m == 0 || strspn(x, digits) != n || strspn(y, digits) != m)
		return false;
	return n != m ? n < m : strcmp(x, y) < 0;
}

int64_t meta_generation(const struct json *object)
{
	return json_get_int(json_get(object, "metadata"), "generation", 0);
}

bool meta_deleting(const struct json *object)
{
	return json_path(object, "metadata", "deletionTimestamp", NULL) != NULL;
}

const char *meta_label(const struct json *object, const char *key)
{
	return json_str(json_path(object, "metadata", "labels", key, NULL));
}

const char *meta_annotation(const struct json *object, const char *key)
{
	return json_str(json_path(object, "metadata", "annotations", key, NULL));
}

static bool is_secret(const struct json *object)
{
	return str_eq(json_get_str(object, "kind"), "Secret");
}

static const char *decoded(struct arena *a, const struct json *v, bool base64, size_t *ret_n)
{
	const char *text = json_str(v);

	if (!text)
		return NULL;
	if (base64)
		return base64_decode(a, text, strlen(text), ret_n);
	*ret_n = strlen(text);
	return text;
}

bool data_only_entry(struct arena *a, const struct json *object, const char **ret_key,
	const char **ret_bytes, size_t *ret_n, size_t *ret_count)
{
	const struct json *data = json_get(object, "data");
	const struct json *binary = json_get(object, "binaryData");
	const struct json *only = json_len(data) ? json_first(data) : json_first(binary);

	*ret_count = json_len(data) + json_len(binary);
	if (*ret_count != 1)
		return false;
	*ret_key = json_key(only);
	*ret_bytes = decoded(a, only, json_len(binary) == 1 || is_secret(object), ret_n);
	return *ret_bytes != NULL;
}

const char *data_entry(struct arena *a, const struct json *object, const char *key, size_t *ret_n)
{
	const struct json *plain = json_path(object, "data", key, NULL);
	size_t n;

	if (!ret_n)
		ret_n = &n;
	if (plain)
		return decoded(a, plain, is_secret(object), ret_n);
	return decoded(a, json_path(object, "binaryData", key, NULL), true, ret_n);
}
