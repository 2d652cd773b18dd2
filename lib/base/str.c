#include "lib/base/str.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <strings.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"

void str_init(struct str *s, struct arena *a, size_t max_bytes)
{
	*s = (struct str){ .arena = a, .max = max_bytes, .cap = 64 };
	s->ptr = arena_alloc(a, s->cap);
}

static bool room(struct str *s, size_t n)
{
	size_t cap = s->cap;
	char *grown;

	if (s->overflow || n > s->max || s->len > s->max - n) {
		s->overflow = true;
		return false;
	}
	if (s->cap - s->len > n)
		return true;
	while (cap - s->len <= n)
		cap *= 2;
	grown = arena_alloc(s->arena, cap);
	memcpy(grown, s->ptr, s->len);
	s->ptr = grown;
	s->cap = cap;
	return true;
}

void str_addn(struct str *s, const void *bytes, size_t n)
{
	if (n == 0 || !room(s, n))
		return;
	memcpy(s->ptr + s->len, bytes, n);
	s->len += n;
	s->ptr[s->len] = '\0';
}

void str_add(struct str *s, const char *text)
{
	str_addn(s, text, strlen(text));
}

void str_cut(struct str *s, size_t len)
{
	if (len >= s->len)
		return;
	s->len = len;
	s->ptr[len] = '\0';
}

void str_addc(struct str *s, char c)
{
	str_addn(s, &c, 1);
}

void str_addf(struct str *s, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort();
	if (!room(s, (size_t)n))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(s->ptr + s->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	s->len += (size_t)n;
}

void str_add_url(struct str *s, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (isalnum(c) || strchr("-._~", c)) {
			str_addc(s, (char)c);
		} else {
			const char esc[3] = { '%', hex[c >> 4], hex[c & 15] };

			str_addn(s, esc, sizeof(esc));
		}
	}
}

bool str_ok(const struct str *s, const char *what, struct err *err)
{
	if (!s->overflow)
		return true;
	return err_set(err, ERR_LIMIT, "%s: longer than the limit of %zu bytes", what, s->max);
}

bool str_eq(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool str_eq_nocase(const char *a, const char *b)
{
	return a == b || (a && b && strcasecmp(a, b) == 0);
}

bool str_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
	size_t n = strlen(text);
	size_t m = strlen(suffix);

	return n >= m && memcmp(text + n - m, suffix, m) == 0;
}

bool str_empty(const char *text)
{
	return !text || !*text;
}

size_t utf8_sequence(const unsigned char *s, size_t n)
{
	static const struct {
		unsigned char mask, lead, length;
		uint32_t least;
	} forms[] = { { 0xe0, 0xc0, 2, 0x80 }, { 0xf0, 0xe0, 3, 0x800 },
		{ 0xf8, 0xf0, 4, 0x10000 } };

	if (s[0] < 0x80)
		return 1;
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

/* Eight bytes, all below 0x80. */
static bool is_ascii(const char *text)
{
	uint64_t word;

	memcpy(&word, text, sizeof(word));
	return (word & UINT64_C(0x8080808080808080)) == 0;
}

bool utf8_ok(const char *text, size_t n)
{
	for (size_t i = 0, k; i < n; i += k) {
		if (n - i >= 8 && is_ascii(text + i))
			k = 8;
		else
			k = utf8_sequence((const unsigned char *)text + i, n - i);
		if (k == 0)
			return false;
	}
	return true;
}
