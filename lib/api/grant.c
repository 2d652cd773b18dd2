#include "lib/api/grant.h"

#include "lib/api/kind.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

/* "wso2.com" of "wso2.com/v1alpha1"; the core group is "". */
static bool is_of_group(enum kind kind, const char *group)
{
	const char *version = kind_info(kind)->api_version;
	const char *slash = strchr(version, '/');
	size_t n = slash ? (size_t)(slash - version) : 0;

	return group && strlen(group) == n && strncmp(group, version, n) == 0;
}

static bool means(const struct json *entry, enum kind kind)
{
	return is_of_group(kind, json_get_str(entry, "group")) &&
	       str_eq(json_get_str(entry, "kind"), kind_info(kind)->kind);
}

static bool is_from(const struct json *spec, struct ref from)
{
	json_foreach (entry, json_get(spec, "from"))
		if (means(entry, from.kind) && str_eq(json_get_str(entry, "namespace"), from.ns))
			return true;
	return false;
}

/* Without a name: every object of the kind. */
static bool is_to(const struct json *spec, struct ref to)
{
	json_foreach (entry, json_get(spec, "to")) {
		const char *name = json_get_str(entry, "name");

		if (means(entry, to.kind) && (str_empty(name) || str_eq(name, to.name)))
			return true;
	}
	return false;
}

bool grants_permit(const struct json *grants, struct ref from, struct ref to)
{
	json_foreach (grant, json_get(grants, "items"))
		if (is_from(json_get(grant, "spec"), from) && is_to(json_get(grant, "spec"), to))
			return true;
	return false;
}
