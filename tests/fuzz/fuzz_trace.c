/* Any traceparent of a client: nothing is read beyond it, and what is taken is written as a context
 * that is taken again and means the same. */
#include "gateway/core/trace.h"
#include "lib/base/attr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct trace_parent p, again;
	char text[TRACE_PARENT_CHARS + 1];

	if (!trace_parse((struct span){ (const char *)data, n }, &p))
		return 0;
	trace_format(&p, text);
	if (!trace_parse((struct span){ text, TRACE_PARENT_CHARS }, &again) ||
		memcmp(p.trace, again.trace, sizeof(p.trace)) != 0 ||
		memcmp(p.span, again.span, sizeof(p.span)) != 0 || p.sampled != again.sampled)
		abort();
	return 0;
}
