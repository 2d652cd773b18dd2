/* Opaque tokens: what API Manager's older key managers say about one, by the SOAP call validateKey.
 *
 * Unlike RFC 7662 the question is about one use of a token: API, path template and method. So is
 * the answer, scopes and subscription included; it names the tiers of the call, and the fault if
 * there is one. It comes from a server that is only half trusted: what is not the one answer that
 * is expected (a document type, a field twice, another namespace) is a failure, entities are never
 * declared, and nothing outside of the answer is looked at.
 */
#ifndef GATEWAY_CORE_SOAP_H
#define GATEWAY_CORE_SOAP_H

#include <stdint.h>

#include "gateway/core/core.h"

struct arena;
struct introspection;

#define SOAP_ACTION "urn:validateKey"

/* Body of the question, text/xml in UTF-8. The token is printable ASCII. */
struct span soap_question(struct arena *a, const struct core_question *q);

/* As introspection_read. */
void soap_read(struct arena *a, const struct core_question *q, int status, struct span body,
	int64_t now_s, int64_t believe_s, struct introspection *ret);

#endif
