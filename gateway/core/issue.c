/* /apikey: a user's password for an API key. */
#include "gateway/core/apikey.h"
#include "gateway/core/credentials.h"
#include "gateway/core/decision.h"
#include "gateway/core/fault.h"
#include "lib/base/arena.h"

static bool issues_keys(const struct contract *c)
{
	for (size_t i = 0; i < c->n_schemes; i++)
		if (c->schemes[i].type == SCHEME_API_KEY)
			return true;
	return false;
}

/* Over TLS only, since a password and a key are exchanged; by plain http there is no such path. */
bool is_not_for_a_key(struct decision *d)
{
	static const char path[] = "/apikey";
	const struct core_request *r = d->request;
	struct span value = { 0 };
	struct span sent;
	const struct user *u;
	const char *why;
	size_t n = 0;
	int code;

	if (d->target.path.n != sizeof(path) - 1 || !r->is_tls ||
		memcmp(d->target.path.at, path, sizeof(path) - 1) != 0 ||
		!issues_keys(d->core->contract))
		return true;
	if (r->method != METHOD_GET && r->method != METHOD_POST) {
		fault_text(405, "Method not allowed", "no such method", d->verdict);
		d->verdict->allow = (struct span){ "GET, POST", 9 };
		return false;
	}
	if (!r->header || !r->header(r->arg, "authorization", &value, &n) || value.n == 0)
		return decision_refuse(d, 900902, "no credentials");
	if (n > 1 || !credentials_by(value, "basic", &sent))
		return decision_refuse(d, 900917, "expected basic credentials");
	code = api_key_user_check(d->a, d->core->contract, d->core->credentials, sent, &u,
		&d->verdict->issue_scheme, &why);
	if (code != 0)
		return decision_refuse(d, code, why);
	d->verdict->kind = VERDICT_ISSUE;
	d->verdict->issue_user = arena_dup(d->a, u->name);
	d->verdict->subject = (struct span){ d->verdict->issue_user, strlen(u->name) };
	return false;
}

void core_issue(
	struct core *core, struct arena *a, struct span body, int64_t now_s, struct verdict *v)
{
	const struct credentials *credentials = core->credentials;

	if (!credentials || !credentials->sets[v->issue_scheme].is_loaded) {
		fault_answer(a, 900900, "credentials not loaded", v);
		return;
	}
	v->kind = VERDICT_ANSWER;
	v->status = 200;
	v->content_type = "text/plain";
	if (api_key_issue(a, &credentials->sets[v->issue_scheme], core->contract, v->issue_user,
		    body, now_s, &v->body))
		return;
	v->status = v->fault_code = 400;
	v->content_type = "application/json";
	v->reason = "request for a key";
	v->body = core_fault(
		a, 400, "Bad Request", "The body is neither empty nor {\"validityTime\": seconds}");
}
