/* From documents to an image: what is to be built, and what became of it.
 *
 * The documents are compiled here, in process: what is wrong with them is a condition, and the hash
 * of the contract decides whether there is anything to build (ADR 6).
 */
#ifndef API_SVC_BUILD_H
#define API_SVC_BUILD_H

#include <stdbool.h>

struct image;
struct inputs;
struct needs;
struct plan;
struct problem;
struct world;

struct build {
	const char *contract_sha256;
	const char *dockerfile;
	const char *input_hash;
	const char *image; /* full name with tag; NULL: no registry is configured */
};

/* The note on <api>-dockerfile, once there is one. */
void build_need(const struct world *w, struct needs *n);

/* False: in->not_accepted says what is wrong with the documents. */
bool build_compile(struct inputs *in, struct build *ret);

/* Conditions Built and PoliciesResolved, and the inputs of a build if one is needed. *ret_image is
 * what to run: NULL ref as long as there is nothing. */
void build_decide(
	struct plan *p, struct inputs *in, const struct build *b, struct image *ret_image);

#endif
