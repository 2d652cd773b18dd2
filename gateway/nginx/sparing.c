/* A reload closes no connection under a client's hands.
 *
 * Told to finish, an nginx worker closes its idle connections at once, and a client that sends its
 * next request just then sees it fail. (Over HTTP/2 there is a GOAWAY that says which requests may
 * be sent again, and clients that do not.) Here such a connection is spared for a few seconds: the
 * request in flight is answered and ends the connection (page.c says so in the answer; over HTTP/2
 * a GOAWAY goes before it); without one it is closed then. When the launcher drains, clients had
 * that time already.
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
	bool is_http2;
	bool has_waited;
};

static void forget(void *data)
{
	struct sparing *l = data;

	if (l->event.posted) {
		ngx_delete_posted_event(&l->event); /* more than one statement */
	}
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
		if (l->is_http2)
			c->requests = NGX_MAX_INT32_VALUE;
		ngx_add_timer(ev, SPARED_MS);
		return;
	}
	ev->handler = l->idle;
	l->idle(ev);
}

static void after_request(ngx_event_t *ev)
{
	struct sparing *l = ev->data;
	ngx_connection_t *c = l->connection;
	ngx_event_t *read = c->read;

	/* Over HTTP/2 nginx calls every connection idle; one that waits may be reused for others.
	 * When a backend's answer ended the stream, that is an event too, which comes after this
	 * one. */
	if (l->is_http2 && !c->reusable && !l->has_waited) {
		l->has_waited = true;
		ngx_post_event(ev, &ngx_posted_events);
		return;
	}
	if (!(l->is_http2 ? c->reusable : c->idle) || read->handler == on_idle_read)
		return;
	l->idle = read->handler;
	read->handler = on_idle_read;
}

void sparing_prepare(ngx_http_request_t *r)
{
	ngx_connection_t *c = r->stream ? r->stream->connection->connection : r->connection;
	struct sparing *l;

	if (ngx_exiting || (!r->stream && !r->keepalive))
		return;
	l = find(c);
	if (!l) {
		ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(c->pool, sizeof(*l));

		if (!cleanup)
			return;
		l = cleanup->data;
		*l = (struct sparing){
			.connection = c, .apim = apim_of(r), .is_http2 = r->stream != NULL
		};
		l->event.handler = after_request;
		l->event.data = l;
		l->event.log = ngx_cycle->log;
		cleanup->handler = forget;
	}
	l->has_waited = false;
	if (!l->event.posted) {
		ngx_post_event(&l->event, &ngx_posted_events);
	}
}
