/* ConfigMap mgw-deployment-configs: what gateways and their builds see of the administrator's. */
#include "lib/api/finding.h"
#include "lib/api/name.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/conf/read.h"
#include "lib/json/json.h"
#include "lib/yaml/yaml.h"

enum {
	MAX_ENTRIES = 64,
	MAX_PATH = 512,
};

char *conf_mount_name(struct arena *a, const struct conf_mount *m, const char *api)
{
	return m->copied ? arena_printf(a, "%s" CONF_MOUNT_COPY "%s", api, m->name)
			 : arena_dup(a, m->name);
}

/* NULL: absent, empty, or no list, which is told. */
static const struct json *read_list(struct conf_read *r, const char *key)
{
	const char *path = arena_printf(r->arena, "%s.%s", conf_object_name(CONF_MOUNTS), key);
	const char *text = conf_yaml(r, CONF_MOUNTS, key);
	struct err err = { .code = ERR_NONE };
	const struct json *list;

	if (!text)
		return NULL;
	list = yaml_parse(r->arena, text, strlen(text), NULL, &err);
	if (json_is_array(list) && json_len(list) <= MAX_ENTRIES)
		return list;
	if (!list && err.code != ERR_NONE)
		finding_add(
			r->findings, FINDING_INVALID_FIELD, path, "%s; it is left out", err.msg);
	else if (list && !json_is_null(list))
		finding_add(r->findings, FINDING_INVALID_FIELD, path,
			"is not a YAML list of at most %d entries; it is left out", MAX_ENTRIES);
	return NULL;
}

/* Where a gateway has what it cannot do without. */
static bool is_taken(const char *path)
{
	static const char *const exactly[] = { "/", "/etc", "/etc/gateway", "/tmp", "/usr",
		"/usr/bin", "/usr/sbin", "/usr/lib", "/lib", "/bin", "/etc/gateway/credentials",
		"/etc/gateway/clients", "/etc/gateway/usage" };
	static const char *const below[] = { "/proc", "/sys", "/dev" };

	for (size_t i = 0; i < ARRAY_LEN(exactly); i++)
		if (str_eq(path, exactly[i]))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(below); i++) {
		size_t n = strlen(below[i]);

		if (strncmp(path, below[i], n) == 0 && (path[n] == '/' || path[n] == '\0'))
			return true;
	}
	return false;
}

static bool is_mountable(const char *path)
{
	return path[0] == '/' && strlen(path) <= MAX_PATH && !strchr(path, ':') &&
	       !strstr(path, "..") && !is_taken(path);
}

static const char *without_slash(struct arena *a, const char *path)
{
	size_t n = path ? strlen(path) : 0;

	while (n > 1 && path[n - 1] == '/')
		n--;
	return path ? arena_dupn(a, path, n) : NULL;
}

static bool is_repeated(const struct conf *c, const struct conf_mount *m)
{
	vec_foreach (const struct conf_mount *, have, &c->mounts)
		if (m->path && str_eq(have->path, m->path) && have->kaniko == m->kaniko)
			return true;
	return false;
}

/* What is wrong with an entry; NULL: nothing. */
static const char *judge(struct arena *a, const struct json *e, const struct conf *c,
	const struct conf_mount *m, const char *ns)
{
	static const char *const known[] = { "name", "mountLocation", "subPath", "namespace",
		"asEnvVar", "context" };
	const char *context = json_get_str(e, "context");

	json_foreach (member, e) {
		bool is_known = false;

		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			is_known = is_known || str_eq(json_key(member), known[i]);
		if (!is_known)
			return arena_printf(
				a, "%.64s: is not a member that is known", json_key(member));
	}
	if (!name_is_subdomain(m->name))
		return "name: is not the name of an object";
	if (ns && !name_is_label(ns))
		return "namespace: is not the name of a namespace";
	if (context && !str_eq_nocase(context, "default") && !str_eq_nocase(context, "kaniko"))
		return "context: expected default or kaniko";
	if (json_get(e, "asEnvVar") && !json_is_bool(json_get(e, "asEnvVar")))
		return "asEnvVar: expected true or false";
	if (!m->path && !json_get_bool(e, "asEnvVar", false))
		return "mountLocation: is missing";
	if (m->path && !is_mountable(m->path))
		return "mountLocation: expected an absolute path that is not one of the gateway's own";
	if (m->sub_path && (m->sub_path[0] == '/' || strstr(m->sub_path, "..")))
		return "subPath: expected the name of an entry";
	if (is_repeated(c, m))
		return "mountLocation: another entry has the same";
	return NULL;
}

static void read_entry(
	struct conf_read *r, enum kind kind, const struct json *e, const char *path, struct conf *c)
{
	const char *own = r->in->ns;
	const char *ns = json_get_str(e, "namespace");
	const char *context = json_get_str(e, "context");
	bool env = json_get_bool(e, "asEnvVar", false);
	struct conf_mount *m = arena_alloc(r->arena, sizeof(*m));
	const char *wrong;

	*m = (struct conf_mount){
		.kind = kind,
		.name = json_get_str(e, "name"),
		.ns = str_empty(ns) ? r->in->mounts_ns : ns,
		.kaniko = str_eq_nocase(context, "kaniko"),
		.path = env ? NULL : without_slash(r->arena, json_get_str(e, "mountLocation")),
		.sub_path = env ? NULL : json_get_str(e, "subPath"),
	};
	if (str_empty(m->sub_path))
		m->sub_path = NULL;
	m->copied = own && !str_eq(m->ns, own);
	wrong = judge(r->arena, e, c, m, str_empty(ns) ? NULL : ns);
	if (wrong)
		finding_add(r->findings, FINDING_INVALID_FIELD, path, "%s; the entry is left out",
			wrong);
	else if (str_empty(ns) || !own || str_eq(ns, own))
		vec_add(r->arena, &c->mounts, m);
}

static void read_entries(struct conf_read *r, enum kind kind, const char *key, struct conf *c)
{
	size_t i = 0;

	json_foreach (e, read_list(r, key))
		read_entry(r, kind, e,
			arena_printf(
				r->arena, "%s.%s[%zu]", conf_object_name(CONF_MOUNTS), key, i++),
			c);
}

/* [{"ip":"192.0.2.1","hostnames":["a","b"]}] */
static void read_host_aliases(struct conf_read *r, struct conf *c)
{
	struct json *good = json_array(r->arena);
	size_t i = 0;

	json_foreach (e, read_list(r, "hostAliases")) {
		bool ok = json_is_str(json_get(e, "ip")) && json_len(e) == 2 &&
			  json_len(json_get(e, "hostnames")) > 0;

		json_foreach (name, json_get(e, "hostnames"))
			ok = ok && name_is_subdomain(json_str(name));
		if (ok)
			json_add(good, json_dup(r->arena, e));
		else
			finding_add(r->findings, FINDING_INVALID_FIELD,
				arena_printf(r->arena, "%s.hostAliases[%zu]",
					conf_object_name(CONF_MOUNTS), i),
				"expected ip: an address and hostnames: a list of names; the entry is left out");
		i++;
	}
	if (json_len(good) > 0)
		c->host_aliases = good;
}

void conf_read_mounts(struct conf_read *r, struct conf *ret)
{
	read_entries(r, KIND_CONFIG_MAP, "mgwConfigMaps", ret);
	read_entries(r, KIND_SECRET, "mgwSecrets", ret);
	read_host_aliases(r, ret);
}
