/* A reload closes no connection under a client's hands.
 *
 * Told to finish, an nginx worker closes its idle HTTP/1.1 connections at once, and a client that
 * sends its next request just then sees it fail. Here such a connection is spared for a few
 * seconds: the request in flight is answered and ends the connection (page.c says so in the
 * answer); without one it is closed then. When the launcher drains, clients had that time already.
 *
 * nginx has no hook for this: an event that runs right after it made a connection idle puts our
 * read handler before nginx' own.
 */
#include "gateway/nginx/apim.h"

enum {
	SPARED_MS = 5000
};

/* Lives in the connection's pool. */
struct sparing {
	ngx_connection_t *connection;
	const struct apim *apim;
	ngx_event_t event;
	ngx_event_handler_pt idle; /* nginx' read handler of idle connections */
	bool is_spared;
};

static void forget(void *data)
{
	struct sparing *l = data;

	if (l->event.posted)
		ngx_delete_posted_event(&l->event);
}

static struct sparing *find(const ngx_connection_t *c)
{
	for (ngx_pool_cleanup_t *p = c->pool->cleanup; p; p = p->next)
		if (p->handler == forget)
			return p->data;
	return NULL;
}

static void on_idle_read(ngx_event_t *ev)
{
	ngx_connection_t *c = ev->data;
	struct sparing *l = find(c);

	if (c->close && ngx_exiting && !ev->timedout && !l->is_spared && !apim_is_ending(l->apim)) {
		l->is_spared = true;
		c->close = 0;
		ngx_add_timer(ev, SPARED_MS);
		return;
	}
	ev->handler = l->idle;
	l->idle(ev);
}

static void after_request(ngx_event_t *ev)
{
	struct sparing *l = ev->data;
	ngx_event_t *read = l->connection->read;

	if (!l->connection->idle || read->handler == on_idle_read)
		return;
	l->idle = read->handler;
	read->handler = on_idle_read;
}

void sparing_prepare(ngx_http_request_t *r)
{
	ngx_connection_t *c = r->connection;
	struct sparing *l;

	if (r->stream || !r->keepalive || ngx_exiting)
		return;
	l = find(c);
	if (!l) {
		ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(c->pool, sizeof(*l));

		if (!cleanup)
			return;
		l = cleanup->data;
		*l = (struct sparing){ .connection = c, .apim = apim_of(r) };
		l->event.handler = after_request;
		l->event.data = l;
		l->event.log = ngx_cycle->log;
		cleanup->handler = forget;
	}
	if (!l->event.posted) {
		ngx_post_event(&l->event, &ngx_posted_events);
	}
}
