/* Any bytes on the publisher's socket: nothing is read beyond them, and what is read is written
 * again as the same bytes. */
#include "gateway/core/usage.h"
#include "lib/base/attr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool is_within(struct span s, const uint8_t *data, size_t n)
{
	const uint8_t *at = (const uint8_t *)s.at;

	return s.n <= USAGE_MAX_TEXT && at >= data && at + s.n <= data + n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char again[USAGE_MAX_DATAGRAM];
	struct usage_reader r;
	struct usage u;
	size_t written;

	if (n > USAGE_MAX_DATAGRAM || !usage_read(&r, (const char *)data, n))
		return 0;
	written = usage_begin(r.lost, again);
	while (usage_next(&r, &u)) {
		if (!is_within(u.api, data, n) || !is_within(u.version, data, n) ||
			!is_within(u.operation, data, n) || !is_within(u.application, data, n))
			abort();
		written = usage_write(&u, again, written);
		if (written > n)
			abort();
	}
	return 0;
}
