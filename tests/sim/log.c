/* Takes the place of lib/svc/log.c: what a service logs is a line of the trace. */
#include "lib/svc/log.h"

#include <stdio.h>

#include "tests/sim/process.h"

void log_open(const char *service, enum log_level level)
{
	(void)service, (void)level;
}

void log_context(const char *key, const char *traceparent)
{
	(void)key, (void)traceparent;
}

struct log_context log_context_get(void)
{
	return (struct log_context){ NULL, NULL };
}

bool log_level_parse(const char *text, enum log_level *ret)
{
	(void)text, (void)ret;
	return false;
}

void log_write(enum log_level level, const char *msg, const struct kv *pairs)
{
	char text[1024];
	int n = 0;

	if (level != LOG_ERROR)
		return;
	for (; pairs->key && (size_t)n < sizeof(text); pairs++)
		n += pairs->text ? snprintf(text + n, sizeof(text) - (size_t)n, " %s=\"%s\"",
					   pairs->key, pairs->text)
				 : snprintf(text + n, sizeof(text) - (size_t)n, " %s=%lld",
					   pairs->key, (long long)pairs->number);
	process_logs(msg, n > 0 ? text : "");
}
