#include "api-svc/reconcile.h"

#include "api-svc/build.h"
#include "api-svc/credentials.h"
#include "api-svc/expose.h"
#include "api-svc/inputs.h"
#include "api-svc/mounts.h"
#include "api-svc/observe.h"
#include "api-svc/replicas.h"
#include "api-svc/rollout.h"
#include "api-svc/tiers.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/plan.h"
#include "lib/plan/reasons.h"
#include "lib/plan/verdict.h"
#include "lib/plan/world.h"

static const char *const required[] = { COND_ACCEPTED, COND_RESOLVED_REFS, COND_BUILT,
	COND_PROGRAMMED, NULL };

static const char *const announced[] = { COND_ACCEPTED, COND_RESOLVED_REFS, COND_BUILT,
	COND_PROGRAMMED, COND_READY, COND_POLICIES_RESOLVED, COND_UNUSED_FIELDS, NULL };

static bool is_gone(const struct world *w)
{
	return !w->root || meta_deleting(w->root);
}

void api_needs(const struct world *w, struct needs *n)
{
	struct inputs in;

	if (is_gone(w))
		return;
	inputs_read(w, &in);
	inputs_need(&in, n);
	build_need(w, n);
	rollout_need(w, n);
	credentials_need(w, n);
	replicas_need(&in, n);
	expose_need(&in, n);
}

/* Owner references take the children along; what is left is to say so, and to have a build in hand
 * stopped. */
static void say_goodbye(struct plan *p)
{
	plan_wake(p, "build.request", "the API is gone");
	if (!p->world->root)
		plan_cloud_event(p, "deploy.removed", json_object(p->arena));
}

static bool is_true(const struct plan *p, const char *type)
{
	const struct condition *c = plan_condition_get(p, type);

	return c && str_eq(c->status, "True");
}

static void judge_inputs(struct plan *p, const struct inputs *in)
{
	(void)plan_accept(p, &in->findings);
	if (in->not_accepted.reason)
		plan_condition(p, COND_ACCEPTED, "False", in->not_accepted.reason, "%s",
			in->not_accepted.message);
	else if (!in->scanned)
		plan_condition(p, COND_ACCEPTED, "Unknown", REASON_BLOCKED,
			"the documents are not all there");
	else if (str_eq(plan_condition_get(p, COND_ACCEPTED)->reason, REASON_VALID))
		plan_condition(
			p, COND_ACCEPTED, "True", REASON_VALID, "fields and documents are valid");
	if (in->not_resolved.reason)
		plan_condition(p, COND_RESOLVED_REFS, "False", in->not_resolved.reason, "%s",
			in->not_resolved.message);
	else
		plan_condition(p, COND_RESOLVED_REFS, "True", REASON_RESOLVED,
			"everything it names exists");
}

static void blocked(struct plan *p)
{
	plan_condition(p, COND_BUILT, "Unknown", REASON_BLOCKED, "waits for %s",
		is_true(p, COND_ACCEPTED) ? COND_RESOLVED_REFS : COND_ACCEPTED);
}

static void set_status(struct plan *p, const struct inputs *in, const struct image *image)
{
	struct json *kept = json_dup(p->arena, json_path(p->world->root, "status", "image", NULL));

	if (image->ref)
		kept = json_prune(json_format(p->arena, "{'ref':%s,'digest':%s,'inputHash':%s}",
			image->ref, image->digest, image->input_hash));
	json_set(p->arena, p->status, "image", kept);
	json_set_str(p->arena, p->status, "mode", mode_name(in->mode));
	json_set_int(p->arena, p->status, "replicas", in->api.replicas);
}

static void cloud_event(
	struct plan *p, const char *what, const struct condition *c, const struct image *image)
{
	plan_cloud_event(p, what,
		json_prune(json_format(p->arena,
			"{'reason':%s,'message':%s,'image':%s,'digest':%s}", c->reason, c->message,
			image ? image->ref : NULL, image ? image->digest : NULL)));
}

/* To subscribers: whether the API is accepted, and how its rollout goes. */
static void publish_transitions(struct plan *p, const struct image *image)
{
	const struct condition *accepted = plan_condition_get(p, COND_ACCEPTED);
	const struct condition *programmed = plan_condition_get(p, COND_PROGRAMMED);

	if (plan_changed(p, COND_ACCEPTED) && !str_eq(accepted->status, "Unknown"))
		cloud_event(p, str_eq(accepted->status, "True") ? "api.accepted" : "api.rejected",
			accepted, NULL);
	if (!plan_changed(p, COND_PROGRAMMED) || str_eq(programmed->reason, REASON_NOT_STARTED))
		return;
	if (str_eq(programmed->status, "True"))
		cloud_event(p, "deploy.ready", programmed, image);
	else
		cloud_event(p,
			str_eq(programmed->status, "Unknown") ? "deploy.progressing"
							      : "deploy.degraded",
			programmed, image);
}

bool api_reconcile(const struct world *w, struct plan *p, struct err *err UNUSED)
{
	struct image image = { .ref = NULL };
	struct build build = { .image = NULL };
	struct inputs in;

	if (is_gone(w)) {
		say_goodbye(p);
		return true;
	}
	inputs_read(w, &in);
	rollout_check(&in);
	if (!in.not_accepted.reason && !in.not_resolved.reason && !in.api.image)
		(void)build_compile(&in, &build);
	judge_inputs(p, &in);
	tiers_judge(p, &in);
	if (is_true(p, COND_ACCEPTED) && is_true(p, COND_RESOLVED_REFS)) {
		mounts_apply(p, &in);
		observe_apply(p, &in);
		replicas_apply(p, &in);
		build_decide(p, &in, &build, &image);
	} else {
		blocked(p);
	}
	if (image.ref && in.conf.deploy)
		rollout_apply(p, &in, &image);
	rollout_judge(p, &in);
	credentials_apply(p, &in, image.ref && is_true(p, COND_PROGRAMMED));
	set_status(p, &in, &image);
	plan_summarize(p, required);
	plan_announce(p, announced);
	plan_warn_configuration(p, &in.conf_findings);
	publish_transitions(p, &image);
	return true;
}
