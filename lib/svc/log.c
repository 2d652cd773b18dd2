#include "lib/svc/log.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/attr.h"
#include "lib/base/str.h"

enum {
	LINE_MAX_BYTES = 4096
};

static const char *const level_names[] = { "error", "info", "debug" };

/* The only state of its kind: set at start, read by every line. */
static const char *log_service = "";
static enum log_level log_max = LOG_INFO;
static const char *context_key;
static const char *context_trace;

struct line {
	char text[LINE_MAX_BYTES];
	size_t n;
};

void log_open(const char *service, enum log_level level)
{
	log_service = service;
	log_max = level;
}

void log_context(const char *key, const char *traceparent)
{
	context_key = key;
	context_trace = traceparent;
}

struct log_context log_context_get(void)
{
	return (struct log_context){ context_key, context_trace };
}

bool log_level_parse(const char *text, enum log_level *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(level_names); i++) {
		if (str_eq_nocase(text, level_names[i])) {
			*ret = (enum log_level)i;
			return true;
		}
	}
	return false;
}

static void put(struct line *l, char c)
{
	if (l->n < sizeof(l->text) - 1)
		l->text[l->n++] = c;
}

static void put_raw(struct line *l, const char *text)
{
	for (; *text; text++)
		put(l, *text);
}

/* A value is quoted unless it is one plain word; quotes, backslashes and control characters are
 * escaped. */
static void put_value(struct line *l, const char *text)
{
	static const char hex[] = "0123456789abcdef";
	bool plain = *text != '\0';

	for (const char *p = text; *p; p++)
		if ((unsigned char)*p <= ' ' || strchr("\"\\=", *p) || *p == 0x7f)
			plain = false;
	if (plain) {
		put_raw(l, text);
		return;
	}
	put(l, '"');
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '\n') {
			put_raw(l, "\\n");
		} else if (c < ' ' || c == 0x7f) {
			put_raw(l, "\\x");
			put(l, hex[c >> 4]);
			put(l, hex[c & 15]);
		} else {
			if (c == '"' || c == '\\')
				put(l, '\\');
			put(l, (char)c);
		}
	}
	put(l, '"');
}

static void put_pair(struct line *l, const char *key, const char *value)
{
	put(l, ' ');
	put_raw(l, key);
	put(l, '=');
	put_value(l, value);
}

static void put_time(struct line *l)
{
	char text[40];
	struct timespec t;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &t);
	if (!gmtime_r(&t.tv_sec, &tm))
		return;
	n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(text + n, sizeof(text) - n, ".%03dZ", (int)(t.tv_nsec / 1000000));
	put_raw(l, "ts=");
	put_raw(l, text);
}

void log_write(enum log_level level, const char *msg, const struct kv *pairs)
{
	struct line l = { .n = 0 };
	char number[32];

	if (level > log_max)
		return;
	put_time(&l);
	put_pair(&l, "level", level_names[level]);
	put_pair(&l, "svc", log_service);
	if (context_key)
		put_pair(&l, "key", context_key);
	put_pair(&l, "msg", msg);
	for (; pairs->key; pairs++) {
		(void)snprintf(number, sizeof(number), "%lld", (long long)pairs->number);
		put_pair(&l, pairs->key, pairs->text ? pairs->text : number);
	}
	if (context_trace)
		put_pair(&l, "trace", context_trace);
	l.text[l.n++] = '\n';
	(void)fwrite(l.text, 1, l.n, stderr);
}
