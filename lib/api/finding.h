/* What a decoder has to say about an object: what is wrong with it, and what has no effect.
 *
 * Decoders never fail. They read what can be read, use defaults for the rest and leave findings;
 * the service turns those into conditions (lib/plan/verdict.h). A message is what follows the path:
 * "is …, expected …", without the path, lower case, no full stop, never a secret.
 */
#ifndef LIB_API_FINDING_H
#define LIB_API_FINDING_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/attr.h"
#include "lib/base/vec.h"

struct arena;

enum finding_kind {
	/* the object is refused; one reason of condition Accepted each */
	FINDING_INVALID_FIELD,
	FINDING_UNKNOWN_TYPE,
	FINDING_UNKNOWN_MODE,
	FINDING_INVALID_ENV,
	FINDING_UNSUPPORTED, /* valid, but not something that this version can do */
	/* the object is accepted */
	FINDING_UNUSED,	  /* has no effect */
	FINDING_ADJUSTED, /* something else than what is written is used */
};

struct finding {
	enum finding_kind kind;
	const char *path; /* "spec.deploy.cpuLimit", or "controller-config.kanikoImg" */
	const char *message;
};

enum {
	FINDINGS_MAX = 64, /* more are counted, not kept: an object may be wrong a million times */
};

struct findings {
	struct arena *arena;
	struct vec all; /* struct finding *, in the order in which they were found */
	size_t left_out;
};

void findings_init(struct findings *f, struct arena *a);

/* Copies path. */
void finding_add(struct findings *f, enum finding_kind kind, const char *path,
	const char *message_fmt, ...) PRINTF_LIKE(4, 5);

bool finding_is_fatal(enum finding_kind kind);

/* The first that refuses the object; NULL: it is acceptable. */
const struct finding *findings_fatal(const struct findings *f);

bool findings_have(const struct findings *f, enum finding_kind kind);

/* "path: message; path: message", of one kind or, with fatal, of all kinds that refuse. Cut at
 * about a kilobyte, saying how many are missing. Empty if there is none. */
char *findings_text(const struct findings *f, enum finding_kind kind);
char *findings_fatal_text(const struct findings *f);

#endif
