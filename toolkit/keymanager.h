/* What the endpoint of a Security of type Oauth means: whom to ask, how, and where the key manager
 * has endpoints of its own.
 *
 *   https://km:9443                      RFC 7662 at /oauth2/introspect; /oauth2/token and so on
 *   https://km:9443/services/API…        by SOAP there (lib/api/security.h); /oauth2/token and so
 * on https://km/any/introspect            RFC 7662 there; nothing is known of others
 */
#ifndef TOOLKIT_KEYMANAGER_H
#define TOOLKIT_KEYMANAGER_H

#include <stdbool.h>

#include "gateway/core/contract.h"
#include "lib/base/attr.h"

struct arena;
struct err;

struct key_manager {
	struct contract_target asked;
	bool is_soap;
	const char *tokens_url; /* above its /token, /authorize, …; NULL: not known */
};

bool key_manager_of(
	struct arena *a, const char *endpoint, struct key_manager *ret, struct err *err) MUST_CHECK;

#endif
