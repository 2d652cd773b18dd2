#include "lib/svc/probe.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

enum {
	ALIVE_WITHIN_S = 60,
	MAX_CONNECTIONS = 16,
	IDLE_TIMEOUT_S = 10,
};

struct probe {
	struct MHD_Daemon *daemon;
	atomic_long last_turn_s;
	pthread_mutex_t lock; /* guards what stands below */
	bool ready;
	char reason[256];
	char *metrics;
	size_t n_metrics;
};

static long now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long)t.tv_sec;
}

static enum MHD_Result reply(
	struct MHD_Connection *c, unsigned int status, const char *text, size_t n)
{
	char *copy = malloc(n + 1);
	struct MHD_Response *r;
	enum MHD_Result result;

	if (!copy)
		abort();
	memcpy(copy, text, n);
	r = MHD_create_response_from_buffer(n, copy, MHD_RESPMEM_MUST_FREE);
	if (!r) {
		free(copy);
		return MHD_NO;
	}
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; version=0.0.4");
	result = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result reply_text(struct MHD_Connection *c, unsigned int status, const char *text)
{
	return reply(c, status, text, strlen(text));
}

static enum MHD_Result reply_ready(struct probe *p, struct MHD_Connection *c)
{
	char reason[sizeof(p->reason)];
	bool ready;

	pthread_mutex_lock(&p->lock);
	ready = p->ready;
	memcpy(reason, p->reason, sizeof(reason));
	pthread_mutex_unlock(&p->lock);
	return reply_text(
		c, ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, ready ? "ok\n" : reason);
}

static enum MHD_Result reply_metrics(struct probe *p, struct MHD_Connection *c)
{
	enum MHD_Result result;

	pthread_mutex_lock(&p->lock);
	result = reply(c, MHD_HTTP_OK, p->metrics ? p->metrics : "", p->n_metrics);
	pthread_mutex_unlock(&p->lock);
	return result;
}

static enum MHD_Result answer(void *arg, struct MHD_Connection *c, const char *url,
	const char *method, const char *version UNUSED, const char *upload UNUSED, size_t *upload_n,
	void **state UNUSED)
{
	struct probe *p = arg;

	*upload_n = 0;
	if (!str_eq(method, "GET") && !str_eq(method, "HEAD"))
		return reply_text(c, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET\n");
	if (str_eq(url, "/healthz")) {
		if (now_s() - atomic_load(&p->last_turn_s) <= ALIVE_WITHIN_S)
			return reply_text(c, MHD_HTTP_OK, "ok\n");
		return reply_text(c, MHD_HTTP_SERVICE_UNAVAILABLE, "the loop does not turn\n");
	}
	if (str_eq(url, "/readyz"))
		return reply_ready(p, c);
	if (str_eq(url, "/metrics"))
		return reply_metrics(p, c);
	return reply_text(c, MHD_HTTP_NOT_FOUND, "try /healthz, /readyz or /metrics\n");
}

struct probe *probe_new(int port, struct err *err)
{
	struct probe *p = calloc(1, sizeof(*p));

	if (!p)
		abort();
	pthread_mutex_init(&p->lock, NULL);
	memcpy(p->reason, "starting\n", sizeof("starting\n"));
	atomic_store(&p->last_turn_s, now_s());
	p->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, (uint16_t)port, NULL, NULL,
		answer, p, MHD_OPTION_CONNECTION_LIMIT, (unsigned int)MAX_CONNECTIONS,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)IDLE_TIMEOUT_S, MHD_OPTION_END);
	if (p->daemon)
		return p;
	err_set(err, ERR_UNAVAILABLE, "cannot listen on port %d for probes and metrics", port);
	probe_free(p);
	return NULL;
}

void probe_free(struct probe *p)
{
	if (!p)
		return;
	if (p->daemon)
		MHD_stop_daemon(p->daemon);
	pthread_mutex_destroy(&p->lock);
	free(p->metrics);
	free(p);
}

int probe_port(const struct probe *p)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(p->daemon, MHD_DAEMON_INFO_BIND_PORT);

	return info ? info->port : 0;
}

void probe_alive(struct probe *p)
{
	if (p)
		atomic_store(&p->last_turn_s, now_s());
}

void probe_ready(struct probe *p, bool ready, const char *reason)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->ready = ready;
	(void)snprintf(p->reason, sizeof(p->reason), "%s\n", reason ? reason : "");
	pthread_mutex_unlock(&p->lock);
}

void probe_metrics(struct probe *p, const char *text, size_t n)
{
	char *copy;

	if (!p)
		return;
	copy = malloc(n + 1);
	if (!copy)
		abort();
	memcpy(copy, text, n);
	pthread_mutex_lock(&p->lock);
	free(p->metrics);
	p->metrics = copy;
	p->n_metrics = n;
	pthread_mutex_unlock(&p->lock);
}
