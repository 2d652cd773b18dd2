#include "lib/kube/body.h"

#include "lib/base/str.h"
#include "lib/json/json.h"

/* The code point at text when YAML must not see it raw, and its length in UTF-8; 0 otherwise. All
 * are in strings, since JSON has no other place for them. */
static unsigned int special(const char *text, size_t *ret_n)
{
	const unsigned char *c = (const unsigned char *)text;
	unsigned int point;

	*ret_n = 1;
	if (c[0] == 0x7f)
		return c[0];
	if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f) {
		*ret_n = 2;
		return c[1];
	}
	if ((c[0] & 0xf0) != 0xe0 || (c[1] & 0xc0) != 0x80 || (c[2] & 0xc0) != 0x80)
		return 0;
	point = (c[0] & 0x0fu) << 12 | (c[1] & 0x3fu) << 6 | (c[2] & 0x3fu);
	if (point != 0x2028 && point != 0x2029 && point != 0xfeff && point != 0xfffe &&
		point != 0xffff)
		return 0;
	*ret_n = 3;
	return point;
}

const char *body_for_apply(struct arena *a, const struct json *object, size_t *ret_n)
{
	const char *text = json_text(a, object);
	const char *from = text;
	struct str out;
	size_t n;

	str_init(&out, a, JSON_MAX_TEXT);
	for (const char *at = text; *at; at += n) {
		unsigned int point = special(at, &n);

		if (point == 0)
			continue;
		str_addn(&out, from, (size_t)(at - from));
		str_addf(&out, "\\u%04x", point);
		from = at + n;
	}
	if (from == text) {
		*ret_n = strlen(text);
		return text;
	}
	str_add(&out, from);
	*ret_n = out.len;
	return out.ptr;
}
