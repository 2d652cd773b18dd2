#include "tests/support/copier.h"

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/msg/wake.h"
#include "lib/plan/plan.h"
#include "lib/plan/reasons.h"
#include "lib/plan/world.h"
#include "lib/svc/log.h"
#include "lib/svc/service.h"
#include "tests/support/unit.h"

static void copier_needs(const struct world *w, struct needs *n)
{
	need_input(n, KIND_CONFIG_MAP, w->root_ref.ns,
		json_str(json_path(w->root, "spec", "from", NULL)));
}

static bool copier_reconcile(const struct world *w, struct plan *p, struct err *err UNUSED)
{
	static const char *const required[] = { COND_RESOLVED_REFS, NULL };
	const char *from = json_str(json_path(w->root, "spec", "from", NULL));
	const struct json *source = world_get(w, KIND_CONFIG_MAP, w->root_ref.ns, from);

	if (!w->root)
		return true;
	if (source) {
		plan_apply(p,
			json_format(p->arena,
				"{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'copy'},'data':%j}",
				json_get(source, "data")),
			0);
		plan_condition(p, COND_RESOLVED_REFS, "True", REASON_RESOLVED, "found");
	} else {
		plan_condition(p, COND_RESOLVED_REFS, "False", "NotFound",
			"ConfigMap \"%s\" not found", from);
	}
	plan_summarize(p, required);
	if (plan_changed(p, COND_READY))
		plan_event(p, "Normal", "Changed", "it changed");
	plan_cloud_event(p, "copy.made", json_object(p->arena));
	return true;
}

/* Beside it something that several roots share, as it is read; its data is the root's word. */
static void sharer_needs(const struct world *w, struct needs *n)
{
	need_input(n, KIND_CONFIG_MAP, w->root_ref.ns, "shared");
}

static bool sharer_reconcile(const struct world *w, struct plan *p, struct err *err UNUSED)
{
	plan_apply(p,
		json_format(p->arena,
			"{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'shared'},'data':{'k':%s}}",
			json_str(json_path(w->root, "spec", "from", NULL))),
		PLAN_UNOWNED | PLAN_UNRECORDED);
	p->keep_status = true;
	return true;
}

const struct service sharer = {
	.name = "sharer",
	.about = "test",
	.needs = sharer_needs,
	.reconcile = sharer_reconcile,
};

const struct service copier = {
	.name = "copier",
	.about = "test",
	.needs = copier_needs,
	.reconcile = copier_reconcile,
};

void copier_start(struct copier *c, struct arena *a)
{
	memory_init(&c->memory, a);
	c->arena = a;
	c->rt = (struct runtime){ .service = &copier,
		.kube = memory_kube(&c->memory),
		.bus = memory_bus(&c->memory),
		.clock = memory_clock(&c->memory),
		.system_ns = "wso2-system",
		.instance = "copier-0" };
	log_open("test", LOG_ERROR);
	memory_put(&c->memory, "{'kind':'Security','metadata':{'namespace':'shop','name':'s'},"
			       "'spec':{'from':'original'}}");
}

struct outcome copier_look(struct copier *c, const char *moved)
{
	struct ref ref = { KIND_CONFIG_MAP, "shop", moved };
	struct wake wake = { .ref = { KIND_SECURITY, "shop", "s" }, .cause = "test" };

	if (moved)
		vec_add(c->arena, &wake.moved, &ref);
	return runtime_pass(&c->rt, c->arena, &wake, 1);
}

void copier_put_original(struct copier *c)
{
	memory_put(&c->memory,
		"{'kind':'ConfigMap','metadata':{'namespace':'shop','name':'original'},"
		"'data':{'k':'v'}}");
}

const struct json *copier_root(struct copier *c)
{
	return memory_get(&c->memory, KIND_SECURITY, "shop", "s");
}

const struct json *copier_ready(struct copier *c)
{
	json_foreach (condition, json_path(copier_root(c), "status", "conditions", NULL))
		if (str_eq(json_get_str(condition, "type"), "Ready"))
			return condition;
	return NULL;
}
