/* How an API may be reached: over http, https or both, and whether clients show a certificate.
 *
 * An API that is not served on a listener does not exist there. A mandatory certificate is asked of
 * every operation, open ones included, beside whatever else secures it. Verifying it is the TLS
 * layer's work; here only its result counts.
 */
#ifndef GATEWAY_CORE_TRANSPORT_H
#define GATEWAY_CORE_TRANSPORT_H

#include <stdbool.h>

#include "lib/base/attr.h"

struct arena;
struct contract;
struct core_request;
struct json;
struct loader;

enum client_cert {
	CLIENT_CERT_NONE, /* not asked for */
	CLIENT_CERT_OPTIONAL,
	CLIENT_CERT_MANDATORY,
};

struct contract_transport {
	bool not_http;
	bool not_https;
	enum client_cert client_cert;
};

/* Members "transports" and "mutualSsl" of an API; without them: both listeners, no certificate. */
bool transport_load(
	struct loader *l, const struct json *api, struct contract_transport *ret) MUST_CHECK;
void transport_write(struct arena *a, const struct contract_transport *t, struct json *api);

bool transport_serves(const struct contract_transport *t, const struct core_request *r);
bool transport_trusts(const struct contract_transport *t, const struct core_request *r);

/* Whether the TLS listener has to ask for certificates at all. */
bool transport_asks_for_certificates(const struct contract *c);

#endif
