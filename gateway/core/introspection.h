/* Opaque tokens: what a key manager says about one (RFC 7662; soap.h is the other way to ask).
 *
 * The core never asks: it answers VERDICT_ASK, whoever can asks the scheme's URL, and decides again
 * with the outcome. An answer is believed for as long as the contract says, if it is a refusal for
 * INTROSPECTION_BAD_S at most, and never beyond the token's end.
 */
#ifndef GATEWAY_CORE_INTROSPECTION_H
#define GATEWAY_CORE_INTROSPECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/core/core.h"
#include "gateway/core/token.h"
#include "lib/base/attr.h"

struct arena;

enum {
	INTROSPECTION_BAD_S = 60,
	INTROSPECTION_MAX_BYTES = 64 * 1024, /* of an answer */
};

struct introspection {
	const char *failure; /* nothing was found out: a word for the log; else NULL: */
	bool is_active;
	struct token token; /* exp: how long this may be believed */
};

/* The body of an answer with status 200, believed for believe_s; anything else is a failure. */
void introspection_read(struct arena *a, int status, struct span body, int64_t now_s,
	int64_t believe_s, struct introspection *ret);

/* For those who read an answer of either way. The first makes *ret one that says nothing yet and is
 * believed for believe_s, or the failure that the status is, which is false; the last bounds how
 * long a refusal is believed. */
bool introspection_begin(
	struct arena *a, int status, int64_t now_s, int64_t believe_s, struct introspection *ret);
void introspection_end(int64_t now_s, int64_t believe_s, struct introspection *ret);

/* Body of the question, application/x-www-form-urlencoded. */
struct span introspection_question(struct arena *a, struct span token);

#endif
