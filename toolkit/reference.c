#include <ctype.h>

#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "toolkit/model.h"

enum {
	MAX_REFS = 10, /* one behind the other */
};

/* "%7B" → "{": a pointer is the fragment of a URI. */
static char *uri_decoded(struct arena *a, const char *text)
{
	char *out = arena_alloc(a, strlen(text) + 1);
	size_t n = 0;

	for (; *text; text++) {
		char digits[3] = { 0 };

		out[n] = *text;
		if (*text == '%' && isxdigit((unsigned char)text[1]) &&
			isxdigit((unsigned char)text[2])) {
			memcpy(digits, text + 1, 2);
			out[n] = (char)strtoul(digits, NULL, 16);
			text += 2;
		}
		n++;
	}
	return out;
}

/* "~1" → "/", "~0" → "~" (RFC 6901). */
static char *pointer_token(struct arena *a, const char *at, size_t n)
{
	char *out = arena_alloc(a, n + 1);
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		if (at[i] == '~' && i + 1 < n && (at[i + 1] == '0' || at[i + 1] == '1'))
			out[k++] = at[++i] == '1' ? '/' : '~';
		else
			out[k++] = at[i];
	}
	return out;
}

static const struct json *child(const struct json *v, const char *token)
{
	size_t n = strlen(token);

	if (!json_is_array(v))
		return json_get(v, token);
	if (n == 0 || n > 6 || strspn(token, "0123456789") != n)
		return NULL;
	return json_at(v, (size_t)strtoul(token, NULL, 10));
}

static const struct json *pointed_at(struct arena *a, const struct json *root, const char *ref)
{
	const struct json *v = root;

	if (!str_starts(ref, "#/"))
		return NULL;
	ref = uri_decoded(a, ref + 1);
	while (v && *ref) {
		size_t n = strcspn(++ref, "/");

		v = child(v, pointer_token(a, ref, n));
		ref += n;
	}
	return v;
}

const struct json *reference_followed(
	struct arena *a, const struct json *root, const struct json *v)
{
	for (int i = 0; json_is_object(v); i++) {
		const char *ref = json_get_str(v, "$ref");

		if (!ref)
			return v;
		v = i < MAX_REFS ? pointed_at(a, root, ref) : NULL;
	}
	return NULL;
}
