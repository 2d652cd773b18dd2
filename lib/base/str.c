#include "lib/base/str.h"

#include <ctype.h>
#include <stdarg.h>
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
