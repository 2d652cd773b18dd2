#include "toolkit/prove.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/core/contract.h"
#include "lib/base/arena.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

enum {
	ANSWER_MAX = 64 * 1024,
	TIMEOUT_MS = 5000,
	RETRY_MS = 20,
};

struct gateway {
	struct arena *a;
	const char *host;
	const char *port;
};

struct answer {
	int status;
	const char *text;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static void free_addresses(struct addrinfo **list)
{
	if (*list)
		freeaddrinfo(*list);
}

static bool dial(const struct gateway *g, int *ret, struct err *err)
{
	AUTO(free_addresses) struct addrinfo *list = NULL;
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	const struct timeval limit = { .tv_sec = TIMEOUT_MS / 1000 };
	int code = getaddrinfo(g->host, g->port, &hints, &list);

	if (code != 0)
		return err_set(err, ERR_UNAVAILABLE, "%s: %s", g->host, gai_strerror(code));
	for (const struct addrinfo *i = list; i; i = i->ai_next) {
		int fd = socket(i->ai_family, i->ai_socktype | SOCK_CLOEXEC, i->ai_protocol);

		if (fd < 0)
			continue;
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
		if (connect(fd, i->ai_addr, i->ai_addrlen) == 0) {
			*ret = fd;
			return true;
		}
		(void)close(fd);
	}
	return err_set(err, ERR_UNAVAILABLE, "%s:%s: no connection", g->host, g->port);
}

static bool send_all(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		bytes += sent;
		n -= (size_t)sent;
	}
	return true;
}

