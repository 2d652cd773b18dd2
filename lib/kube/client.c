#include "lib/kube/client.h"

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/kube/call.h"
#include "lib/kube/kube.h"
#include "lib/kube/wire.h"

enum {
	DEFAULT_TIMEOUT_MS = 10000,
	MAX_CONNECTIONS = 4,
	MAX_PING = 64 * 1024,
};

struct kube *kube_new(const struct kube_options *options, struct err *err)
{
	struct arena *a = arena_new();
	struct kube_config config;
	struct kube *k;

	if (!config_load(a, options, &config, err)) {
		arena_free(a);
		return NULL;
	}
	k = arena_alloc(a, sizeof(*k));
	k->arena = a;
	k->config = config;
	k->clock = clock_real();
	k->user_agent = arena_dup(a, options->user_agent ? options->user_agent : "kube");
	k->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : DEFAULT_TIMEOUT_MS;
	token_init(&k->token, &k->config);
	k->calls = wire_new(&k->config, &k->token, k->user_agent, MAX_CONNECTIONS);
	return k;
}

void kube_free(struct kube *k)
{
	if (!k)
		return;
	wire_free(k->calls);
	token_free(&k->token);
	arena_free(k->arena);
}

const char *kube_server(const struct kube *k)
{
	return k->config.server;
}

const char *kube_default_namespace(const struct kube *k)
{
	return k->config.ns;
}

void kube_stats(
	const struct kube *k, void (*fn)(void *, const char *verb, int code, uint64_t n), void *arg)
{
	stats_each(&k->stats, fn, arg);
}

void kube_turn(struct kube *k, int timeout_ms)
{
	if (k)
		wire_turn(k->calls, timeout_ms);
}

/* 403 is an answer, too: the server knows us and works. */
bool kube_ping(struct kube *k, struct err *err)
{
	struct call c = { .verb = VERB_PING,
		.request = { .method = "GET",
			.path = "/readyz",
			.accept = "*/*",
			.max_response = MAX_PING } };
	bool ok;

	calls_run(k, &c, 1);
	ok = c.status == 403 || call_ok(&c, err);
	calls_free(&c, 1);
	return ok || err_wrap(err, "ping");
}
