#include "gateway/nginx/peer.h"

#include <openssl/x509v3.h>

#include "gateway/nginx/backend.h"

enum {
	IDLE_MS = 4000, /* below the idle time-out of common servers (5 s and up) */
	LIFE_MS = 60000,
	TRIES_LEAST = 2,
	TRIES_MOST = 3,
};

/* What a kept connection carries with it, in its own pool: made once, however often it is used. */
struct idle {
	ngx_queue_t queue;
	ngx_connection_t *connection;
	struct backend *backend;
	struct address address;
};

/* One request's dealings with its backend. */
struct peer {
	struct backend *backend;
	ngx_http_upstream_t *upstream;
	struct idle *idle;	/* of the connection in use, when it was idle before */
	struct address address; /* in use */
	ngx_str_t name;		/* of that address, for nginx' messages */
	u_char text[NGX_SOCKADDR_STRLEN];
};

/* ---- idle connections ---- */

static void close_connection(ngx_connection_t *c)
{
	if (c->ssl) {
		c->ssl->no_wait_shutdown = 1;
		c->ssl->no_send_shutdown = 1;
		if (ngx_ssl_shutdown(c) == NGX_AGAIN) {
			c->ssl->handler = close_connection;
			return;
		}
	}
	ngx_destroy_pool(c->pool);
	ngx_close_connection(c);
}

static void idle_remove(struct idle *i)
{
	ngx_queue_remove(&i->queue);
	i->backend->n_idle--;
}

static void idle_close(struct idle *i)
{
	idle_remove(i);
	close_connection(i->connection);
}

static void on_idle_write(ngx_event_t *ev)
{
	(void)ev;
}

/* The backend closed the connection, said something unasked, or the time is over. */
static void on_idle_read(ngx_event_t *ev)
{
	ngx_connection_t *c = ev->data;
	char byte;

	if (!c->close && !ev->timedout && recv(c->fd, &byte, 1, MSG_PEEK) == -1 &&
		ngx_socket_errno == NGX_EAGAIN) {
		ev->ready = 0;
		if (ngx_handle_read_event(ev, 0) == NGX_OK)
			return;
	}
	idle_close(c->data);
}

void peer_drop_unknown(struct backend *b)
{
	ngx_queue_t *next;

	for (ngx_queue_t *q = ngx_queue_head(&b->idle); q != ngx_queue_sentinel(&b->idle);
		q = next) {
		struct idle *i = ngx_queue_data(q, struct idle, queue);

		next = ngx_queue_next(q);
		if (!backend_has_address(b, &i->address))
			idle_close(i);
	}
}

void peer_drop_all(struct backend *b)
{
	while (!ngx_queue_empty(&b->idle))
		idle_close(ngx_queue_data(ngx_queue_head(&b->idle), struct idle, queue));
}

static void set_log(ngx_connection_t *c, ngx_log_t *log)
{
	c->log = log;
	c->read->log = log;
	c->write->log = log;
	c->pool->log = log;
}

static bool is_reusable(const ngx_http_upstream_t *u, ngx_connection_t *c, ngx_uint_t state)
{
	return !(state & NGX_PEER_FAILED) && c && !c->read->eof && !c->read->error &&
	       !c->read->timedout && !c->write->error && !c->write->timedout && u->keepalive &&
	       u->request_body_sent && !ngx_terminate && !ngx_exiting &&
	       ngx_current_msec - c->start_time < LIFE_MS &&
	       ngx_handle_read_event(c->read, 0) == NGX_OK;
}

static void keep(struct peer *p, ngx_connection_t *c)
{
	struct backend *b = p->backend;
	struct idle *i = p->idle ? p->idle : ngx_pcalloc(c->pool, sizeof(*i));

	if (!i) {
		close_connection(c);
		return;
	}
	if (b->n_idle == BACKEND_MAX_IDLE)
		idle_close(ngx_queue_data(ngx_queue_last(&b->idle), struct idle, queue));
	*i = (struct idle){ .connection = c, .backend = b, .address = p->address };
	ngx_queue_insert_head(&b->idle, &i->queue);
	b->n_idle++;
	if (c->write->timer_set)
		ngx_del_timer(c->write);
	c->read->delayed = 0;
	ngx_add_timer(c->read, IDLE_MS);
	c->write->handler = on_idle_write;
	c->read->handler = on_idle_read;
	c->data = i;
	c->idle = 1;
	set_log(c, ngx_cycle->log);
	if (c->read->ready)
		on_idle_read(c->read);
}

