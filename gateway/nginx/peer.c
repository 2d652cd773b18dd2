#include "gateway/nginx/peer.h"

#include <openssl/x509v3.h>

#include "gateway/core/credentials.h"
#include "gateway/nginx/backend.h"
#include "gateway/nginx/endpoint.h"
#include "gateway/nginx/outbound.h"

enum {
	IDLE_MS = 4000, /* below the idle time-out of common servers (5 s and up) */
	LIFE_MS = 60000,
};

/* What a kept connection carries with it, in its own pool: made once, however often it is used. */
struct idle {
	ngx_queue_t queue;
	ngx_connection_t *connection;
	struct backend *backend;
	struct address address;
	bool is_grpc; /* HTTP/2: of no use to others */
};

/* One request's dealings with its backend. */
struct peer {
	struct ctx *ctx;
	struct backend *backend;
	ngx_http_upstream_t *upstream;
	bool was_tried;	 /* at least once */
	bool same_again; /* a kept connection was closed: that says nothing about the target */
	bool is_bad;	 /* the answer is as bad as none */
	ngx_int_t (*process_header)(ngx_http_request_t *r); /* the protocol's own */
	ngx_int_t (*reinit_request)(ngx_http_request_t *r);
	struct idle *idle;	/* of the connection in use, when it was idle before */
	struct address address; /* in use */
	ngx_str_t name;		/* its text */
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
	*i = (struct idle){
		.connection = c, .backend = b, .address = p->address, .is_grpc = p->ctx->is_grpc
	};
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

/* The one used last, of those that speak the same. */
static struct idle *idle_for(struct backend *b, bool is_grpc)
{
	for (ngx_queue_t *q = ngx_queue_head(&b->idle); q != ngx_queue_sentinel(&b->idle);
		q = ngx_queue_next(q)) {
		struct idle *i = ngx_queue_data(q, struct idle, queue);

		if (i->is_grpc == is_grpc)
			return i;
	}
	return NULL;
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
	p->name = (ngx_str_t){ p->address.text_len, p->address.text };
	pc->name = &p->name;
}

/* At the target that ctx is aimed at now, whatever the location's proxy_pass says. */
static void aim(struct peer *p)
{
	static const ngx_str_t schemes[] = { ngx_string("http://"), ngx_string("https://") };
	bool tls = p->ctx->backend->target->tls;

	p->backend = p->ctx->backend;
	p->upstream->ssl = tls;
	if (!p->ctx->is_grpc)
		p->upstream->schema = schemes[tls]; /* in nginx' messages */
}

/* Writes the request for the target that ctx is aimed at now. */
static bool write_anew(struct peer *p)
{
	ngx_http_request_t *r = p->ctx->request;
	ngx_http_upstream_t *u = p->upstream;

	aim(p);
	u->request_bufs = r->request_body ? r->request_body->bufs : NULL;
	return u->create_request(r) == NGX_OK;
}

static bool take_next(struct peer *p)
{
	if (!endpoint_next(p->backend->apim, p->ctx))
		return false;
	return p->ctx->backend == p->backend || write_anew(p);
}

static ngx_int_t get(ngx_peer_connection_t *pc, void *data)
{
	struct peer *p = data;
	const struct address *address;
	struct backend *b;
	struct idle *idle;

	pc->cached = 0;
	pc->connection = NULL;
	p->idle = NULL;
	if (p->was_tried && !p->same_again && !take_next(p))
		return NGX_BUSY;
	p->was_tried = true;
	trace_backend_begins(p->ctx);
	p->same_again = false;
	p->is_bad = false;
	b = p->backend;
	idle = idle_for(b, p->ctx->is_grpc);
	if (idle) {
		reuse(p, pc, idle);
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

/* No answer in time to a request that was sent: it may still be at work, so that only endpoints
 * which ask for it try again. */
static bool is_late(const struct peer *p, const ngx_peer_connection_t *pc)
{
	const ngx_connection_t *c = pc->connection;

	return c && p->upstream->request_sent && (c->read->timedout || c->write->timedout) &&
	       !endpoint_retries_when_late(p->ctx->endpoint);
}

static void release(ngx_peer_connection_t *pc, void *data, ngx_uint_t state)
{
	struct peer *p = data;

	trace_backend_ends(p->ctx);
	if (is_reusable(p->upstream, pc->connection, state)) {
		keep(p, pc->connection);
		pc->connection = NULL;
	}
	if (p->is_bad) {
		endpoint_failed(p->ctx);
	} else if (!(state & NGX_PEER_FAILED)) {
		endpoint_worked(p->ctx);
	} else if (pc->cached) {
		p->same_again = true;
	} else {
		backend_doubt(p->backend);
		endpoint_failed(p->ctx);
	}
	if (pc->tries > 0)
		pc->tries--;
	if (is_late(p, pc))
		pc->tries = 0;
}

/* What is known of the key manager; NULL: nothing yet. */
static const struct credential_set *set_of(const struct backend *b)
{
	const struct apim *m = b->apim;
	const struct credentials *credentials = watch_credentials(m);
	const struct credential_set *set =
		credentials ? &credentials->sets[b->target->key_manager - m->contract->schemes]
			    : NULL;

	return set && set->is_loaded ? set : NULL;
}

/* Keys vouch instead of authorities: what those say is not asked. */
static int is_by_its_key(int preverified, X509_STORE_CTX *chain)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx());
	const ngx_connection_t *c = ngx_ssl_get_connection(ssl);
	const struct ctx *ctx = ctx_get(c->data);
	const struct credential_set *set = ctx && ctx->backend ? set_of(ctx->backend) : NULL;

	(void)preverified;
	if (!set || !outbound_is_by_key(X509_STORE_CTX_get0_cert(chain), ctx->backend->host,
			    set->keys, set->n_keys))
		return 0;
	X509_STORE_CTX_set_error(chain, X509_V_OK);
	return 1;
}

static bool expect_name(SSL *ssl, const char *host)
{
	return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1 ||
	       SSL_set1_host(ssl, host) == 1;
}

/* As where it is asked about tokens: outbound.h. */
static bool expect_key_manager(const struct backend *b, SSL *ssl)
{
	const struct credential_set *set = set_of(b);

	if (!set)
		return false;
	if (set->n_keys > 0) {
		SSL_set_verify(ssl, SSL_VERIFY_PEER, is_by_its_key);
		return true;
	}
	return expect_name(ssl, b->host);
}

/* Called before the TLS handshake: the chain always has to lead to a trusted certificate, the name
 * has to match if the contract says so. */
static ngx_int_t check_certificate(ngx_peer_connection_t *pc, void *data)
{
	const struct backend *b = ((struct peer *)data)->backend;
	const struct apim *m = b->apim;
	SSL *ssl = pc->connection->ssl->connection;

	if (!m->trust || SSL_set1_verify_cert_store(ssl, m->trust) != 1)
		return NGX_ERROR;
	SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
	if (b->target->key_manager)
		return expect_key_manager(b, ssl) ? NGX_OK : NGX_ERROR;
	/* A certificate that is trusted itself need not be an authority's. */
	(void)X509_VERIFY_PARAM_set_flags(SSL_get0_param(ssl), X509_V_FLAG_PARTIAL_CHAIN);
	return !m->contract->verify_hostname || expect_name(ssl, b->host) ? NGX_OK : NGX_ERROR;
}

/* Sessions are not resumed: connections are kept instead. */
static void save_session(ngx_peer_connection_t *pc, void *data)
{
	(void)pc;
	(void)data;
}

/* ---- answers that are as bad as none ---- */

static bool may_go_on(const ngx_http_request_t *r)
{
	return !(r->method & (NGX_HTTP_POST | NGX_HTTP_LOCK | NGX_HTTP_PATCH)) &&
	       !r->request_body_no_buffering;
}

/* INVALID_HEADER is nginx' word for "try the next one", and for 502 when there is none. */
static ngx_int_t judged(ngx_http_request_t *r, struct peer *p)
{
	const struct endpoint *e = p->ctx->endpoint;
	ngx_http_upstream_t *u = r->upstream;

	if (!endpoint_is_failure(e, u->headers_in.status_n))
		return NGX_OK;
	p->is_bad = true;
	if (may_go_on(r) && (u->peer.tries > 1 || e->contract->failover))
		return NGX_HTTP_UPSTREAM_INVALID_HEADER;
	return NGX_OK;
}

/* The protocol changes its function on the way: the one to go on with is remembered. */
static ngx_int_t process_header(ngx_http_request_t *r)
{
	ngx_http_upstream_t *u = r->upstream;
	struct peer *p = u->peer.data;
	ngx_int_t rc;

	u->process_header = p->process_header;
	rc = u->process_header(r);
	p->process_header = u->process_header;
	u->process_header = process_header;
	return rc == NGX_OK ? judged(r, p) : rc;
}

static ngx_int_t reinit_request(ngx_http_request_t *r)
{
	ngx_http_upstream_t *u = r->upstream;
	struct peer *p = u->peer.data;
	ngx_int_t rc = p->reinit_request(r);

	p->process_header = u->process_header;
	u->process_header = process_header;
	return rc;
}

static ngx_int_t init_peer(ngx_http_request_t *r, ngx_http_upstream_srv_conf_t *us)
{
	struct ctx *ctx = ctx_get(r);
	ngx_http_upstream_t *u = r->upstream;
	struct peer *p = ngx_pcalloc(r->pool, sizeof(*p));

	(void)us;
	if (!p || !ctx || !ctx->backend)
		return NGX_ERROR;
	p->ctx = ctx;
	p->upstream = u;
	aim(p);
	p->process_header = u->process_header;
	p->reinit_request = u->reinit_request;
	u->process_header = process_header;
	u->reinit_request = reinit_request;
	u->conf = endpoint_conf(ctx->endpoint, u->conf);
	u->peer.data = p;
	u->peer.get = get;
	u->peer.free = release;
	u->peer.set_session = check_certificate;
	u->peer.save_session = save_session;
	u->peer.tries = endpoint_tries(ctx);
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
