/* Any bytes as an AWS credentials file: a key has both halves and no line break, which would leave
 * its header. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "builder-svc/amazon.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must_fit_a_header(const char *text)
{
	if (str_empty(text) || strpbrk(text, "\r\n"))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct err err = { .code = ERR_NONE };
	struct aws_key key;

	if (!aws_key_read(a, (const char *)data, n, &key, &err)) {
		if (err.code == ERR_NONE)
			abort();
		return 0;
	}
	must_fit_a_header(key.id);
	must_fit_a_header(key.secret);
	if (key.session)
		must_fit_a_header(key.session);
	return 0;
}
