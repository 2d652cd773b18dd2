/* Autoscaler metrics as users wrote them, for autoscaling/v2. */
#ifndef LIB_CONF_METRICS_H
#define LIB_CONF_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/attr.h"

struct arena;
struct err;
struct json;

/* [{"type":"Resource","resource":{"name":"cpu",…}}] */
struct json *metrics_cpu(struct arena *a, int64_t percent);

/* A YAML list in the shape of autoscaling/v2 (or v2beta2, which is the same), or, with v2beta1, in
 * the older one, which is translated. NULL with err: not such a list. An empty text or list is NULL
 * without err (code ERR_NONE). */
struct json *metrics_parse(
	struct arena *a, const char *text, bool v2beta1, struct err *err) MUST_CHECK;

#endif
