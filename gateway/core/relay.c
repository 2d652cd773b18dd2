/* The key manager's own endpoints, for clients that reach nothing but the gateway: /token,
 * /authorize, /revoke, /userinfo, over TLS only, since passwords and tokens are exchanged there. On
 * a listener of their own, and on that of APIs where no document has such a path. */
#include "gateway/core/decision.h"
#include "gateway/core/fault.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"

static const struct contract_endpoint *key_manager(const struct contract *c)
{
	for (size_t i = 0; i < c->n_endpoints; i++)
		if (c->endpoints[i].key_manager)
			return &c->endpoints[i];
	return NULL;
}

static bool is_relayed(const struct target *t)
{
	static const char *const paths[] = { "/token", "/authorize", "/revoke", "/userinfo" };

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (t->path.n == strlen(paths[i]) && memcmp(t->path.at, paths[i], t->path.n) == 0)
			return true;
	return false;
}

bool is_not_for_the_key_manager(struct decision *d)
{
	const struct contract_endpoint *to = key_manager(d->core->contract);
	const enum method asked = d->request->method;
	struct verdict *v = d->verdict;

	if (!to || !d->request->is_tls || !is_relayed(&d->target))
		return true;
	*v = (struct verdict){ .kind = VERDICT_RELAY, .endpoint = to };
	if (asked & (METHOD_GET | METHOD_HEAD | METHOD_POST | METHOD_OPTIONS)) {
		v->forward = route_forward(d->a, d->target.path, d->target.query);
		return false;
	}
	fault_text(405, "Method not allowed", "no such method", v);
	v->allow = (struct span){ "GET, HEAD, POST, OPTIONS", 24 };
	return false;
}

bool is_not_at_its_listener(struct decision *d)
{
	struct span sent = d->target.sent;

	if (!d->request->is_for_key_manager)
		return true;
	if (is_not_for_the_key_manager(d))
		fault_text(404,
			arena_printf(d->a, "no matching service found for path : %.*s", (int)sent.n,
				sent.at),
			"not of the key manager", d->verdict);
	return false;
}
