#include "lib/kube/wire.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "lib/base/arena.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/kube/config.h"
#include "lib/kube/token.h"

enum {
	CONNECT_TIMEOUT_MS = 5000,
	KEEPALIVE_IDLE_S = 15,
	KEEPALIVE_INTERVAL_S = 5,
	KEEPALIVE_PROBES = 3,
	UNACKNOWLEDGED_MS = 20000,
	IDLE_CONNECTION_S = 75, /* the API server closes after 90 s */
};

struct wire {
	const struct kube_config *config;
	struct token *token;
	const char *user_agent;
	long max_connections;
	CURLM *multi;
	unsigned long news; /* grows when bytes arrive or an exchange ends */
	size_t exchanges;
	bool worn; /* its connections are to be closed as soon as nothing uses them */
};

struct transfer {
	struct exchange x; /* first: an exchange is a transfer to us */
	struct wire *wire;
	CURL *easy;
	struct curl_slist *headers;
	char error[CURL_ERROR_SIZE];
};

static void check_multi(CURLMcode code)
{
	if (code != CURLM_OK)
		abort();
}

static CURLM *multi_new(long max_connections)
{
	CURLM *multi = curl_multi_init();

	if (!multi)
		abort();
	check_multi(curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX));
	check_multi(curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, max_connections));
	check_multi(curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, max_connections));
	return multi;
}

struct wire *wire_new(const struct kube_config *config, struct token *token, const char *user_agent,
	long max_connections)
{
	struct wire *w = calloc(1, sizeof(*w));

	if (!w || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
	w->config = config;
	w->token = token;
	w->user_agent = user_agent;
	w->max_connections = max_connections;
	w->multi = multi_new(max_connections);
	return w;
}

void wire_reset(struct wire *w)
{
	w->worn = w->exchanges > 0;
	if (w->worn)
		return;
	check_multi(curl_multi_cleanup(w->multi));
	w->multi = multi_new(w->max_connections);
}

void wire_free(struct wire *w)
{
	if (!w)
		return;
	check_multi(curl_multi_cleanup(w->multi));
	curl_global_cleanup();
	free(w);
}

/* ---- starting ---- */

static void note_status(struct transfer *t)
{
	curl_off_t retry_after = 0;
	long status = 0;

	if (curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK)
		t->x.status = (int)status;
	if (curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &retry_after) == CURLE_OK)
		t->x.retry_after_s = retry_after > 3600 ? 3600 : (int)retry_after;
}

/* A stream without news has headers only: its status must be known before its first byte. */
static size_t on_header(char *bytes, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;

	(void)bytes;
	t->wire->news++;
	note_status(t);
	return size * n;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;

	t->wire->news++;
	return buffer_add(&t->x.body, bytes, size * n) ? size * n : 0;
}

/* A peer that vanished without a word (node gone, firewall) must not leave us waiting: keepalive
 * probes find it when the stream is silent, the timeout for unacknowledged data when we are
 * sending. */
static int on_socket(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	const int probes = KEEPALIVE_PROBES;
	const unsigned int unacknowledged = UNACKNOWLEDGED_MS;

	(void)arg;
	(void)purpose;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
	(void)setsockopt(
		fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged, sizeof(unacknowledged));
	return CURL_SOCKOPT_OK;
}

/* The types of curl_easy_setopt's third argument are checked by curl's own macros; options we know
 * to exist cannot fail except for want of memory. */
#define SET(easy, option, value)                                                                   \
	do {                                                                                       \
		if (curl_easy_setopt(easy, option, value) != CURLE_OK)                             \
			abort();                                                                   \
	} while (0)

static struct curl_blob blob(const char *pem)
{
	union {
		const char *in;
		void *out; /* libcurl's struct is not const, its use is */
	} p = { .in = pem };

	return (struct curl_blob){ p.out, strlen(pem), CURL_BLOB_NOCOPY };
}

