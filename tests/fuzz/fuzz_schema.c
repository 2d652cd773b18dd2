/* A schema, a line feed, a body: no schema or body crashes, takes long, or is judged in two ways;
 * errors are whole and end within their room. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/schema/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void judge(const struct schema *s, const char *body, size_t n)
{
	char errors[SCHEMA_MAX_MESSAGE];
	char small[64];
	bool ok = schema_check(s, body, n, errors, sizeof(errors));

	if (ok != schema_check(s, body, n, small, sizeof(small)))
		abort();
	if (ok)
		return;
	if (strlen(errors) < 3 || strcmp(errors + strlen(errors) - 2, ", ") != 0)
		abort();
	if (strlen(small) >= sizeof(small))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *text = (const char *)data;
	const char *end = n > 0 ? memchr(text, '\n', n) : NULL;
	size_t length = end ? (size_t)(end - text) : n;
	char why[200] = "";
	struct schema *s = schema_new(text, length, why, sizeof(why));

	if (!s && !*why)
		abort();
	if (s && end)
		judge(s, end + 1, n - length - 1);
	schema_free(s);
	return 0;
}
