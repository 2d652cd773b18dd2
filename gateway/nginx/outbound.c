#include "gateway/nginx/outbound.h"

#include <openssl/x509v3.h>

#include "gateway/nginx/resolv.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"

enum {
	LOOKUP_TIMEOUT_MS = 3000,
	SOON_MS = 1,
};

struct outbound {
	struct apim *apim;
	struct outbound_call call;
	struct arena *arena;
	ngx_pool_t *pool;
	ngx_event_t timer; /* of the whole call; after a failure, of its report */
	const char *why;   /* it failed */

	const char *host; /* without the brackets of an IPv6 address */
	const char **names;
	ngx_resolver_ctx_t *lookup; /* in progress */
	struct sockaddr_storage sockaddr;
	socklen_t socklen;

	ngx_peer_connection_t peer;
	ngx_str_t peer_name;
	struct str request;
	size_t sent;
	struct str received;
};

/* ---- ends ---- */

static void close_peer(struct outbound *o)
{
	ngx_connection_t *c = o->peer.connection;

	if (!c)
		return;
	o->peer.connection = NULL;
	if (c->ssl) {
		c->ssl->no_wait_shutdown = 1;
		c->ssl->no_send_shutdown = 1;
		(void)ngx_ssl_shutdown(c);
	}
	ngx_close_connection(c);
}

static void free_outbound(struct outbound *o)
{
	close_peer(o);
	if (o->lookup)
		ngx_resolve_name_done(o->lookup);
	if (o->timer.timer_set)
		ngx_del_timer(&o->timer);
	ngx_destroy_pool(o->pool);
	arena_free(o->arena);
}

void outbound_cancel(struct outbound *o)
{
	free_outbound(o);
}

static void finish(struct outbound *o, const struct answer *answer)
{
	o->call.done(o->call.arg, answer, answer ? NULL : o->why);
	free_outbound(o);
}

static void on_timer(ngx_event_t *ev)
{
	struct outbound *o = ev->data;

	if (!o->why)
		o->why = "timed out";
	finish(o, NULL);
}

/* Reported later: the caller may still be starting the call. */
static void fail(struct outbound *o, const char *why)
{
	if (o->why)
		return;
	o->why = why;
	close_peer(o);
	if (o->timer.timer_set)
		ngx_del_timer(&o->timer);
	ngx_add_timer(&o->timer, SOON_MS);
}

/* ---- exchange ---- */

static void judge(struct outbound *o, bool is_end)
{
	struct span received = { o->received.ptr, o->received.len };
	struct answer answer;

	switch (answer_read(o->arena, received, is_end, &answer)) {
	case ANSWER_COMPLETE:
		close_peer(o);
		finish(o, &answer);
		return;
	case ANSWER_BROKEN:
		fail(o, "no HTTP answer");
		return;
	case ANSWER_PARTIAL:
		return;
	}
}

static void on_read(ngx_event_t *ev)
{
	ngx_connection_t *c = ev->data;
	struct outbound *o = c->data;
	u_char chunk[4096];
	ssize_t n;

	while ((n = c->recv(c, chunk, sizeof(chunk))) > 0)
		str_addn(&o->received, chunk, (size_t)n);
	if (o->received.overflow)
		fail(o, "the answer is too long");
	else if (n == NGX_ERROR && o->received.len == 0)
		fail(o, "the connection broke");
	else if (n == NGX_AGAIN && ngx_handle_read_event(ev, 0) != NGX_OK)
		fail(o, "internal error");
	else
		judge(o, n != NGX_AGAIN);
}

static void on_write(ngx_event_t *ev)
{
	ngx_connection_t *c = ev->data;
	struct outbound *o = c->data;

	while (o->sent < o->request.len) {
		ssize_t n =
			c->send(c, (u_char *)o->request.ptr + o->sent, o->request.len - o->sent);

		if (n == NGX_AGAIN)
			break;
		if (n <= 0) {
			fail(o, "the connection broke");
			return;
		}
		o->sent += (size_t)n;
	}
	if (ngx_handle_write_event(ev, 0) != NGX_OK)
		fail(o, "internal error");
}

/* ---- TLS ---- */

static bool names_host(X509 *certificate, const char *host)
{
	return X509_check_ip_asc(certificate, host, 0) == 1 ||
	       X509_check_host(certificate, host, 0, 0, NULL) == 1;
}

