#include "gateway/nginx/replicas.h"

#include "gateway/core/condition.h"
#include "gateway/core/datagram.h"
#include "gateway/nginx/resolv.h"
#include "lib/base/arena.h"
#include "lib/base/hash.h"

enum {
	TICK_MS = 100,
	LOOKUP_EVERY_MS = 2000,
	LOOKUP_TIMEOUT_MS = 1500, /* per name */
	WAIT_LOOK_MS = 1,	  /* whether another worker heard what requests wait for */
	WAIT_MOST_LOOKS = 20,	  /* after so many they try again in any case */
	RECEIVE_BUFFER = 1 << 20,
	FINGERPRINT_DIGITS = 16,
	SILENT_S = 60, /* between two complaints */
};

struct replicas {
	struct apim *apim;
	struct datagram_keys *keys;
	const char **names; /* to be looked up, NULL at the end */
	const char **known; /* addresses that need no looking up */
	unsigned char address[ADDRESS_BYTES];
	in_port_t port;
	const char *fingerprint;

	/* of a worker */
	struct share share;
	ngx_connection_t *connection; /* NULL: closed, or not opened yet */
	ngx_event_t tick;
	ngx_event_t sending;
	ngx_event_t wait_timer;
	ngx_queue_t waiting; /* struct ctx */
	uint64_t news;	     /* that those who wait were told */
	ngx_uint_t looks;
	ngx_resolver_ctx_t *lookup;
	size_t asked; /* index into names */
	time_t complained_at;
};

/* ---- configuration ---- */

static void free_keys(void *keys)
{
	datagram_keys_free(keys);
}

static void close_file(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

static bool load_key(ngx_conf_t *cf, struct replicas *p, const char *name, const char *path)
{
	AUTO(close_file) FILE *f = fopen(path, "rbe");
	unsigned char secret[DATAGRAM_MOST_SECRET];
	size_t n = f ? fread(secret, 1, sizeof(secret), f) : 0;
	ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(cf->pool, 0);
	unsigned char derived[WINDOW_SECRET_BYTES];
	struct arena *a = p->apim->arena;

	if (!cleanup || n < DATAGRAM_LEAST_SECRET) {
		ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
			"apim_replicas: key \"%s\": expected a file of %d bytes at least", path,
			DATAGRAM_LEAST_SECRET);
		return false;
	}
	p->keys = datagram_keys_new(secret, n, name);
	cleanup->handler = free_keys;
	cleanup->data = p->keys;
	OPENSSL_cleanse(secret, sizeof(secret));
	datagram_window_secret(p->keys, derived);
	p->fingerprint = arena_printf(
		a, "_%.*s", FINGERPRINT_DIGITS, sha256_hex(a, (char *)derived, sizeof(derived)));
	return true;
}

bool replicas_prepare(ngx_conf_t *cf, struct apim *m)
{
	const ngx_str_t *args = m->replicas_args;
	struct replicas *p;
	ngx_int_t port;
	const char *name;

	if (!args)
		return true;
	p = ngx_pcalloc(cf->pool, sizeof(*p));
	if (!p)
		return false;
	p->apim = m;
	port = ngx_atoi(args[2].data, args[2].len);
	if (!address_parse((struct span){ (const char *)args[1].data, args[1].len }, p->address) ||
		port < 1 || port > UINT16_MAX) {
		ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
			"apim_replicas: \"%V\" port \"%V\": expected an address and a port",
			&args[1], &args[2]);
		return false;
	}
	p->port = (in_port_t)port;
	name = arena_dupn(m->arena, (const char *)args[0].data, args[0].len);
	p->names = resolv_candidates(m->arena, m->resolv, name);
	p->known = resolv_hosts(m->arena, m->hosts_text, name);
	if (!load_key(cf, p, name, arena_dupn(m->arena, (const char *)args[3].data, args[3].len)))
		return false;
	m->replicas = p;
	return true;
}

const char *replicas_fingerprint(const struct replicas *p)
{
	return p->fingerprint;
}

void replicas_window_secret(const struct replicas *p, unsigned char ret[WINDOW_SECRET_BYTES])
{
	datagram_window_secret(p->keys, ret);
}

/* A cached clock; close enough for all that is told by it. */
static int64_t now_ms(void)
{
	const ngx_time_t *now = ngx_timeofday();

	return (int64_t)now->sec * 1000 + (int64_t)now->msec;
}

struct share_memory *replicas_memory(const struct replicas *p, void *memory, size_t counters)
{
	uint64_t id = 0;

	while (id == 0)
		if (RAND_bytes((unsigned char *)&id, sizeof(id)) != 1)
			return NULL;
	return share_memory_init(memory, counters, id, p->address, now_ms());
}