static void set_tls(CURL *easy, const struct kube_config *c)
{
	SET(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (c->insecure) {
		SET(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		SET(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (c->ca) {
		struct curl_blob ca = blob(c->ca);

		/* Otherwise every authority that the system trusts could vouch for the cluster. */
		SET(easy, CURLOPT_CAPATH, NULL);
		SET(easy, CURLOPT_CAINFO_BLOB, &ca);
	}
	if (c->cert) {
		struct curl_blob cert = blob(c->cert);
		struct curl_blob key = blob(c->key);

		SET(easy, CURLOPT_SSLCERTTYPE, "PEM");
		SET(easy, CURLOPT_SSLCERT_BLOB, &cert);
		SET(easy, CURLOPT_SSLKEYTYPE, "PEM");
		SET(easy, CURLOPT_SSLKEY_BLOB, &key);
	}
}

static void set_connection(CURL *easy, const struct wire *w)
{
	const struct kube_config *c = w->config;

	SET(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	SET(easy, CURLOPT_NOSIGNAL, 1L);
	SET(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
	SET(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	SET(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S);
	SET(easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_INTERVAL_S);
	SET(easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
	SET(easy, CURLOPT_MAXAGE_CONN, (long)IDLE_CONNECTION_S);
	SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	SET(easy, CURLOPT_PIPEWAIT, 1L);
	if (c->proxy)
		SET(easy, CURLOPT_PROXY, c->proxy);
	set_tls(easy, c);
}

static void add_header(struct transfer *t, struct arena *mem, const char *name, const char *value)
{
	struct curl_slist *longer =
		curl_slist_append(t->headers, arena_printf(mem, "%s: %s", name, value));

	if (!longer)
		abort();
	t->headers = longer;
}

static void set_request(struct transfer *t, const struct request *r)
{
	AUTO(arena_auto) struct arena *mem = arena_new();
	const struct wire *w = t->wire;
	const struct clock_ops clock = clock_real();
	const char *token = token_get(w->token, clock.monotonic_us(clock.self));

	SET(t->easy, CURLOPT_URL, arena_printf(mem, "%s%s", w->config->server, r->path));
	SET(t->easy, CURLOPT_PATH_AS_IS, 1L);
	SET(t->easy, CURLOPT_USERAGENT, w->user_agent);
	SET(t->easy, CURLOPT_TIMEOUT_MS, (long)r->timeout_ms);
	add_header(t, mem, "Accept", r->accept ? r->accept : "application/json");
	if (token)
		add_header(t, mem, "Authorization", arena_printf(mem, "Bearer %s", token));
	if (r->body) {
		SET(t->easy, CURLOPT_POSTFIELDS, r->body);
		SET(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_n);
		add_header(t, mem, "Content-Type", r->content_type);
		add_header(t, mem, "Expect", ""); /* no round trip before large bodies */
	}
	SET(t->easy, CURLOPT_CUSTOMREQUEST, r->method);
	SET(t->easy, CURLOPT_HTTPHEADER, t->headers);
}

struct exchange *wire_start(struct wire *w, const struct request *r)
{
	struct transfer *t = calloc(1, sizeof(*t));

	if (!t)
		abort();
	if (w->worn && w->exchanges == 0)
		wire_reset(w);
	w->exchanges++;
	t->wire = w;
	t->x.body.max = r->max_response;
	t->easy = curl_easy_init();
	if (!t->easy)
		abort();
	set_connection(t->easy, w);
	set_request(t, r);
	SET(t->easy, CURLOPT_WRITEFUNCTION, on_body);
	SET(t->easy, CURLOPT_WRITEDATA, t);
	SET(t->easy, CURLOPT_HEADERFUNCTION, on_header);
	SET(t->easy, CURLOPT_HEADERDATA, t);
	SET(t->easy, CURLOPT_ERRORBUFFER, t->error);
	SET(t->easy, CURLOPT_PRIVATE, t);
	check_multi(curl_multi_add_handle(w->multi, t->easy));
	return &t->x;
}

/* ---- moving ---- */

static enum err_code fate(CURLcode code)
{
	switch ((int)code) {
	case CURLE_OPERATION_TIMEDOUT:
		return ERR_TIMEOUT;
	case CURLE_WRITE_ERROR:
		return ERR_LIMIT;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
		return ERR_DENIED;
	case CURLE_URL_MALFORMAT:
		return ERR_INVALID;
	default:
		return ERR_UNAVAILABLE;
	}
}

static void fail(struct transfer *t, CURLcode code)
{
	const char *server = t->wire->config->server;

	if (fate(code) == ERR_LIMIT)
		err_set(&t->x.err, ERR_LIMIT, "%s: the answer is longer than %zu bytes", server,
			t->x.body.max);
	else
		err_set(&t->x.err, fate(code), "%s: %s", server,
			t->error[0] ? t->error : curl_easy_strerror(code));
}

static void collect(struct wire *w)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(w->multi, &left))) {
		struct transfer *t = NULL;

		if (m->msg != CURLMSG_DONE ||
			curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t) != CURLE_OK)
			continue;
		if (m->data.result != CURLE_OK)
			fail(t, m->data.result);
		note_status(t);
		t->x.done = true;
		w->news++;
	}
}

static void perform(struct wire *w)
{
	int running;

	check_multi(curl_multi_perform(w->multi, &running));
	collect(w);
}

void wire_turn(struct wire *w, int timeout_ms)
{
	const unsigned long before = w->news;

	perform(w);
	if (w->news != before || timeout_ms <= 0)
		return;
	check_multi(curl_multi_poll(w->multi, NULL, 0, timeout_ms, NULL));
	perform(w);
}

void exchange_free(struct exchange *x)
{
	struct transfer *t = (struct transfer *)x;

	if (!t)
		return;
	t->wire->exchanges--;
	check_multi(curl_multi_remove_handle(t->wire->multi, t->easy));
	curl_easy_cleanup(t->easy);
	curl_slist_free_all(t->headers);
	buffer_free(&t->x.body);
	free(t);
}
