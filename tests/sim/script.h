/* What users do: objects made, edited, broken, mended and deleted in a random order, children
 * edited and deleted by hand, and at the end everything that is named exists and is valid.
 */
#ifndef TESTS_SIM_SCRIPT_H
#define TESTS_SIM_SCRIPT_H

#include <stddef.h>
#include <stdint.h>

struct sim;

struct script_size {
	size_t apis;
	size_t edits;
	int64_t pace_us; /* the longest time between two */
};

/* A JWT issuer's certificate (base64 of DER), borrowed. To be set before the first run. */
extern const char *script_certificate;

/* Plans everything by s->script; returns when the last thing is done. */
int64_t script_plan(struct sim *s, const struct script_size *size);

#endif