static bool is_current(const X509 *certificate)
{
	return X509_cmp_current_time(X509_get0_notBefore(certificate)) < 0 &&
	       X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0;
}

bool outbound_is_by_key(X509 *certificate, const char *host, EVP_PKEY *const *keys, size_t n_keys)
{
	EVP_PKEY *key = X509_get0_pubkey(certificate);

	for (size_t i = 0; i < n_keys; i++)
		if (EVP_PKEY_eq(key, keys[i]) == 1 ||
			(X509_verify(certificate, keys[i]) == 1 && names_host(certificate, host) &&
				is_current(certificate)))
			return true;
	return false;
}

static bool is_trusted(const struct outbound *o, SSL *ssl)
{
	X509 *certificate = SSL_get0_peer_certificate(ssl);
	bool ok = certificate && (o->call.n_keys > 0 ? outbound_is_by_key(certificate, o->host,
							       o->call.keys, o->call.n_keys)
						     : SSL_get_verify_result(ssl) == X509_V_OK);

	ERR_clear_error();
	return ok;
}

static void on_handshake(ngx_connection_t *c)
{
	struct outbound *o = c->data;

	if (!c->ssl->handshaked) {
		fail(o, "TLS failed");
		return;
	}
	if (!is_trusted(o, c->ssl->connection)) {
		fail(o, "the certificate is not trusted");
		return;
	}
	c->read->handler = on_read;
	c->write->handler = on_write;
	on_write(c->write);
}

static bool set_checks(const struct outbound *o, SSL *ssl)
{
	if (SSL_set_tlsext_host_name(ssl, o->host) != 1)
		return false;
	if (o->call.n_keys > 0)
		return true; /* after the handshake */
	SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
	if (SSL_set1_verify_cert_store(ssl, o->apim->trust) != 1)
		return false;
	return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), o->host) == 1 ||
	       SSL_set1_host(ssl, o->host) == 1;
}

static void start_tls(struct outbound *o, ngx_connection_t *c)
{
	ngx_int_t rc;

	if (!o->apim->trust ||
		ngx_ssl_create_connection(&o->apim->tls, c, NGX_SSL_BUFFER | NGX_SSL_CLIENT) !=
			NGX_OK ||
		!set_checks(o, c->ssl->connection)) {
		fail(o, "TLS cannot be set up");
		return;
	}
	rc = ngx_ssl_handshake(c);
	if (rc == NGX_AGAIN)
		c->ssl->handler = on_handshake;
	else
		on_handshake(c);
}

/* ---- connection ---- */

static bool is_connected(ngx_connection_t *c)
{
	int code = 0;
	socklen_t n = sizeof(code);

	return getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &code, &n) == 0 && code == 0;
}

static void on_connected(ngx_event_t *ev)
{
	ngx_connection_t *c = ev->data;
	struct outbound *o = c->data;

	if (!is_connected(c)) {
		fail(o, "no connection");
		return;
	}
	if (o->call.to->tls) {
		start_tls(o, c);
		return;
	}
	c->read->handler = on_read;
	c->write->handler = on_write;
	on_write(c->write);
}

static void connect_peer(struct outbound *o)
{
	ngx_connection_t *c;
	ngx_int_t rc;

	ngx_inet_set_port((struct sockaddr *)&o->sockaddr, o->call.to->port);
	o->peer_name = (ngx_str_t){ strlen(o->host), (u_char *)(uintptr_t)o->host };
	o->peer.sockaddr = (struct sockaddr *)&o->sockaddr;
	o->peer.socklen = o->socklen;
	o->peer.name = &o->peer_name;
	o->peer.get = ngx_event_get_peer;
	o->peer.log = ngx_cycle->log;
	o->peer.log_error = NGX_ERROR_ERR;
	rc = ngx_event_connect_peer(&o->peer);
	if (rc != NGX_OK && rc != NGX_AGAIN) {
		fail(o, "no connection");
		return;
	}
	c = o->peer.connection;
	c->data = o;
	c->pool = o->pool;
	c->read->handler = on_connected; /* a refusal may come as either */
	c->write->handler = on_connected;
	if (rc == NGX_OK)
		on_connected(c->write);
}

/* ---- address ---- */

