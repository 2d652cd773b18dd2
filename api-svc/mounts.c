#include "api-svc/mounts.h"

#include "api-svc/inputs.h"
#include "api-svc/workload.h"
#include "lib/base/arena.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/plan.h"
#include "lib/plan/reasons.h"
#include "lib/plan/world.h"

enum {
	HASH_DIGITS = 16,
	MAX_HASHED = 64 * 1024,
};

static const struct json *source(const struct inputs *in, const struct conf_mount *m)
{
	return world_get(in->world, m->kind, m->ns, m->name);
}

void mounts_need(const struct inputs *in, struct needs *n)
{
	need_input(n, KIND_CONFIG_MAP, in->ns, conf_object_name(CONF_MOUNTS));
	vec_foreach (const struct conf_mount *, m, &in->conf.mounts)
		need_input(n, m->kind, m->ns, m->name);
}

void mounts_check(struct inputs *in)
{
	vec_foreach (const struct conf_mount *, m, &in->conf.mounts) {
		const struct object *o = world_find(in->world, m->kind, m->ns, m->name);

		if (o && !o->json)
			problem(in, &in->not_resolved,
				m->kind == KIND_SECRET ? REASON_SECRET_NOT_FOUND
						       : REASON_CONFIG_MAP_NOT_FOUND,
				"%s \"%s\" not found in namespace \"%s\"; ConfigMap \"%s\" mounts it: create it, or remove it there",
				kind_info(m->kind)->kind, m->name, m->ns,
				conf_object_name(CONF_MOUNTS));
	}
}

/* ---- copies ---- */

static void copy(struct plan *p, const struct inputs *in, const struct conf_mount *m)
{
	const struct json *from = source(in, m);

	if (!from)
		return;
	plan_apply(p,
		json_format(p->arena,
			"{'apiVersion':'v1','kind':%s,'metadata':{'name':%s},'type':%s,'data':%j,'binaryData':%j}",
			kind_info(m->kind)->kind, conf_mount_name(p->arena, m, in->name),
			m->kind == KIND_SECRET ? "Opaque" : NULL, json_get(from, "data"),
			json_get(from, "binaryData")),
		0);
}

/* A ConfigMap with one mount as a folder and another as a variable is copied once. */
static bool is_planned(const struct plan *p, enum kind kind, const char *name)
{
	vec_foreach (const struct plan_apply *, x, &p->applies) {
		struct ref ref = ref_of(x->body);

		if (ref.kind == kind && str_eq(ref.name, name))
			return true;
	}
	return false;
}

static void delete_the_rest(struct plan *p, const struct inputs *in)
{
	const char *prefix = arena_printf(p->arena, "%s" CONF_MOUNT_COPY, in->name);

	json_foreach (c, json_path(p->world->root, "status", "children", NULL)) {
		enum kind kind = kind_by_name(json_get_str(c, "kind"));
		const char *name = json_get_str(c, "name");

		if ((kind == KIND_CONFIG_MAP || kind == KIND_SECRET) && name &&
			str_starts(name, prefix) && !is_planned(p, kind, name))
			plan_delete(p, (struct ref){ kind, in->ns, name }, NULL);
	}
}

void mounts_apply(struct plan *p, const struct inputs *in)
{
	vec_foreach (const struct conf_mount *, m, &in->conf.mounts)
		if (m->copied && !is_planned(p, m->kind, conf_mount_name(p->arena, m, in->name)))
			copy(p, in, m);
	delete_the_rest(p, in);
}

/* ---- in the pod ---- */

const struct json *mounts_of_build(const struct inputs *in)
{
	struct json *list = json_array(in->arena);

	vec_foreach (const struct conf_mount *, m, &in->conf.mounts)
		if (m->kaniko)
			json_add(list, json_prune(json_format(in->arena,
					       "{'kind':%s,'name':%s,'path':%s,'subPath':%s}",
					       kind_info(m->kind)->kind,
					       conf_mount_name(in->arena, m, in->name), m->path,
					       m->sub_path)));
	return json_len(list) > 0 ? list : NULL;
}

static struct json *variables(struct arena *a, const struct conf_mount *m, const char *name)
{
	return m->kind == KIND_SECRET ? json_format(a, "{'secretRef':{'name':%s}}", name)
				      : json_format(a, "{'configMapRef':{'name':%s}}", name);
}

static struct json *volume(
	struct arena *a, const struct conf_mount *m, const char *name, const char *object)
{
	return m->kind == KIND_SECRET
		       ? json_format(a, "{'name':%s,'secret':{'secretName':%s}}", name, object)
		       : json_format(a, "{'name':%s,'configMap':{'name':%s}}", name, object);
}

/* Of contents that do not change in a running pod; NULL: there are none. */
static const char *hash(const struct inputs *in)
{
	struct str s;

	str_init(&s, in->arena, MAX_HASHED);
	vec_foreach (const struct conf_mount *, m, &in->conf.mounts) {
		const struct json *o = source(in, m);

		if (m->kaniko || (m->path && !m->sub_path) || !o)
			continue;
		str_add(&s, json_sha256(in->arena,
				    json_format(in->arena, "[%j,%j]", json_get(o, "data"),
					    json_get(o, "binaryData"))));
	}
	return s.len == 0 ? NULL
			  : arena_dupn(in->arena, sha256_hex(in->arena, s.ptr, s.len), HASH_DIGITS);
}

void mounts_fill(const struct inputs *in, struct workload *ret)
{
	struct arena *a = in->arena;
	struct json *volumes = json_array(a);
	struct json *mounts = json_array(a);
	struct json *env_from = json_array(a);

	vec_foreach (const struct conf_mount *, m, &in->conf.mounts) {
		const char *object = conf_mount_name(a, m, in->name);
		const char *name = arena_printf(a, "mount-%zu", json_len(volumes) + 1);

		if (m->kaniko)
			continue;
		if (!m->path) {
			json_add(env_from, variables(a, m, object));
			continue;
		}
		json_add(volumes, volume(a, m, name, object));
		json_add(mounts, json_prune(json_format(a,
					 "{'name':%s,'mountPath':%s,'subPath':%s,'readOnly':true}",
					 name, m->path, m->sub_path)));
	}
	ret->volumes = volumes;
	ret->volume_mounts = mounts;
	ret->env_from = env_from;
	ret->host_aliases = in->conf.host_aliases;
	ret->mounts_hash = hash(in);
}
