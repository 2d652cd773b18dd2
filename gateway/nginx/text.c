#include "gateway/nginx/text.h"

#include <stdint.h>
#include <string.h>

#include "lib/base/attr.h"

static char *add(char *at, const char *end, const char *bytes, size_t n)
{
	if ((size_t)(end - at) < n)
		return at;
	memcpy(at, bytes, n);
	return at + n;
}

char *text_add(char *at, const char *end, const char *s)
{
	return add(at, end, s, strlen(s));
}

char *text_number(char *at, const char *end, uint64_t n)
{
	char digits[20];
	size_t i = sizeof(digits);

	do
		digits[--i] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	return add(at, end, digits + i, sizeof(digits) - i);
}

struct span text_span(const char *s)
{
	return (struct span){ s, s ? strlen(s) : 0 };
}

/* Length of the UTF-8 sequence at s, 0 when it is none (overlong forms and surrogates included). */
static size_t sequence(const unsigned char *s, size_t n)
{
	static const struct {
		unsigned char mask, lead, length;
		uint32_t least;
	} forms[] = { { 0x80, 0x00, 1, 0 }, { 0xe0, 0xc0, 2, 0x80 }, { 0xf0, 0xe0, 3, 0x800 },
		{ 0xf8, 0xf0, 4, 0x10000 } };

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		uint32_t point = s[0] & (unsigned char)~forms[i].mask;

		if ((s[0] & forms[i].mask) != forms[i].lead || forms[i].length > n)
			continue;
		for (size_t k = 1; k < forms[i].length; k++) {
			if ((s[k] & 0xc0) != 0x80)
				return 0;
			point = point << 6 | (s[k] & 0x3f);
		}
		if (point < forms[i].least || point > 0x10ffff ||
			(point >= 0xd800 && point < 0xe000))
			return 0;
		return forms[i].length;
	}
	return 0;
}

static char *add_control(char *at, const char *end, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	char escape[] = { '\\', 'u', '0', '0', digits[c >> 4], digits[c & 15] };

	return add(at, end, escape, sizeof(escape));
}

char *text_json(char *at, const char *end, struct span s)
{
	for (size_t i = 0; i < s.n;) {
		const unsigned char *p = (const unsigned char *)s.at + i;
		size_t n = sequence(p, s.n - i);

		if (n == 0 || *p == '\0')
			at = add(at, end, "\xef\xbf\xbd", 3);
		else if (*p < 0x20 || *p == 0x7f)
			at = add_control(at, end, *p);
		else if (*p == '"' || *p == '\\')
			at = add(at, end, (const char[]){ '\\', (char)*p }, 2);
		else
			at = add(at, end, (const char *)p, n);
		i += n > 0 ? n : 1;
	}
	return at;
}

char *text_path(char *at, const char *end, struct span s)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.at[i];
		char escape[] = { '%', digits[c >> 4], digits[c & 15] };

		if (c <= 0x20 || c >= 0x7f || c == '"' || c == '\\')
			at = add(at, end, escape, sizeof(escape));
		else
			at = add(at, end, &s.at[i], 1);
	}
	return at;
}

char *text_label(char *at, const char *end, struct span s)
{
	for (size_t i = 0; i < s.n;) {
		const unsigned char *p = (const unsigned char *)s.at + i;
		size_t n = sequence(p, s.n - i);

		if (n == 0 || *p < 0x20)
			at = add(at, end, *p == '\n' ? "\\n" : "?", *p == '\n' ? 2 : 1);
		else if (*p == '"' || *p == '\\')
			at = add(at, end, (const char[]){ '\\', (char)*p }, 2);
		else
			at = add(at, end, (const char *)p, n);
		i += n > 0 ? n : 1;
	}
	return at;
}
