/* What a document says about the bodies of its operations, for gateways that validate them, and the
 * examples that stand in for a backend. */
#ifndef TOOLKIT_BODY_H
#define TOOLKIT_BODY_H

#include "toolkit/model.h"

/* "200" → 200, "2XX" → 2, "default" → 0. False: no status. */
bool answer_status(const char *key, uint16_t *ret);

/* Bodies of all documents; each schema is kept once. */
struct bodies;

/* Reads what the settings ask for; errors are told. */
struct bodies *bodies_read(
	struct arena *a, const struct toolkit_settings *s, const struct vec *models);
struct contract_schema *bodies_schemas(struct bodies *b, size_t *ret_n);
void bodies_put(
	const struct bodies *b, const struct model_operation *from, struct contract_operation *to);

#endif