struct share *replicas_share(
	struct replicas *p, struct window_table *table, struct share_memory *memory)
{
	p->share = (struct share){ .memory = memory, .table = table };
	return &p->share;
}

void replicas_set_time(struct replicas *p)
{
	p->share.now_ms = now_ms();
}

void replicas_send_soon(struct replicas *p)
{
	if (p->share.n_out > 0 && p->sending.handler) {
		ngx_post_event(&p->sending, &ngx_posted_events);
	}
}

/* ---- addresses ---- */

static const unsigned char mapped[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static socklen_t to_sockaddr(
	const unsigned char address[ADDRESS_BYTES], in_port_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

	ngx_memzero(ret, sizeof(*ret));
	if (memcmp(address, mapped, sizeof(mapped)) == 0) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		ngx_memcpy(&v4->sin_addr, address + sizeof(mapped), sizeof(v4->sin_addr));
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	ngx_memcpy(&v6->sin6_addr, address, ADDRESS_BYTES);
	return sizeof(*v6);
}

static bool from_sockaddr(const struct sockaddr *from, unsigned char ret[ADDRESS_BYTES])
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)from;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)from;

	if (from->sa_family == AF_INET) {
		ngx_memcpy(ret, mapped, sizeof(mapped));
		ngx_memcpy(ret + sizeof(mapped), &v4->sin_addr, sizeof(v4->sin_addr));
		return true;
	}
	if (from->sa_family != AF_INET6)
		return false;
	ngx_memcpy(ret, &v6->sin6_addr, ADDRESS_BYTES);
	return true;
}

/* ---- sending ---- */

/* Everything from number `first` on that goes to the same replica; what was sent has kind
 * SHARE_KINDS then. */
static void gather(struct share *s, size_t first, struct datagram *d)
{
	ngx_memcpy(d->to, s->out[first].to, ADDRESS_BYTES);
	d->n = 0;
	for (size_t i = first; i < s->n_out && d->n < DATAGRAM_ITEMS; i++) {
		struct share_item *item = &s->out[i].item;

		if (item->kind == SHARE_KINDS || memcmp(s->out[i].to, d->to, ADDRESS_BYTES) != 0)
			continue;
		if (item->kind != SHARE_NOTHING)
			d->items[d->n++] = *item;
		item->kind = SHARE_KINDS;
	}
}

/* A datagram that cannot be sent is lost like any other: what it says is said again. */
static void send_all(ngx_event_t *ev)
{
	struct replicas *p = ev->data;
	struct share *s = &p->share;
	struct datagram d = {
		.id = share_id(s), .sent_ms = now_ms(), .is_guest = share_is_guest(s)
	};
	unsigned char bytes[DATAGRAM_BYTES];
	struct sockaddr_storage to;

	ngx_memcpy(d.from, p->address, ADDRESS_BYTES);
	for (size_t i = 0; i < s->n_out && p->connection; i++) {
		socklen_t len;
		size_t n;

		if (s->out[i].item.kind == SHARE_KINDS)
			continue;
		gather(s, i, &d);
		len = to_sockaddr(d.to, p->port, &to);
		n = datagram_write(p->keys, &d, bytes);
		(void)sendto(p->connection->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL,
			(struct sockaddr *)&to, len);
	}
	s->n_out = 0;
}

/* ---- requests that wait ---- */

static void resume_all(struct replicas *p)
{
	ngx_queue_t resumed;

	p->looks = 0;
	p->news = share_news(&p->share);
	if (ngx_queue_empty(&p->waiting))
		return;
	ngx_queue_init(&resumed);
	ngx_queue_add(&resumed, &p->waiting);
	ngx_queue_init(&p->waiting);
	while (!ngx_queue_empty(&resumed))
		request_resume(ngx_queue_data(ngx_queue_head(&resumed), struct ctx, waiting));
}

static void look_after_waiting(ngx_event_t *ev)
{
	struct replicas *p = ev->data;

	if (++p->looks >= WAIT_MOST_LOOKS || share_news(&p->share) != p->news)
		resume_all(p);
	if (!ngx_queue_empty(&p->waiting) && !p->wait_timer.timer_set)
		ngx_add_timer(&p->wait_timer, WAIT_LOOK_MS);
}

bool replicas_may_be_waited_for(const struct apim *m, struct ctx *ctx)
{
	if (!m->replicas || !m->replicas->connection)
		return false;
	return ctx->patient_until == 0 ||
	       (ngx_msec_int_t)(ctx->patient_until - ngx_current_msec) > 0;
}

void replicas_wait(struct apim *m, struct ctx *ctx)
{
	struct replicas *p = m->replicas;

	if (ctx->patient_until == 0)
		ctx->patient_until = ngx_current_msec + SHARE_PATIENCE_MS;
	ngx_queue_insert_tail(&p->waiting, &ctx->waiting);
	ctx->is_waiting = true;
	if (!p->wait_timer.timer_set)
		ngx_add_timer(&p->wait_timer, WAIT_LOOK_MS);
}

