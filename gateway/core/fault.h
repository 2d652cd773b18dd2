/* Every answer the gateway gives by itself, byte for byte as clients of the original know them. */
#ifndef GATEWAY_CORE_FAULT_H
#define GATEWAY_CORE_FAULT_H

#include <stddef.h>

#include "gateway/core/core.h"

struct arena;

enum {
	FAULT_HOOK = 103500, /* a script of the API broke */
};

struct fault {
	int code; /* 900901 … */
	int status;
	const char *message;
	const char *description;
};

/* NULL when the table has no such code. */
const struct fault *fault_find(int code);

/* Fill a verdict of kind VERDICT_ANSWER; reason goes to the log only. */
void fault_answer(struct arena *a, int code, const char *reason, struct verdict *ret);
void fault_text(int status, const char *body, const char *reason, struct verdict *ret);

/* 900910 for a token that a key manager knows: the original describes it in another way. */
void fault_opaque_scope(struct arena *a, struct verdict *ret);

/* No endpoint for the key type: a flat body, without "fault". */
void fault_no_endpoint(struct verdict *ret);

/* The path cannot be trusted to mean one thing only. */
void fault_bad_path(struct arena *a, const char *reason, struct verdict *ret);

/* 400: a request's body, or 500: a backend's, is not what the document says. */
void fault_body(struct arena *a, int code, const char *errors, struct verdict *ret);

/* 415: the body is compressed, and a hook has to see it. */
void fault_coding(struct arena *a, struct verdict *ret);

#endif
