/* Where a backend runs in relation to its gateway: `mode` of APIs, TargetEndpoints and OpenAPI
 * documents, one list of words for all three. */
#ifndef LIB_API_MODE_H
#define LIB_API_MODE_H

#include "lib/base/attr.h"

enum mode {
	MODE_UNSET,
	MODE_PRIVATE_JET, /* a gateway of its own; the backend is separate */
	MODE_SIDECAR,	  /* the backend is a container of the gateway's pod */
	MODE_SHARED,	  /* one gateway for several documents */
	MODE_SERVERLESS,  /* the backend is a Knative Service */
	MODE_UNKNOWN,
};

/* Without regard to case. NULL and "" are MODE_UNSET, other words MODE_UNKNOWN. */
enum mode mode_parse(const char *text);

const char *mode_name(enum mode mode); /* "privateJet", …; "" for MODE_UNSET, "unknown" */

#endif
