/* What the TLS layer found out about a client. Its certificate is asked for, never insisted on: an
 * API that needs none is served all the same, and one that does answers as the contract says. */
#include "gateway/nginx/apim.h"

static SSL *session_of(const ngx_http_request_t *r)
{
	return r->connection->ssl ? r->connection->ssl->connection : NULL;
}

bool client_is_tls(const ngx_http_request_t *r)
{
	return session_of(r) != NULL;
}

bool client_is_verified(const ngx_http_request_t *r)
{
	SSL *session = session_of(r);

	return session && SSL_get0_peer_certificate(session) &&
	       SSL_get_verify_result(session) == X509_V_OK;
}

/* nginx itself refuses certificates that are worse than unknown: expired, broken. */
bool client_has_bad_certificate(const ngx_http_request_t *r)
{
	SSL *session = session_of(r);

	return session && SSL_get0_peer_certificate(session) &&
	       SSL_get_verify_result(session) != X509_V_OK &&
	       !ngx_ssl_verify_error_optional(SSL_get_verify_result(session));
}
