#include "lib/base/str.h"
#include "lib/json/json.h"
#include "toolkit/model.h"

static void read_transports(struct reader *r, struct place p, struct contract_transport *ret)
{
	bool all = json_is_array(p.at);
	bool http = false;
	bool https = false;

	json_foreach (v, p.at) {
		http = http || str_eq(json_str(v), "http");
		https = https || str_eq(json_str(v), "https");
		all = all && (str_eq(json_str(v), "http") || str_eq(json_str(v), "https"));
	}
	if (!all || (!http && !https))
		refuse(r, "InvalidDocument", p, "expected a list of http and https");
	ret->not_http = !http;
	ret->not_https = !https;
}

static enum client_cert read_mutual_ssl(struct reader *r, struct place p)
{
	if (str_eq(json_str(p.at), "mandatory"))
		return CLIENT_CERT_MANDATORY;
	if (!str_eq(json_str(p.at), "optional"))
		refuse(r, "InvalidDocument", p, "expected mandatory or optional");
	return CLIENT_CERT_OPTIONAL;
}

struct contract_transport transport_of(struct reader *r, struct place root)
{
	struct place transports = inside(r, root, "x-wso2-transports");
	struct place mutual_ssl = inside(r, root, "x-wso2-mutual-ssl");
	struct contract_transport t = { 0 };

	if (transports.at)
		read_transports(r, transports, &t);
	if (mutual_ssl.at)
		t.client_cert = read_mutual_ssl(r, mutual_ssl);
	if (t.client_cert == CLIENT_CERT_MANDATORY && t.not_https) {
		t.not_https = false;
		warn(r, "TransportAdded", transports,
			"https is served as well, since a client certificate is mandatory");
	}
	return t;
}

/* -1: not said. */
static int optional(struct reader *r, struct place root, struct place p)
{
	struct place at = inside(r, inside(r, p, "x-wso2-application-security"), "optional");

	if (!at.at)
		return -1;
	if (!json_is_bool(at.at)) {
		refuse(r, "InvalidSecurity", at, "%s, expected true or false",
			json_type_name(at.at));
		return 0;
	}
	if (!json_get_bool(json_get(p.at, "x-wso2-application-security"), "optional", false))
		return 0;
	if (!str_eq(json_get_str(root.at, "x-wso2-mutual-ssl"), "mandatory")) {
		refuse(r, "InvalidSecurity", at,
			"security cannot be optional without x-wso2-mutual-ssl: mandatory; expected false");
		return 0;
	}
	return 1;
}

bool security_is_optional(struct reader *r, struct place root, struct place operation)
{
	int here = optional(r, root, operation);

	return (here >= 0 ? here : optional(r, root, root)) > 0;
}