/* Reads until the other side closes, as the request asks it to. */
static bool receive(struct arena *a, int fd, const char **ret)
{
	char chunk[4096];
	struct str s;
	ssize_t n;

	str_init(&s, a, ANSWER_MAX);
	while ((n = recv(fd, chunk, sizeof(chunk), 0)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		str_addn(&s, chunk, (size_t)n);
	}
	*ret = s.ptr;
	return s.len > 0;
}

static bool ask(const struct gateway *g, const char *method, const char *path, struct answer *ret,
	struct err *err)
{
	AUTO(close_fd) int fd = -1;
	const char *request = arena_printf(g->a,
		"%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
		method, path, g->host);

	if (!dial(g, &fd, err))
		return false;
	if (!send_all(fd, request, strlen(request)) || !receive(g->a, fd, &ret->text) ||
		!str_starts(ret->text, "HTTP/1.") || strlen(ret->text) < strlen("HTTP/1.1 200"))
		return err_set(err, ERR_UNAVAILABLE, "%s %s: no answer", method, path);
	ret->status = (int)strtol(ret->text + strlen("HTTP/1.1 "), NULL, 10);
	return true;
}

static bool read_url(struct gateway *g, const char *url, struct err *err)
{
	struct contract_target e;

	if (!contract_target_parse(g->a, url, &e, err))
		return false;
	if (e.tls || *e.path)
		return err_set(err, ERR_INVALID, "\"%.200s\": expected http://host:port", url);
	g->host = e.host;
	if (e.host[0] == '[')
		g->host = arena_dupn(g->a, e.host + 1, strlen(e.host) - 2);
	g->port = arena_printf(g->a, "%u", e.port);
	return true;
}

static bool is_healthy(const struct gateway *g, int wait_ms, struct err *err)
{
	const struct clock_ops clock = clock_real();
	int64_t deadline = clock.monotonic_us(clock.self) + (int64_t)wait_ms * 1000;

	for (;;) {
		struct answer answer = { .text = "" };
		bool answered = ask(g, "GET", "/health", &answer, err);

		if (answered && answer.status == 200)
			return true;
		if (answered)
			err_set(err, ERR_INVALID, "/health: status %d, expected 200",
				answer.status);
		if (clock.monotonic_us(clock.self) >= deadline)
			return false;
		(void)poll(NULL, 0, RETRY_MS);
	}
}

/* A segment with something in the place of each parameter. */
static void add_example(struct arena *a, struct str *s, const char *at, size_t n)
{
	static const char value[] = "proof-of-the-build";

	if (*at == '*') {
		str_add(s, value);
		return;
	}
	for (const char *end = at + n; at < end;) {
		size_t text = strcspn(at, "{/");

		if (text > 0)
			str_add_url(s, arena_dupn(a, at, text));
		at += text;
		if (at < end && *at == '{') {
			str_add(s, value);
			at = strchr(at, '}') + 1;
		}
	}
}

/* A request path that the template matches. */
static const char *example(struct arena *a, const char *base, const char *template)
{
	struct str s;

	str_init(&s, a, (size_t)8 * CONTRACT_MAX_TEXT);
	for (int part = 0; part < 2; part++) {
		const char *p = part ? template : base;

		while (*p) {
			size_t n = strcspn(p, "/");

			if (n > 0 && part)
				add_example(a, &s, p, n);
			else if (n > 0)
				str_add_url(&s, arena_dupn(a, p, n));
			p += n;
			if (*p == '/') {
				str_addc(&s, '/');
				p++;
			}
		}
	}
	return s.ptr;
}

static bool refuses_strangers(const struct gateway *g, const struct contract_api *api,
	const char *template, const struct contract_operation *op, struct err *err)
{
	const char *path = example(g->a, api->base_path, template);
	const char *fault = api->transport.client_cert == CLIENT_CERT_MANDATORY ? "\"code\":900901"
										: "\"code\":900902";
	const char *method = method_name(op->method);
	struct answer answer = { .text = "" };

	if (!ask(g, method, path, &answer, err))
		return false;
	/* HEAD has no body to look into. */
	if (answer.status == 401 && (op->method == METHOD_HEAD || strstr(answer.text, fault)))
		return true;
	return err_set(err, ERR_INVALID, "%s %s without a token: status %d, expected 401 with %s",
		method, path, answer.status, fault + strlen("\"code\":"));
}

static bool unknown_is_404(const struct gateway *g, struct err *err)
{
	const char *path = "/proof-of-the-build/no-such-path";
	struct answer answer = { .text = "" };

	if (!ask(g, "GET", path, &answer, err))
		return false;
	return answer.status == 404 ||
	       err_set(err, ERR_INVALID, "GET %s: status %d, expected 404", path, answer.status);
}

static bool has_root_wildcard(const struct contract *c)
{
	for (size_t i = 0; i < c->n_apis; i++)
		for (size_t p = 0; *c->apis[i].base_path == '\0' && p < c->apis[i].n_paths; p++)
			if (strpbrk(c->apis[i].paths[p].template, "*{"))
				return true;
	return false;
}

static bool prove_api(
	struct gateway *g, const struct contract_api *api, struct proof *ret, struct err *err)
{
	for (size_t p = 0; p < api->n_paths; p++) {
		for (size_t o = 0; o < api->paths[p].n_operations; o++) {
			AUTO(arena_auto) struct arena *tmp = arena_new();
			const struct contract_operation *op = &api->paths[p].operations[o];
			struct gateway here = { .a = tmp, .host = g->host, .port = g->port };

			/* Only http is spoken here. */
			if (op->secured && !api->transport.not_http &&
				!refuses_strangers(&here, api, api->paths[p].template, op, err))
				return false;
			*(op->secured ? &ret->secured : &ret->open) += 1;
		}
	}
	return true;
}

bool toolkit_prove(struct arena *a, const struct contract *c, const char *url, int wait_ms,
	struct proof *ret, struct err *err)
{
	struct gateway g = { .a = a };
	struct proof proof = { 0 };

	if (!read_url(&g, url, err) || !is_healthy(&g, wait_ms, err))
		return false;
	for (size_t i = 0; i < c->n_apis; i++)
		if (!prove_api(&g, &c->apis[i], &proof, err))
			return false;
	if (!has_root_wildcard(c) && !unknown_is_404(&g, err))
		return false;
	*ret = proof;
	return true;
}
