/* Any bytes as a message from the bus. What is accepted survives being sent again. */
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/msg/wake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct err err = { .code = ERR_NONE };
	const void *bytes;
	struct wake again;
	struct wake w;
	size_t size;

	if (!wake_decode(a, data, n, &w, &err))
		return 0;
	wake_encode(a, &w, &bytes, &size);
	if (!wake_decode(a, bytes, size, &again, &err) || !ref_eq(w.ref, again.ref) ||
		!str_eq(w.cause, again.cause) || w.moved.n != again.moved.n)
		abort();
	(void)subject_for(a, "cr.api", w.ref.ns, w.ref.name);
	return 0;
}
