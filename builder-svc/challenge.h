/* What a registry asks for when it answers 401: the header WWW-Authenticate (RFC 9110, 11.6.1). */
#ifndef BUILDER_SVC_CHALLENGE_H
#define BUILDER_SVC_CHALLENGE_H

#include "lib/base/attr.h"

struct arena;

enum challenge_scheme {
	CHALLENGE_NONE, /* nothing that we can answer */
	CHALLENGE_BASIC,
	CHALLENGE_BEARER,
};

struct challenge {
	enum challenge_scheme scheme;
	const char *realm; /* of Bearer: URL of the token service; others NULL if absent */
	const char *service;
	const char *scope;
};

/* Of several challenges the first that we can answer. Any text is safe; NULL is none. */
struct challenge challenge_parse(struct arena *a, const char *header);

#endif
