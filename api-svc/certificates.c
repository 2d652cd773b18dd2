#include "api-svc/certificates.h"

#include "api-svc/inputs.h"
#include "api-svc/names.h"
#include "lib/api/object.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/plan/reasons.h"
#include "lib/plan/world.h"
#include "lib/x509/chain.h"

static const char entry[] = "certificate.crt";

static void read_one(const struct world *w, struct inputs *in, const char *secret)
{
	const struct object *o = world_find(w, KIND_SECRET, in->ns, secret);
	struct toolkit_certificate c = { .name = secret };
	struct err err;

	if (!o)
		return;
	if (!o->json) {
		problem(in, &in->not_resolved, REASON_SECRET_NOT_FOUND,
			"Secret \"%s\" of spec.definition.endpointCertificates not found in namespace \"%s\"; create it "
			"with the backend's certificate in the entry %s",
			secret, in->ns, entry);
		return;
	}
	c.bytes = data_entry(w->arena, o->json, entry, &c.n);
	if (!c.bytes) {
		problem(in, &in->not_resolved, REASON_INVALID_SECRET,
			"Secret \"%s\" of spec.definition.endpointCertificates has no entry %s, expected a "
			"certificate there",
			secret, entry);
		return;
	}
	if (chain_pem(w->arena, c.bytes, c.n, &err))
		in->certificates[in->n_certificates++] = c;
	else
		problem(in, &in->not_resolved, REASON_INVALID_SECRET,
			"Secret \"%s\" of spec.definition.endpointCertificates, entry %s: %s",
			secret, entry, err.msg);
}

/* A gateway without the key would refuse everybody: it is not made. */
static void check_signing_key(const struct world *w, struct inputs *in)
{
	const struct object *o = world_find(w, KIND_SECRET, in->ns, BACKEND_JWT_SECRET);
	size_t n;

	if (!in->conf.backend_jwt || !o)
		return;
	if (!o->json)
		problem(in, &in->not_resolved, REASON_SECRET_NOT_FOUND,
			"Secret \"" BACKEND_JWT_SECRET
			"\" not found in namespace \"%s\", but enabledJwtGenerator of apim-config asks "
			"gateways to sign; create it with an RSA key in the entry tls.key",
			in->ns);
	else if (!data_entry(w->arena, o->json, "tls.key", &n))
		problem(in, &in->not_resolved, REASON_INVALID_SECRET,
			"Secret \"" BACKEND_JWT_SECRET
			"\" in namespace \"%s\" has no entry tls.key, expected an RSA key there",
			in->ns);
}

void certificates_read(const struct world *w, struct inputs *in)
{
	const struct vec *names = &in->api.endpoint_certificates;

	check_signing_key(w, in);
	in->certificates = arena_alloc(w->arena, (names->n + 1) * sizeof(*in->certificates));
	vec_foreach (const char *, secret, names)
		read_one(w, in, secret);
}

void certificates_need(const struct inputs *in, struct needs *n)
{
	vec_foreach (const char *, secret, &in->api.endpoint_certificates)
		need_input(n, KIND_SECRET, in->ns, secret);
	if (in->conf.backend_jwt)
		need_input(n, KIND_SECRET, in->ns, BACKEND_JWT_SECRET);
}
