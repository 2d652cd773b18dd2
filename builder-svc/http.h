/* HTTP as registries and what belongs to them are asked: one request at a time, on connections that
 * a client keeps; seconds, not minutes; no redirects; bounded answers. The only user of libcurl
 * here.
 */
#ifndef BUILDER_SVC_HTTP_H
#define BUILDER_SVC_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/attr.h"
#include "lib/base/str.h"

struct arena;
struct err;
struct http;

enum {
	HTTP_REQUEST_MS = 3000,
	HTTP_MAX_BODY =
		4 * 1024 * 1024, /* what the distribution specification allows for a manifest */
};

struct http_request {
	const char *whom; /* for messages: "registry reg.example:5000" */
	const char *url;
	bool head;
	bool plain_http;	    /* may go without TLS */
	const char *const *headers; /* "Name: value", ended by NULL */
	const char *body;	    /* NULL: GET or HEAD; else POST */
	/* Signature Version 4, "aws:amz:<region>:<service>", with this key; NULL: not signed. */
	const char *sigv4;
	const char *key_id;
	const char *key;
};

struct http_response {
	long status;
	struct str body;
	const char *challenge; /* WWW-Authenticate; several are joined */
	const char *digest;    /* Docker-Content-Digest */
};

/* NULL: libcurl does not start. */
struct http *http_new(void);
void http_auto(struct http **h);

/* ERR_TIMEOUT, ERR_UNAVAILABLE: there was no answer. */
bool http_ask(struct arena *a, struct http *h, const struct http_request *q,
	struct http_response *ret, struct err *err) MUST_CHECK;

#endif