/* ---- receiving ---- */

static void complain(struct replicas *p, const char *about)
{
	if (ngx_time() - p->complained_at < SILENT_S)
		return;
	p->complained_at = ngx_time();
	ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0, "replicas: %s", about);
}

static void take(struct replicas *p, const struct datagram *d)
{
	struct share *s = &p->share;
	size_t from = share_hear(s, d->from, d->id, d->is_guest);

	for (size_t i = 0; from != SHARE_NOBODY && i < d->n; i++)
		share_receive(s, from, &d->items[i]);
}

static void take_bytes(
	struct replicas *p, const unsigned char *bytes, size_t n, const struct sockaddr *from)
{
	struct datagram d;
	bool ok;

	ngx_memcpy(d.to, p->address, ADDRESS_BYTES);
	ok = from_sockaddr(from, d.from) && datagram_read(p->keys, bytes, n, now_ms(), &d);
	counters_lock(p->apim);
	if (ok)
		take(p, &d);
	else
		share_refuse(&p->share);
	counters_unlock(p->apim);
	if (!ok)
		complain(p,
			"a datagram was refused: from nobody who knows the key, or by a clock that differs by seconds");
}

static void close_socket(struct replicas *p)
{
	if (p->connection)
		ngx_close_connection(p->connection);
	p->connection = NULL;
}

static void on_readable(ngx_event_t *ev)
{
	ngx_connection_t *c = ev->data;
	struct replicas *p = c->data;
	unsigned char bytes[DATAGRAM_BYTES + 1]; /* one more: what is longer is none of ours */
	struct sockaddr_storage from;

	/* The worker ends: the others go on. */
	if (c->close) {
		close_socket(p);
		return;
	}
	for (;;) {
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(
			c->fd, bytes, sizeof(bytes), MSG_DONTWAIT, (struct sockaddr *)&from, &len);

		if (n < 0 && ngx_socket_errno == NGX_EINTR)
			continue;
		if (n < 0)
			break;
		take_bytes(p, bytes, (size_t)n, (struct sockaddr *)&from);
	}
	ev->ready = 0;
	if (ngx_handle_read_event(ev, 0) != NGX_OK)
		close_socket(p);
	if (share_news(&p->share) != p->news)
		resume_all(p);
}

static ngx_socket_t bound_socket(const struct replicas *p, ngx_log_t *log)
{
	struct sockaddr_storage own;
	socklen_t len = to_sockaddr(p->address, p->port, &own);
	ngx_socket_t fd =
		socket(own.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
	int on = 1;
	int bytes = RECEIVE_BUFFER;

	if (fd == (ngx_socket_t)-1)
		return fd;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)); /* as much as it may */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0 &&
		bind(fd, (struct sockaddr *)&own, len) == 0)
		return fd;
	ngx_log_error(NGX_LOG_EMERG, log, ngx_socket_errno, "replicas: UDP port %ud", p->port);
	(void)close(fd);
	return (ngx_socket_t)-1;
}

static bool open_socket(struct replicas *p, ngx_cycle_t *cycle)
{
	ngx_socket_t fd = bound_socket(p, cycle->log);
	ngx_connection_t *c;

	if (fd == (ngx_socket_t)-1)
		return false;
	c = ngx_get_connection(fd, cycle->log);
	if (!c) {
		(void)close(fd);
		return false;
	}
	c->data = p;
	c->idle = 1; /* told when the worker begins to end */
	c->log = cycle->log;
	c->read->log = cycle->log;
	c->read->handler = on_readable;
	c->write->log = cycle->log;
	p->connection = c;
	if (ngx_handle_read_event(c->read, 0) == NGX_OK)
		return true;
	close_socket(p);
	return false;
}

/* ---- who they are ---- */

static void list(struct replicas *p, const unsigned char (*addresses)[ADDRESS_BYTES], size_t n)
{
	bool all;

	counters_lock(p->apim);
	all = share_list(&p->share, addresses, n);
	counters_unlock(p->apim);
	if (!all)
		complain(p, "there are more than can share a limit");
}

static void list_known(struct replicas *p)
{
	unsigned char addresses[SHARE_MEMBERS + 1][ADDRESS_BYTES];
	size_t n = 0;

	for (const char **text = p->known; *text && n < ARRAY_LEN(addresses); text++)
		if (address_parse((struct span){ *text, strlen(*text) }, addresses[n]))
			n++;
	list(p, (const unsigned char(*)[ADDRESS_BYTES])addresses, n);
}

static void list_failed(struct replicas *p)
{
	counters_lock(p->apim);
	share_list_failed(&p->share);
	counters_unlock(p->apim);
}

