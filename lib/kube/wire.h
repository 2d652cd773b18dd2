/* HTTP to one API server: any number of exchanges at the same time, long ones too, over connections
 * that are kept: one, where the server speaks HTTP/2.
 * libcurl does it, and only wire.c knows.
 *
 * Nothing happens by itself: exchanges move while wire_turn runs. What arrives is appended to
 * exchange.body and looked at afterwards, outside of libcurl's callbacks, so that whoever looks may
 * start or abort exchanges, on this wire too.
 */
#ifndef LIB_KUBE_WIRE_H
#define LIB_KUBE_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/kube/buffer.h"

struct kube_config;
struct token;
struct wire;

struct request {
	const char *method;	  /* "GET" */
	const char *path;	  /* with query; percent-encoded */
	const char *accept;	  /* NULL: application/json */
	const char *content_type; /* of the body */
	const char *body;	  /* NULL: none. Borrowed until the exchange is freed */
	size_t body_n;
	size_t max_response; /* bytes that may wait in exchange.body */
	int timeout_ms;	     /* for the whole exchange; 0: it may last for ever */
};

/* All fields but `body` are for reading only. */
struct exchange {
	struct buffer body; /* what arrived and was not taken yet (buffer_clear) */
	int status;	    /* HTTP status; 0 until headers arrived */
	int retry_after_s;  /* Retry-After of the answer, or 0 */
	bool done;	    /* nothing more will come */
	struct err err;	    /* done without a complete answer; code ERR_NONE otherwise */
};

/* Borrows config, token and user_agent. max_connections: kept and used at once. */
struct wire *wire_new(const struct kube_config *config, struct token *token, const char *user_agent,
	long max_connections);
void wire_free(struct wire *w); /* every exchange must have been freed; accepts NULL */

/* Never NULL. Trouble is told by the exchange, once it is done. */
struct exchange *wire_start(struct wire *w, const struct request *r);

/* Moves bytes for at most timeout_ms; returns as soon as something arrived or an exchange is done.
 */
void wire_turn(struct wire *w, int timeout_ms);

/* Closes all connections once no exchange exists, so that the next one begins with a new one. */
void wire_reset(struct wire *w);

/* Aborts it if it is under way. Accepts NULL. */
void exchange_free(struct exchange *x);

#endif
