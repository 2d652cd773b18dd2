/* The cuts of a stream do not depend on how the network chopped it up, and no byte is read twice or
 * lost. */
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/kube/stream.h"

enum {
	MAX_TEXT = 64,
	MAX_OUT = 1024 * 1024,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool note(void *arg, const char *text, size_t n, struct err *err)
{
	struct str *out = arg;

	if (n > MAX_TEXT || n == 0)
		abort();
	str_addn(out, text, n);
	str_addc(out, '\x1e');
	return !memchr(text, '!', n) || err_set(err, ERR_CONFLICT, "stop");
}

static struct str run_lines(struct arena *a, const char *bytes, size_t n, size_t piece)
{
	struct err err;
	struct lines l;
	struct str out;

	str_init(&out, a, MAX_OUT);
	lines_init(&l, MAX_TEXT, note, &out);
	for (size_t i = 0; i < n; i += piece)
		if (!lines_feed(&l, bytes + i, n - i < piece ? n - i : piece, &err)) {
			str_add(&out, err_code_name(err.code));
			break;
		}
	lines_free(&l);
	return out;
}

static struct str run_items(struct arena *a, const char *bytes, size_t n, size_t piece)
{
	struct err err;
	struct items it;
	struct str out;
	bool ok = true;

	str_init(&out, a, MAX_OUT);
	items_init(&it, MAX_TEXT, note, &out);
	for (size_t i = 0; i < n && ok; i += piece)
		ok = items_feed(&it, bytes + i, n - i < piece ? n - i : piece, &err);
	ok = ok && items_end(&it, &err);
	if (ok)
		str_addn(&out, it.envelope.ptr, it.envelope.n);
	else
		str_add(&out, err_code_name(err.code));
	items_free(&it);
	return out;
}

static void same(struct str x, struct str y)
{
	if (x.len != y.len || memcmp(x.ptr, y.ptr, x.len) != 0)
		abort();
}

static bool count(void *arg, const char *text, size_t n, struct err *err)
{
	size_t *texts = arg;

	(void)text;
	(void)n;
	(void)err;
	(*texts)++;
	return true;
}

/* Of a list that is JSON as many texts are cut as it has elements, and its envelope is JSON, too.
 */
static void check_list(struct arena *a, const char *bytes, size_t n)
{
	struct err err;
	const struct json *items = json_get(json_parse(a, bytes, n, &err), "items");
	struct items it;
	size_t texts = 0;

	if (!json_is_array(items))
		return;
	/* cJSON takes any control character for a space. */
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)bytes[i] < ' ')
			return;
	json_foreach (item, items)
		if (!json_is_object(item))
			return;
	items_init(&it, n, count, &texts);
	if (!items_feed(&it, bytes, n, &err) || !items_end(&it, &err))
		abort();
	if (!json_parse(a, it.envelope.ptr, it.envelope.n, &err))
		abort();
	if (texts != 0 && texts != json_len(items))
		abort();
	items_free(&it);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const char *bytes;
	size_t piece;

	if (size < 2 || size > 4096)
		return 0;
	piece = 1 + data[0] % 16;
	bytes = arena_dupn(a, data + 1, size - 1);
	same(run_lines(a, bytes, size - 1, size), run_lines(a, bytes, size - 1, piece));
	same(run_items(a, bytes, size - 1, size), run_items(a, bytes, size - 1, piece));
	check_list(a, bytes, size - 1);
	return 0;
}
