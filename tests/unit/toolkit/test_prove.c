/* The proof against a small server of its own: what a booted gateway would answer, and what it must
 * not. */
#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/core/contract.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "tests/support/gateway.h"
#include "tests/support/unit.h"
#include "toolkit/prove.h"

#define FAULT "{\"fault\":{\"code\":900902, \"message\":\"x\"}}"

struct server {
	int fd;
	const char *url;
	const char *open;  /* this path answers 200 without a token */
	const char *found; /* and so does this */
	int sick;	   /* this many /health answers are 503 */
	pthread_t thread;
};

static const char *answer_to(struct server *s, const char *request)
{
	if (str_starts(request, "GET /health "))
		return s->sick-- > 0 ? "HTTP/1.1 503 X\r\n\r\n" : "HTTP/1.1 200 OK\r\n\r\nhealthy";
	if ((s->open && strstr(request, s->open)) || (s->found && strstr(request, s->found)))
		return "HTTP/1.1 200 OK\r\n\r\n";
	if (strstr(request, " /store/"))
		return "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\n\r\n" FAULT;
	return "HTTP/1.1 404 Not Found\r\n\r\n";
}

static void *serve(void *arg)
{
	struct server *s = arg;

	for (;;) {
		int c = accept(s->fd, NULL, NULL);
		char request[4096] = "";
		const char *text;

		if (c < 0)
			return NULL;
		if (recv(c, request, sizeof(request) - 1, 0) > 0) {
			text = answer_to(s, request);
			(void)send(c, text, strlen(text), MSG_NOSIGNAL);
		}
		(void)close(c);
	}
}

static void start(struct arena *a, struct server *s)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(address);

	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&address, n), 0);
	assert_int_equal(listen(s->fd, 16), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&address, &n), 0);
	s->url = arena_printf(a, "http://127.0.0.1:%u", ntohs(address.sin_port));
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void stop(struct server *s)
{
	(void)shutdown(s->fd, SHUT_RDWR);
	(void)pthread_join(s->thread, NULL);
	(void)close(s->fd);
}

static void proves(struct server s, int wait_ms, const char *words)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct contract *c =
		a_contract(a, test_file(a, "tests/golden/toolkit/routing/contract.json", NULL));
	struct proof proof = { 0 };
	struct err err = { .msg = "" };
	bool ok;

	start(a, &s);
	ok = toolkit_prove(a, c, s.url, wait_ms, &proof, &err);
	stop(&s);
	if (ok != !words || (words && !strstr(err.msg, words)))
		fail_msg("%s: %s", ok ? "proved" : "not proved", err.msg);
	if (ok)
		assert_true(proof.secured == 14 && proof.open == 0);
}

static void a_gateway_that_refuses_strangers_is_proved(void **state)
{
	(void)state;
	proves((struct server){ 0 }, 0, NULL);
}

static void a_gateway_that_needs_a_moment_is_waited_for(void **state)
{
	(void)state;
	proves((struct server){ .sick = 3 }, 5000, NULL);
	proves((struct server){ .sick = 1000 }, 100, "/health: status 503, expected 200");
}

static void an_open_door_is_found(void **state)
{
	(void)state;
	proves((struct server){ .open = "DELETE /store/v1.0.0/b/proof-of-the-build/c " }, 0,
		"DELETE /store/v1.0.0/b/proof-of-the-build/c without a token: status 200");
	proves((struct server){ .found = "no-such-path" }, 0, "expected 404");
}

static void silence_is_not_a_proof(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct contract *c =
		a_contract(a, test_file(a, "tests/golden/toolkit/routing/contract.json", NULL));
	struct proof proof;
	struct err err = { .msg = "" };

	(void)state;
	assert_false(toolkit_prove(a, c, "http://127.0.0.1:1", 0, &proof, &err));
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	assert_false(toolkit_prove(a, c, "https://127.0.0.1:1", 0, &proof, &err));
	assert_false(toolkit_prove(a, c, "nonsense", 0, &proof, &err));
	assert_int_equal(err.code, ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gateway_that_refuses_strangers_is_proved),
		cmocka_unit_test(a_gateway_that_needs_a_moment_is_waited_for),
		cmocka_unit_test(an_open_door_is_found),
		cmocka_unit_test(silence_is_not_a_proof),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
