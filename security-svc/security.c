#include "security-svc/security.h"

#include "lib/api/finding.h"
#include "lib/api/security.h"
#include "lib/base/arena.h"
#include "lib/base/clock.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/plan.h"
#include "lib/plan/reasons.h"
#include "lib/plan/verdict.h"
#include "lib/plan/world.h"
#include "security-svc/compile.h"
#include "security-svc/operator.h"

enum {
	MAX_NAME = 244, /* so that <name>-security is a name, too */
	WARN_S = SECURITY_WARN_DAYS * 86400,
	MAX_SLEEP_S = 30 * 86400, /* a bus that lost the appointment is no reason to miss the day */
};

static bool uses_certificate(const struct security *s, const struct security_entry *e)
{
	return e->certificate && (s->type == SECURITY_JWT || s->type == SECURITY_OAUTH);
}

static bool uses_credentials(const struct security *s, const struct security_entry *e)
{
	return e->credentials && s->type != SECURITY_JWT;
}

void security_needs(const struct world *w, struct needs *n)
{
	struct findings ignored;
	struct security s;

	operator_needs(w, n);
	findings_init(&ignored, n->arena);
	security_decode(n->arena, w->root, &s, &ignored);
	if (s.type == SECURITY_APIKEY)
		need_input(n, KIND_SECRET, w->system_ns, SECURITY_KEYS_SECRET);
	vec_foreach (const struct security_entry *, e, &s.entries) {
		if (uses_certificate(&s, e))
			need_input(n, KIND_SECRET, w->root_ref.ns, e->certificate);
		if (uses_credentials(&s, e))
			need_input(n, KIND_SECRET, w->root_ref.ns, e->credentials);
	}
}

/* ---- conditions ---- */

static void check_name(const struct world *w, struct findings *f)
{
	if (strlen(w->root_ref.name) > MAX_NAME)
		finding_add(f, FINDING_INVALID_FIELD, "metadata.name",
			"has more than %d characters", MAX_NAME);
}

static void resolved(struct plan *p, const struct compiled *c)
{
	if (c->problem)
		plan_condition(p, COND_RESOLVED_REFS, "False", c->reason, "%s", c->problem);
	else
		plan_condition(p, COND_RESOLVED_REFS, "True", REASON_RESOLVED, "%s", "");
}

struct date {
	const char *reason;
	const char *verb;
	int64_t at; /* the moment that the message names */
};

/* What there is to say about one certificate now; reason NULL: nothing. */
static struct date judge(const struct compiled_cert *c, int64_t now)
{
	if (c->not_after <= now)
		return (struct date){ REASON_CERT_EXPIRED, "expired", c->not_after };
	if (c->not_before > now)
		return (struct date){ REASON_CERT_NOT_YET_VALID, "is valid from", c->not_before };
	if (c->not_after - now <= WARN_S)
		return (struct date){ REASON_CERT_EXPIRES_SOON, "expires", c->not_after };
	return (struct date){ 0 };
}

static int severity(const char *reason)
{
	if (!reason)
		return 0;
	return str_eq(reason, REASON_CERT_EXPIRES_SOON) ? 1 : 2;
}

static void certificates(struct plan *p, const struct compiled *c)
{
	const char *worst = NULL;
	struct str s;

	if (!c->has_certificates)
		return;
	str_init(&s, p->arena, 4096);
	vec_foreach (const struct compiled_cert *, cert, &c->certs) {
		struct date d = judge(cert, p->world->now_s);

		if (!d.reason)
			continue;
		if (severity(d.reason) > severity(worst))
			worst = d.reason;
		str_addf(&s, "%scertificate of Secret \"%s\" %s %s", s.len > 0 ? "; " : "",
			cert->secret, d.verb, clock_rfc3339(p->arena, d.at * 1000));
	}
	plan_condition(p, COND_CERTIFICATES_VALID, severity(worst) == 2 ? "False" : "True",
		worst ? worst : REASON_VALID, "%s", s.ptr);
}

static int64_t least(int64_t x, int64_t y)
{
	return x < y ? x : y;
}

/* Nothing but time changes what a certificate is worth: wake up at the next such moment. */
static void look_again(struct plan *p, const struct compiled *c)
{
	int64_t now = p->world->now_s;

	vec_foreach (const struct compiled_cert *, cert, &c->certs) {
		const int64_t moments[] = { cert->not_before, cert->not_after - WARN_S,
			cert->not_after };

		for (size_t i = 0; i < ARRAY_LEN(moments); i++)
			if (moments[i] > now)
				plan_requeue(p, least(moments[i] - now, MAX_SLEEP_S) * 1000);
	}
}

/* ---- the Secret ---- */

static struct json *secret_manifest(
	struct arena *a, const char *security, const struct security_policy *policy)
{
	const char *text = json_canonical(a, security_policy_json(a, policy));

	return json_format(a,
		"{'apiVersion':'v1','kind':'Secret','metadata':{'name':%s},'type':'Opaque',"
		"'data':{'" SECURITY_POLICY_KEY "':%s}}",
		security_policy_name(a, security), base64_encode(a, text, strlen(text)));
}

static void compile_and_apply(struct plan *p, const struct security *s, struct compiled *ret)
{
	compile(p->arena, p->world, s, ret);
	resolved(p, ret);
	certificates(p, ret);
	if (!ret->problem)
		plan_apply(p, secret_manifest(p->arena, p->world->root_ref.name, &ret->policy), 0);
}

bool security_reconcile(const struct world *w, struct plan *p, struct err *err)
{
	static const char *const required[] = { COND_ACCEPTED, COND_RESOLVED_REFS, NULL };
	static const char *const later[] = { COND_RESOLVED_REFS, NULL };
	static const char *const told[] = { COND_UNUSED_FIELDS, COND_ACCEPTED, COND_RESOLVED_REFS,
		COND_CERTIFICATES_VALID, COND_READY, NULL };
	struct compiled c = { 0 };
	struct findings f;
	struct security s;

	(void)err;
	if (!w->root || meta_deleting(w->root))
		return true;
	findings_init(&f, p->arena);
	security_decode(p->arena, w->root, &s, &f);
	check_name(w, &f);
	if (plan_accept(p, &f))
		compile_and_apply(p, &s, &c);
	else
		plan_block(p, later, COND_ACCEPTED);
	operator_report(p);
	operator_make_secret(p);
	plan_summarize(p, required);
	plan_announce(p, told);
	/* After the summary: it is no sign of unfinished work. */
	look_again(p, &c);
	return true;
}
