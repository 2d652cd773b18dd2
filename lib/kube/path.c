#include "lib/kube/path.h"

#include "lib/base/err.h"
#include "lib/base/str.h"

enum {
	MAX_NAMESPACE = 63,
	MAX_NAME = 253,
};

static bool check_segment(const char *what, const char *text, size_t max, struct err *err)
{
	if (str_empty(text))
		return err_set(err, ERR_INVALID, "%s: is empty", what);
	if (strlen(text) > max)
		return err_set(err, ERR_INVALID, "%s: has %zu characters, at most %zu are allowed",
			what, strlen(text), max);
	if (str_eq(text, ".") || str_eq(text, "..") || strpbrk(text, "/%"))
		return err_set(
			err, ERR_INVALID, "%s: \"%s\" cannot be the name of an object", what, text);
	return true;
}

/* The core group alone has no name and its own root. */
static bool add_collection(struct str *s, enum kind kind, const char *ns, struct err *err)
{
	const struct kind_info *info = kind_info(kind);

	if (str_empty(info->plural))
		return err_set(err, ERR_BUG, "a path for an object of unknown kind");
	if (ns && !check_segment("namespace", ns, MAX_NAMESPACE, err))
		return false;
	str_add(s, strchr(info->api_version, '/') ? "/apis/" : "/api/");
	str_add(s, info->api_version);
	if (ns) {
		str_add(s, "/namespaces/");
		str_add_url(s, ns);
	}
	str_addf(s, "/%s", info->plural);
	return true;
}

bool path_collection(
	struct arena *a, enum kind kind, const char *ns, const char **ret, struct err *err)
{
	struct str s;

	str_init(&s, a, PATH_MAX_BYTES);
	if (!add_collection(&s, kind, ns, err) || !str_ok(&s, "path", err))
		return false;
	*ret = s.ptr;
	return true;
}

bool path_object(
	struct arena *a, struct ref ref, const char *subresource, const char **ret, struct err *err)
{
	struct str s;

	str_init(&s, a, PATH_MAX_BYTES);
	if (!check_segment("name", ref.name, MAX_NAME, err) ||
		!add_collection(&s, ref.kind, ref.ns ? ref.ns : "", err))
		return false;
	str_addc(&s, '/');
	str_add_url(&s, ref.name);
	if (subresource)
		str_addf(&s, "/%s", subresource);
	if (!str_ok(&s, "path", err))
		return false;
	*ret = s.ptr;
	return true;
}

struct str path_begin(struct arena *a, const char *path)
{
	struct str s;

	str_init(&s, a, PATH_MAX_BYTES);
	str_add(&s, path);
	return s;
}

void path_query(struct str *path, const char *key, const char *value)
{
	if (!value)
		return;
	str_addf(path, "%c%s=", strchr(path->ptr, '?') ? '&' : '?', key);
	str_add_url(path, value);
}