static void reuse(struct peer *p, ngx_peer_connection_t *pc, struct idle *i)
{
	ngx_connection_t *c = i->connection;

	idle_remove(i);
	p->address = i->address;
	p->idle = i;
	c->idle = 0;
	c->sent = 0;
	c->data = NULL;
	if (c->read->timer_set)
		ngx_del_timer(c->read);
	set_log(c, pc->log);
	pc->connection = c;
	pc->cached = 1;
}

/* ---- the interface of nginx' upstream ---- */

static void show_address(struct peer *p, ngx_peer_connection_t *pc)
{
	pc->sockaddr = (struct sockaddr *)&p->address.sockaddr;
	pc->socklen = p->address.len;
	p->name.data = p->text;
	p->name.len = ngx_sock_ntop(pc->sockaddr, pc->socklen, p->text, sizeof(p->text), 1);
	pc->name = &p->name;
}

static ngx_int_t get(ngx_peer_connection_t *pc, void *data)
{
	struct peer *p = data;
	struct backend *b = p->backend;
	const struct address *address;

	pc->cached = 0;
	pc->connection = NULL;
	p->idle = NULL;
	if (!ngx_queue_empty(&b->idle)) {
		reuse(p, pc, ngx_queue_data(ngx_queue_head(&b->idle), struct idle, queue));
		show_address(p, pc);
		return NGX_DONE;
	}
	address = backend_address(b);
	if (!address)
		return NGX_BUSY;
	p->address = *address;
	show_address(p, pc);
	return NGX_OK;
}

static void release(ngx_peer_connection_t *pc, void *data, ngx_uint_t state)
{
	struct peer *p = data;

	if (is_reusable(p->upstream, pc->connection, state)) {
		keep(p, pc->connection);
		pc->connection = NULL;
	}
	if ((state & NGX_PEER_FAILED) && !pc->cached)
		backend_doubt(p->backend);
	if (pc->tries > 0)
		pc->tries--;
}

/* Called before the TLS handshake: the chain always has to lead to a trusted certificate, the name
 * has to match if the contract says so. */
static ngx_int_t check_certificate(ngx_peer_connection_t *pc, void *data)
{
	struct peer *p = data;
	struct apim *m = p->backend->apim;
	const char *host = p->backend->host;
	SSL *ssl = pc->connection->ssl->connection;

	if (!m->trust || SSL_set1_verify_cert_store(ssl, m->trust) != 1)
		return NGX_ERROR;
	SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
	if (!m->contract->verify_hostname)
		return NGX_OK;
	if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1)
		return NGX_OK;
	return SSL_set1_host(ssl, host) == 1 ? NGX_OK : NGX_ERROR;
}

/* Sessions are not resumed: connections are kept instead. */
static void save_session(ngx_peer_connection_t *pc, void *data)
{
	(void)pc;
	(void)data;
}

static ngx_int_t init_peer(ngx_http_request_t *r, ngx_http_upstream_srv_conf_t *us)
{
	struct ctx *ctx = ctx_get(r);
	ngx_http_upstream_t *u = r->upstream;
	struct peer *p = ngx_pcalloc(r->pool, sizeof(*p));

	(void)us;
	if (!p || !ctx || !ctx->backend)
		return NGX_ERROR;
	p->backend = ctx->backend;
	p->upstream = u;
	u->peer.data = p;
	u->peer.get = get;
	u->peer.free = release;
	u->peer.set_session = check_certificate;
	u->peer.save_session = save_session;
	u->peer.tries = ngx_min(ngx_max(p->backend->n_addresses, TRIES_LEAST), TRIES_MOST);
	return NGX_OK;
}

static ngx_int_t init_upstream(ngx_conf_t *cf, ngx_http_upstream_srv_conf_t *us)
{
	(void)cf;
	us->peer.init = init_peer;
	return NGX_OK;
}

char *peer_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
	ngx_http_upstream_srv_conf_t *us =
		ngx_http_conf_get_module_srv_conf(cf, ngx_http_upstream_module);

	(void)cmd;
	(void)conf;
	us->peer.init_upstream = init_upstream;
	us->flags = NGX_HTTP_UPSTREAM_CREATE;
	return NGX_CONF_OK;
}
