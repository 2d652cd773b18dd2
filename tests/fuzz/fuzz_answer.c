/* Any bytes from a key manager, in two pieces: nothing is read beyond them, and what is complete
 * stays so when more comes. */
#include "gateway/core/answer.h"
#include "lib/base/arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	size_t half = n > 0 ? (size_t)data[0] % (n + 1) : 0;
	struct answer before = { 0 };
	struct answer after = { 0 };
	struct span all = { (const char *)data, n };
	struct span some = { all.at, half };
	struct span value;

	if (answer_read(a, some, false, &before) == ANSWER_COMPLETE &&
		(answer_read(a, all, false, &after) != ANSWER_COMPLETE ||
			before.status != after.status || before.body.n != after.body.n))
		abort();
	if (answer_read(a, all, true, &after) == ANSWER_COMPLETE)
		(void)answer_header(&after, "cache-control", &value);
	return 0;
}
