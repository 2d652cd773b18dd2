/* Log lines: a constant message and typed pairs, as logfmt on standard error.
 *
 *   log_info("object applied", kv_str("kind", "ConfigMap"), kv_int("ms", ms));
 *   → ts=2026-11-23T12:00:00.123Z level=info svc=api-svc key=api/shop/store msg="object applied"
 * kind=ConfigMap ms=3
 *
 * An error is logged once, where it stops travelling; below lib/svc nothing logs. Never a secret:
 * no pair takes one. At least one pair is needed. One thread logs; the sink is chosen once at the
 * start.
 */
#ifndef LIB_SVC_LOG_H
#define LIB_SVC_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level {
	LOG_ERROR,
	LOG_INFO,
	LOG_DEBUG,
};

struct kv {
	const char *key; /* NULL ends the list */
	const char *text;
	int64_t number; /* when text is NULL */
};

static inline struct kv kv_str(const char *key, const char *text)
{
	return (struct kv){ key, text ? text : "", 0 };
}

static inline struct kv kv_int(const char *key, int64_t number)
{
	return (struct kv){ key, 0, number };
}

#define KV_END                                                                                     \
	(struct kv)                                                                                \
	{                                                                                          \
		0, 0, 0                                                                            \
	}

#define log_error(msg, ...) log_write(LOG_ERROR, msg, (const struct kv[]){ __VA_ARGS__, KV_END })
#define log_info(msg, ...) log_write(LOG_INFO, msg, (const struct kv[]){ __VA_ARGS__, KV_END })
#define log_debug(msg, ...) log_write(LOG_DEBUG, msg, (const struct kv[]){ __VA_ARGS__, KV_END })

/* service is borrowed for the life of the process. */
void log_open(const char *service, enum log_level level);

/* Said in every line until changed: whom the work in hand is about. Borrowed; NULL: nobody. */
void log_context(const char *key, const char *traceparent);

/* The same, for who takes turns with others: the present one, and back to it later. */
struct log_context {
	const char *key;
	const char *traceparent;
};

struct log_context log_context_get(void);

bool log_level_parse(const char *text, enum log_level *ret);
void log_write(enum log_level level, const char *msg, const struct kv *pairs);

#endif
