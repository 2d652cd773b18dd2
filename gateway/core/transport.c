#include "gateway/core/transport.h"

#include "gateway/core/core.h"
#include "gateway/core/field.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

bool transport_load(struct loader *l, const struct json *api, struct contract_transport *ret)
{
	const char *only = json_get_str(api, "transports");
	const char *cert = json_get_str(api, "mutualSsl");

	if (json_get(api, "transports") && !str_eq(only, "http") && !str_eq(only, "https"))
		return field_bad(l, "transports", "http or https");
	if (json_get(api, "mutualSsl") && !str_eq(cert, "optional") && !str_eq(cert, "mandatory"))
		return field_bad(l, "mutualSsl", "optional or mandatory");
	ret->not_http = str_eq(only, "https");
	ret->not_https = str_eq(only, "http");
	ret->client_cert = !cert		       ? CLIENT_CERT_NONE
			   : str_eq(cert, "mandatory") ? CLIENT_CERT_MANDATORY
						       : CLIENT_CERT_OPTIONAL;
	if (ret->client_cert == CLIENT_CERT_MANDATORY && ret->not_https)
		return field_bad(l, "mutualSsl", "https among the transports");
	return true;
}

void transport_write(struct arena *a, const struct contract_transport *t, struct json *api)
{
	if (t->not_http || t->not_https)
		json_set_str(a, api, "transports", t->not_http ? "https" : "http");
	if (t->client_cert != CLIENT_CERT_NONE)
		json_set_str(a, api, "mutualSsl",
			t->client_cert == CLIENT_CERT_MANDATORY ? "mandatory" : "optional");
}

bool transport_serves(const struct contract_transport *t, const struct core_request *r)
{
	return r->is_tls ? !t->not_https : !t->not_http;
}

bool transport_trusts(const struct contract_transport *t, const struct core_request *r)
{
	return t->client_cert != CLIENT_CERT_MANDATORY || r->client_is_verified;
}

bool transport_asks_for_certificates(const struct contract *c)
{
	for (size_t i = 0; i < c->n_apis; i++)
		if (c->apis[i].transport.client_cert != CLIENT_CERT_NONE)
			return true;
	return false;
}
