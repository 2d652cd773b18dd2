#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/plan.h"
#include "lib/plan/reasons.h"
#include "lib/plan/world.h"
#include "lib/svc/memo.h"
#include "lib/svc/runtime.h"
#include "lib/svc/service.h"

/* The inputs that were read, with the versions they had: what the watcher compares. */
static struct json *dependencies(const struct plan *p)
{
	const struct world *w = p->world;
	struct json *list = json_array(p->arena);

	vec_foreach (const struct need *, need, &w->needed) {
		const char *version;

		if (need->role != REF_INPUT)
			continue;
		version = meta_version(world_get(w, need->ref.kind, need->ref.ns, need->ref.name));
		json_add(list, json_format(p->arena,
				       "{'kind':%s,'namespace':%s,'name':%s,'resourceVersion':%s}",
				       kind_info(need->ref.kind)->kind, need->ref.ns,
				       need->ref.name, version ? version : ""));
	}
	return list;
}

/* Until it is Ready it will be looked at again soon. */
static void remember_root(struct runtime *rt, const struct plan *p, const struct json *live)
{
	const struct condition *ready = plan_condition_get(p, COND_READY);
	const struct object root = { .ref = p->world->root_ref, .json = live };

	if (ready && str_eq(ready->status, "True"))
		memo_forget(rt->memo, p->arena, root.ref);
	else
		memo_put(rt->memo, p->arena, &root, 0, rt->clock.now_ms(rt->clock.self));
}

bool runtime_status(
	struct runtime *rt, const struct plan *p, const struct json *children, struct err *err)
{
	const struct world *w = p->world;
	const struct kind_info *info = kind_info(w->root_ref.kind);
	struct kube_apply apply = { .manager = rt->service->name, .force = true, .status = true };
	struct json *status;

	if (!w->root || meta_deleting(w->root) || p->keep_status)
		return true;
	status = plan_status_json(p, dependencies(p), children);
	if (json_equal(status, json_get(w->root, "status"))) {
		rt->counts.unchanged++;
		return true;
	}
	apply.body = json_format(p->arena,
		"{'apiVersion':%s,'kind':%s,'metadata':{'name':%s,'namespace':%s,'resourceVersion':%s},"
		"'status':%j}",
		info->api_version, info->kind, w->root_ref.name, w->root_ref.ns,
		meta_version(w->root), status);
	runtime_keep_alive(rt);
	if (!rt->kube.apply(rt->kube.self, p->arena, &apply, 1, err)) {
		/* It was deleted meanwhile: of that a wake tells. */
		if (err->code == ERR_NOT_FOUND)
			err->code = ERR_ENDING;
		return err_wrap(err, "write status");
	}
	remember_root(rt, p, apply.live);
	rt->counts.applied++;
	return true;
}
