/* An HTTP/1.1 answer to a request of the gateway's own (RFC 9112), read from the bytes that have
 * come so far. Pure; whoever receives bounds how many. */
#ifndef GATEWAY_CORE_ANSWER_H
#define GATEWAY_CORE_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/core/core.h"

struct arena;

enum answer_state {
	ANSWER_PARTIAL, /* more has to come */
	ANSWER_COMPLETE,
	ANSWER_BROKEN, /* no answer, or one that ended too early */
};

struct answer {
	int status;
	struct span headers; /* lines as sent */
	struct span body;    /* chunks put together */
};

/* is_end: the other side has closed the connection. Interim answers (1xx) are skipped. */
enum answer_state answer_read(
	struct arena *a, struct span received, bool is_end, struct answer *ret);

/* The first header of that name, in any case; false: there is none. */
bool answer_header(const struct answer *answer, const char *name, struct span *ret);

#endif
