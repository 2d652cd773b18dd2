#include "lib/plan/verdict.h"

#include "lib/api/finding.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/plan.h"
#include "lib/plan/reasons.h"
#include "lib/plan/world.h"

const char *verdict_reason(enum finding_kind kind)
{
	switch (kind) {
	case FINDING_INVALID_FIELD:
		return REASON_INVALID_FIELD;
	case FINDING_UNKNOWN_TYPE:
		return REASON_UNKNOWN_TYPE;
	case FINDING_UNKNOWN_MODE:
		return REASON_UNKNOWN_MODE;
	case FINDING_INVALID_ENV:
		return REASON_INVALID_ENV;
	case FINDING_UNSUPPORTED:
		return REASON_NOT_SUPPORTED;
	case FINDING_UNUSED:
	case FINDING_ADJUSTED:
		return REASON_FIELDS_IGNORED;
	}
	return REASON_INVALID_FIELD;
}

/* Said twice: beside what is accepted, for people, and as a condition of its own, to wait or watch
 * for. */
static void note_unused(struct plan *p, const struct findings *f)
{
	const char *unused = findings_text(f, FINDING_UNUSED);
	const char *adjusted = findings_text(f, FINDING_ADJUSTED);
	const char *both = arena_printf(
		p->arena, "%s%s%s", unused, *unused && *adjusted ? "; " : "", adjusted);

	if (!*both)
		return;
	plan_condition(p, COND_UNUSED_FIELDS, "True", REASON_FIELDS_IGNORED, "%s", both);
	if (!findings_fatal(f))
		plan_condition(p, COND_ACCEPTED, "True", REASON_FIELDS_IGNORED,
			"valid, but not all of it has an effect: %s", both);
}

bool plan_accept(struct plan *p, const struct findings *f)
{
	const struct finding *fatal = findings_fatal(f);

	if (fatal)
		plan_condition(p, COND_ACCEPTED, "False", verdict_reason(fatal->kind), "%s",
			findings_fatal_text(f));
	else
		plan_condition(p, COND_ACCEPTED, "True", REASON_VALID, "%s", "");
	note_unused(p, f);
	return !fatal;
}

void plan_block(struct plan *p, const char *const *types, const char *waits_for)
{
	for (; *types; types++)
		plan_condition(
			p, *types, "Unknown", REASON_BLOCKED, "waits for condition %s", waits_for);
}

/* A not ready Ready repeats what another condition says. */
static void announce(struct plan *p, const struct condition *c)
{
	bool is_true = str_eq(c->status, "True");

	if (str_eq(c->type, COND_READY)) {
		if (is_true)
			plan_event(p, "Normal", COND_READY, "%s \"%s\" is ready",
				kind_info(p->world->root_ref.kind)->kind, p->world->root_ref.name);
	} else if (str_eq(c->type, COND_UNUSED_FIELDS) ||
		   str_eq(c->reason, REASON_CERT_EXPIRES_SOON) ||
		   str_eq(c->reason, REASON_NAME_CONFLICT)) {
		plan_event(p, "Warning", c->reason, "%s", c->message);
	} else if (str_eq(c->status, "False")) {
		plan_event(p, "Warning", c->reason, "%s: %s", c->type, c->message);
	}
}

void plan_announce(struct plan *p, const char *const *types)
{
	for (; *types; types++) {
		const struct condition *c = plan_condition_get(p, *types);

		if (c && plan_changed(p, *types))
			announce(p, c);
	}
}

static bool configuration_is_news(const struct plan *p)
{
	const struct world *w = p->world;
	const struct json *status = json_get(w->root, "status");

	if (json_get_int(status, "observedGeneration", 0) != meta_generation(w->root))
		return true;
	vec_foreach (const struct ref *, r, &w->moved)
		if (r->kind == KIND_CONFIG_MAP && str_eq(r->ns, w->system_ns))
			return true;
	return false;
}

void plan_warn_configuration(struct plan *p, const struct findings *f)
{
	const char *wrong = findings_fatal_text(f);
	const char *adjusted = findings_text(f, FINDING_ADJUSTED);

	if ((*wrong || *adjusted) && configuration_is_news(p))
		plan_event(p, "Warning", REASON_INVALID_CONFIGURATION, "%s%s%s", wrong,
			*wrong && *adjusted ? "; " : "", adjusted);
}
