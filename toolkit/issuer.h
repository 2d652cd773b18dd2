/* Names of Securities → the issuers a contract trusts, its other schemes, and the numbers by which
 * operations mean them. */
#ifndef TOOLKIT_ISSUER_H
#define TOOLKIT_ISSUER_H

#include <stddef.h>

#include "toolkit/model.h"

struct issuers;

/* Looks up every name that a secured operation of the models uses; what cannot be used is told as
 * diagnostics. */
struct issuers *issuers_new(struct arena *a, const struct toolkit_inputs *in, struct reader *whole,
	const struct vec *models);

/* Only those in use, by Security name; within a Security in the order given. */
struct contract_issuer *issuers_list(const struct issuers *s, size_t *ret_n);

/* Securities of other types than JWT, the same way. */
struct contract_scheme *issuers_schemes(const struct issuers *s, size_t *ret_n);

/* Where the key manager has its own endpoints. False: no key manager, or one of which nothing is
 * known but where it is asked. */
bool issuers_key_manager(const struct issuers *s, struct contract_endpoint *ret);

/* A key manager names tiers of APIs that no document knows. */
bool issuers_name_tiers(const struct issuers *s);

/* What an operation's `security` accepts; NULL: what the default Security does. */
void issuers_accepted(const struct issuers *s, const struct model_security *security,
	struct contract_operation *ret);

/* A scheme of the document that stands for the default Security: oauth2, jwt, bearer,
 * openIdConnect. */
bool scheme_means_default(const char *scheme);

#endif
