/* HTTP requests of the gateway's own: to key managers, for keys. They block nobody, need no
 * client's request, and use a connection each.
 *
 * The host is looked up as backends' are (hosts file, search list, nginx' resolver). With TLS the
 * certificate has to lead to a trusted one and to name the host, unless keys are given: then it
 * must be by one of those keys, or issued by one and name the host.
 */
#ifndef GATEWAY_NGINX_OUTBOUND_H
#define GATEWAY_NGINX_OUTBOUND_H

#include "gateway/core/answer.h"
#include "gateway/nginx/apim.h"

struct outbound;

struct outbound_call {
	const struct contract_target *to; /* scheme, host and port; has to outlive the call */
	const char *method;
	const char *target; /* path and query */
	const char
		*headers; /* "Name: value\r\n…" besides Host, Content-Length and Connection; "" */
	struct span body;
	EVP_PKEY *const *keys; /* kept by reference */
	size_t n_keys;
	size_t max_bytes;      /* of the answer, headers included */
	ngx_msec_t timeout_ms; /* for all of it */

	/* Called once, later, unless the call is cancelled. answer NULL: there is none, and why
	 * says so in words for a log. Both die with the function. */
	void (*done)(void *arg, const struct answer *answer, const char *why);
	void *arg;
};

/* Whether a certificate has one of the keys, or is issued by one, names the host and is current. */
bool outbound_is_by_key(X509 *certificate, const char *host, EVP_PKEY *const *keys, size_t n_keys);

/* Texts are copied. */
struct outbound *outbound_start(struct apim *m, const struct outbound_call *call);
void outbound_cancel(struct outbound *o);

#endif
