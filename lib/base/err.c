#include "lib/base/err.h"

#include <stdarg.h>

static void put(char *buf, size_t size, const char *fmt, va_list ap) PRINTF_LIKE(3, 0);

/* A message that does not fit ends in an ellipsis instead of silently in the middle of a word. */
static void put(char *buf, size_t size, const char *fmt, va_list ap)
{
	int n = vsnprintf(buf, size, fmt, ap);

	if (n >= 0 && (size_t)n >= size)
		memcpy(buf + size - 4, "...", 4);
}

bool err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	err->code = code;
	va_start(ap, fmt);
	put(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	return false;
}

bool err_wrap(struct err *err, const char *fmt, ...)
{
	char context[sizeof(err->msg)];
	char inner[sizeof(err->msg)];
	va_list ap;

	va_start(ap, fmt);
	put(context, sizeof(context), fmt, ap);
	va_end(ap);
	memcpy(inner, err->msg, sizeof(inner));
	return err_set(err, err->code, "%s: %s", context, inner);
}

const char *err_code_name(enum err_code code)
{
	switch (code) {
	case ERR_NONE:
		return "none";
	case ERR_INVALID:
		return "invalid";
	case ERR_NOT_FOUND:
		return "not_found";
	case ERR_CONFLICT:
		return "conflict";
	case ERR_DENIED:
		return "denied";
	case ERR_ENDING:
		return "ending";
	case ERR_LIMIT:
		return "limit";
	case ERR_TIMEOUT:
		return "timeout";
	case ERR_UNAVAILABLE:
		return "unavailable";
	case ERR_BUG:
		return "bug";
	}
	return "bug";
}
