/* One segment of a path template that holds parameters: "{id}", "{id}.json", "v{major}.{minor}".
 *
 * A parameter stands for one or more characters. Two of them need text between, or a value could
 * be cut in more than one way. What values are is nobody's question here: only whether a segment
 * matches.
 */
#ifndef GATEWAY_CORE_SEGMENT_H
#define GATEWAY_CORE_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/core/core.h"
#include "lib/base/attr.h"

struct err;

/* Whether braces are balanced, parameters named and apart from each other. */
bool segment_parameters_ok(struct span segment, struct err *err) MUST_CHECK;

bool segment_has_parameter(struct span segment);
bool segment_is_parameter(struct span segment); /* nothing else: "{id}" */

/* The value matches a segment that has parameters. */
bool segment_matches(struct span segment, struct span value);

/* Order in which segments with parameters are tried: the one with more text of its own first. 0:
 * they match the same values. */
int segment_compare(struct span x, struct span y);

#endif
