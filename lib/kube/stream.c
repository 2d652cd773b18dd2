#include "lib/kube/stream.h"

#include "lib/base/err.h"
#include "lib/base/str.h"

/* ---- lines ---- */

void lines_init(struct lines *l, size_t max_text, stream_fn *fn, void *arg)
{
	*l = (struct lines){ .partial.max = max_text, .fn = fn, .arg = arg };
}

void lines_free(struct lines *l)
{
	buffer_free(&l->partial);
}

static bool too_long(size_t max_text, struct err *err)
{
	return err_set(
		err, ERR_LIMIT, "an object of the stream is longer than %zu bytes", max_text);
}

/* A line that lies in one piece is handed out where it is. */
static bool emit_line(struct lines *l, const char *bytes, size_t n, struct err *err)
{
	bool ok;

	if (l->partial.n == 0)
		return n > l->partial.max ? too_long(l->partial.max, err)
					  : n == 0 || l->fn(l->arg, bytes, n, err);
	if (!buffer_add(&l->partial, bytes, n))
		return too_long(l->partial.max, err);
	ok = l->fn(l->arg, l->partial.ptr, l->partial.n, err);
	buffer_clear(&l->partial);
	return ok;
}

bool lines_feed(struct lines *l, const char *bytes, size_t n, struct err *err)
{
	while (n > 0) {
		const char *end = memchr(bytes, '\n', n);
		size_t len = end ? (size_t)(end - bytes) : n;

		if (!end)
			return buffer_add(&l->partial, bytes, n) || too_long(l->partial.max, err);
		if (!emit_line(l, bytes, len, err))
			return false;
		bytes += len + 1;
		n -= len + 1;
	}
	return true;
}

/* ---- items ---- */

void items_init(struct items *it, size_t max_text, stream_fn *fn, void *arg)
{
	*it = (struct items){ .partial.max = max_text,
		.envelope.max = STREAM_MAX_ENVELOPE,
		.key.max = STREAM_MAX_ENVELOPE,
		.fn = fn,
		.arg = arg };
}

void items_free(struct items *it)
{
	buffer_free(&it->partial);
	buffer_free(&it->envelope);
	buffer_free(&it->key);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_items(const struct items *it)
{
	return it->key.n == 5 && memcmp(it->key.ptr, "items", 5) == 0;
}

/* Inside a string nothing but its end matters; the text of a member's name is noted. */
static bool step_string(struct items *it, char c, struct err *err)
{
	if (it->escaped) {
		it->escaped = false;
	} else if (c == '\\') {
		it->escaped = true;
	} else if (c == '"') {
		it->in_string = false;
		it->in_key = false;
		return true;
	}
	if (it->in_key && !buffer_add(&it->key, &c, 1))
		return too_long(it->key.max, err);
	return true;
}

static bool step_open(struct items *it, char c, struct err *err)
{
	if (it->depth == 0 && (c != '{' || it->ended))
		return err_set(err, ERR_INVALID, "a list must be one JSON object");
	if (it->in_items && it->depth == 2 && c != '{')
		return err_set(err, ERR_INVALID, "items: every element must be an object");
	if (it->depth == 1 && c == '[' && !it->want_key && is_items(it))
		it->in_items = true;
	it->depth++;
	it->want_key = it->depth == 1;
	return true;
}

static bool step_close(struct items *it, struct err *err)
{
	if (it->depth == 0)
		return err_set(err, ERR_INVALID, "a closing bracket without an opening one");
	it->depth--;
	if (it->depth == 1)
		it->in_items = false;
	it->ended = it->depth == 0;
	return true;
}

/* One byte outside of strings. Brackets are counted, not matched: json_parse sees to that. */
static bool step_plain(struct items *it, char c, struct err *err)
{
	switch (c) {
	case '{':
	case '[':
		return step_open(it, c, err);
	case '}':
	case ']':
		return step_close(it, err);
	case '"':
		it->in_string = true;
		it->in_key = it->depth == 1 && it->want_key;
		if (it->in_key)
			buffer_clear(&it->key);
		it->want_key = false;
		break;
	case ',':
		it->want_key = it->depth == 1;
		return true;
	default:
		break;
	}
	if (!is_space(c) && (it->depth == 0 || (it->in_items && it->depth == 2)))
		return err_set(err, ERR_INVALID, "items: every element must be an object");
	return true;
}

static bool step(struct items *it, char c, struct err *err)
{
	return it->in_string ? step_string(it, c, err) : step_plain(it, c, err);
}

static bool in_element(const struct items *it)
{
	return it->in_items && it->depth > 2;
}

static bool keep(struct items *it, bool element, const char *bytes, size_t n, struct err *err)
{
	struct buffer *b = element ? &it->partial : &it->envelope;

	return n == 0 || buffer_add(b, bytes, n) || too_long(b->max, err);
}

static bool emit_item(struct items *it, const char *bytes, size_t n, struct err *err)
{
	bool ok;

	if (it->partial.n == 0)
		return n > it->partial.max ? too_long(it->partial.max, err)
					   : it->fn(it->arg, bytes, n, err);
	if (!keep(it, true, bytes, n, err))
		return false;
	ok = it->fn(it->arg, it->partial.ptr, it->partial.n, err);
	buffer_clear(&it->partial);
	return ok;
}

/* Walks the bytes in runs that belong to one element or to the envelope. Commas between elements
 * belong to neither. */
bool items_feed(struct items *it, const char *bytes, size_t n, struct err *err)
{
	size_t from = 0;

	for (size_t i = 0; i < n; i++) {
		bool was_items = it->in_items;
		bool was_element = in_element(it);

		if (!step(it, bytes[i], err))
			return false;
		if ((!was_element && in_element(it)) || (was_items && !it->in_items)) {
			from = i;
		} else if (was_element && !in_element(it)) {
			if (!emit_item(it, bytes + from, i + 1 - from, err))
				return false;
			from = i + 1;
		} else if (!was_items && it->in_items) {
			if (!keep(it, false, bytes + from, i + 1 - from, err))
				return false;
		}
	}
	if (it->in_items && !in_element(it))
		return true;
	return keep(it, in_element(it), bytes + from, n - from, err);
}

bool items_end(const struct items *it, struct err *err)
{
	if (it->ended)
		return true;
	return err_set(err, ERR_INVALID, "the list ends in the middle");
}
