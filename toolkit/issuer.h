/* Names of Securities → the issuers a contract trusts and the numbers by which operations mean
 * them. */
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

/* Of an operation's `security`; NULL: of the default Security. */
size_t *issuers_numbers(
	const struct issuers *s, const struct model_security *security, size_t *ret_n);

/* A scheme of the document that stands for the default Security: oauth2, jwt, bearer,
 * openIdConnect. */
bool scheme_means_default(const char *scheme);

#endif