static bool take_address(struct outbound *o, const char *text)
{
	ngx_addr_t parsed;

	if (ngx_parse_addr(o->pool, &parsed, (u_char *)(uintptr_t)text, strlen(text)) != NGX_OK)
		return false;
	ngx_memcpy(&o->sockaddr, parsed.sockaddr, parsed.socklen);
	o->socklen = parsed.socklen;
	return true;
}

static void ask(struct outbound *o);

static void on_answer(ngx_resolver_ctx_t *answer)
{
	struct outbound *o = answer->data;
	bool found = answer->state == NGX_OK && answer->naddrs > 0;

	if (found) {
		const ngx_resolver_addr_t *first = &answer->addrs[0];

		ngx_memcpy(&o->sockaddr, first->sockaddr, first->socklen);
		o->socklen = first->socklen;
	}
	o->lookup = NULL;
	ngx_resolve_name_done(answer);
	if (found) {
		connect_peer(o);
		return;
	}
	o->names++;
	ask(o);
}

/* The names in turn; on_answer may be called before this returns. */
static void ask(struct outbound *o)
{
	ngx_resolver_ctx_t *lookup = NULL;
	const char *name = *o->names;

	if (name && o->apim->resolver)
		lookup = ngx_resolve_start(o->apim->resolver, NULL);
	if (!lookup || lookup == NGX_NO_RESOLVER) {
		fail(o, "its name has no address");
		return;
	}
	lookup->name = (ngx_str_t){ strlen(name), (u_char *)(uintptr_t)name };
	lookup->handler = on_answer;
	lookup->data = o;
	lookup->timeout = LOOKUP_TIMEOUT_MS;
	o->lookup = lookup;
	if (ngx_resolve_name(lookup) != NGX_OK) {
		o->lookup = NULL;
		fail(o, "its name has no address");
	}
}

static void find_address(struct outbound *o)
{
	const char **known = resolv_hosts(o->arena, o->apim->hosts_text, o->host);

	if (take_address(o, o->host) || (*known && take_address(o, *known))) {
		connect_peer(o);
		return;
	}
	o->names = resolv_candidates(o->arena, o->apim->resolv, o->host);
	ask(o);
}

/* ---- start ---- */

static void write_request(struct outbound *o)
{
	const struct outbound_call *call = &o->call;
	bool is_usual = call->to->port == (call->to->tls ? 443 : 80);

	str_init(&o->request, o->arena, call->body.n + 64 * 1024);
	str_addf(&o->request, "%s %s HTTP/1.1\r\nHost: %s", call->method, call->target,
		call->to->host);
	if (!is_usual)
		str_addf(&o->request, ":%u", call->to->port);
	str_addf(&o->request, "\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n",
		call->body.n, call->headers);
	str_addn(&o->request, call->body.at, call->body.n);
}

static void free_key(void *key)
{
	EVP_PKEY_free(key);
}

static void keep_keys(struct outbound *o)
{
	EVP_PKEY **keys = arena_alloc(o->arena, (o->call.n_keys + 1) * sizeof(EVP_PKEY *));

	for (size_t i = 0; i < o->call.n_keys; i++) {
		keys[i] = o->call.keys[i];
		if (EVP_PKEY_up_ref(keys[i]) != 1)
			abort();
		arena_defer(o->arena, free_key, keys[i]);
	}
	o->call.keys = keys;
}

struct outbound *outbound_start(struct apim *m, const struct outbound_call *call)
{
	struct arena *a = arena_new();
	struct outbound *o = arena_alloc(a, sizeof(*o));
	size_t n = strlen(call->to->host);

	*o = (struct outbound){ .apim = m, .call = *call, .arena = a };
	o->pool = ngx_create_pool(1024, ngx_cycle->log);
	if (!o->pool)
		abort(); /* as arenas do */
	o->host = call->to->host[0] == '[' ? arena_dupn(a, call->to->host + 1, n - 2)
					   : call->to->host;
	o->timer = (ngx_event_t){ .handler = on_timer, .data = o, .log = ngx_cycle->log };
	ngx_add_timer(&o->timer, call->timeout_ms);
	keep_keys(o);
	write_request(o);
	str_init(&o->received, a, call->max_bytes);
	if (o->request.overflow)
		fail(o, "the request is too long");
	else
		find_address(o);
	return o;
}