static void look_up(struct replicas *p);

static void list_found(struct replicas *p, const ngx_resolver_ctx_t *answer)
{
	unsigned char addresses[SHARE_MEMBERS + 1][ADDRESS_BYTES];
	size_t n = 0;

	for (ngx_uint_t i = 0; i < answer->naddrs && n < ARRAY_LEN(addresses); i++)
		if (from_sockaddr(answer->addrs[i].sockaddr, addresses[n]))
			n++;
	list(p, (const unsigned char(*)[ADDRESS_BYTES])addresses, n);
}

/* No such name: nobody is listed. A name server that does not answer says nothing. */
static void on_answer(ngx_resolver_ctx_t *answer)
{
	struct replicas *p = answer->data;
	ngx_int_t state = answer->state;

	p->lookup = NULL;
	if (state == NGX_OK)
		list_found(p, answer);
	ngx_resolve_name_done(answer);
	if (state == NGX_OK)
		return;
	if (state == NGX_RESOLVE_NXDOMAIN && p->names[p->asked + 1]) {
		p->asked++;
		look_up(p);
		return;
	}
	p->asked = 0;
	if (state == NGX_RESOLVE_NXDOMAIN)
		list(p, NULL, 0);
	else
		list_failed(p);
}

static void look_up(struct replicas *p)
{
	ngx_resolver_ctx_t *lookup = NULL;
	const char *name = p->names[p->asked];

	if (p->apim->resolver)
		lookup = ngx_resolve_start(p->apim->resolver, NULL);
	if (!lookup || lookup == NGX_NO_RESOLVER) {
		list_failed(p);
		return;
	}
	lookup->name = (ngx_str_t){ strlen(name), (u_char *)(uintptr_t)name };
	lookup->handler = on_answer;
	lookup->data = p;
	lookup->timeout = LOOKUP_TIMEOUT_MS;
	p->lookup = lookup;
	/* Calls on_answer itself when the answer is at hand; frees the lookup when it fails. */
	if (ngx_resolve_name(lookup) == NGX_OK)
		return;
	p->lookup = NULL;
	list_failed(p);
}

/* ---- a worker's life ---- */

static void look_after_all(struct replicas *p)
{
	bool is_due;

	p->share.is_leaving = apim_is_ending(p->apim);
	counters_lock(p->apim);
	share_tick(&p->share);
	is_due = !p->lookup && share_looks_up(&p->share, LOOKUP_EVERY_MS);
	counters_unlock(p->apim);
	if (is_due && *p->known)
		list_known(p);
	else if (is_due)
		look_up(p);
}

static void on_tick(ngx_event_t *ev)
{
	struct replicas *p = ev->data;

	if (ngx_exiting || !p->connection)
		return;
	look_after_all(p);
	ngx_add_timer(&p->tick, TICK_MS);
}

static ngx_event_t event_of(struct replicas *p, ngx_event_handler_pt handler, ngx_log_t *log)
{
	return (ngx_event_t){ .handler = handler, .data = p, .log = log, .cancelable = 1 };
}

bool replicas_start(struct apim *m, ngx_cycle_t *cycle)
{
	struct replicas *p = m->replicas;

	if (!p)
		return true;
	ngx_queue_init(&p->waiting); /* a macro of several statements */
	p->sending = event_of(p, send_all, cycle->log);
	p->tick = event_of(p, on_tick, cycle->log);
	p->wait_timer = event_of(p, look_after_waiting, cycle->log);
	p->wait_timer.cancelable = 0; /* requests end before the worker does */
	if (!open_socket(p, cycle))
		return false;
	look_after_all(p);
	ngx_add_timer(&p->tick, TICK_MS);
	return true;
}

void replicas_stop(struct apim *m)
{
	struct replicas *p = m->replicas;

	if (!p)
		return;
	if (p->lookup)
		ngx_resolve_name_done(p->lookup);
	p->lookup = NULL;
	if (p->tick.timer_set)
		ngx_del_timer(&p->tick);
	if (p->wait_timer.timer_set)
		ngx_del_timer(&p->wait_timer);
	if (p->sending.posted) {
		ngx_delete_posted_event(&p->sending);
	}
	close_socket(p);
}

bool replicas_are_known(const struct apim *m)
{
	return !m->replicas || share_is_met(&m->replicas->share);
}

bool replicas_count(struct apim *m, struct replicas_numbers *ret)
{
	const struct share *s;

	if (!m->replicas)
		return false;
	s = &m->replicas->share;
	counters_lock(m);
	ret->away = share_members_away(s);
	ret->here = share_members(s) - ret->away;
	ret->refused = share_refused(s);
	ret->alone = share_alone(s);
	counters_unlock(m);
	return true;
}
