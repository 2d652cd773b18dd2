#include "gateway/nginx/text.h"

#include <string.h>

#include "lib/base/attr.h"
#include "lib/base/str.h"

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

static char *add_control(char *at, const char *end, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	char escape[] = { '\\', 'u', '0', '0', digits[c >> 4], digits[c & 15] };

	return add(at, end, escape, sizeof(escape));
}

/* What stands at the front and for itself, from the character `least` on: most of any text. */
static struct span plain(struct span s, size_t from, unsigned char least)
{
	size_t n = from;

	while (n < s.n && (unsigned char)s.at[n] >= least && (unsigned char)s.at[n] < 0x7f &&
		s.at[n] != '"' && s.at[n] != '\\')
		n++;
	return (struct span){ s.at + from, n - from };
}

static char *add_plain(char *at, const char *end, struct span s)
{
	size_t room = (size_t)(end - at);

	return add(at, end, s.at, s.n < room ? s.n : room);
}

char *text_json(char *at, const char *end, struct span s)
{
	for (size_t i = 0; i < s.n;) {
		const unsigned char *p = (const unsigned char *)s.at + i;
		struct span run = plain(s, i, ' ');
		size_t n;

		if (run.n > 0) {
			at = add_plain(at, end, run);
			i += run.n;
			continue;
		}
		n = utf8_sequence(p, s.n - i);
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

	for (size_t i = 0; i < s.n;) {
		struct span run = plain(s, i, '!');
		unsigned char c = (unsigned char)s.at[i];

		if (run.n > 0)
			at = add_plain(at, end, run);
		else
			at = add(at, end, (const char[]){ '%', digits[c >> 4], digits[c & 15] }, 3);
		i += run.n > 0 ? run.n : 1;
	}
	return at;
}

char *text_label(char *at, const char *end, struct span s)
{
	for (size_t i = 0; i < s.n;) {
		const unsigned char *p = (const unsigned char *)s.at + i;
		size_t n = utf8_sequence(p, s.n - i);

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
