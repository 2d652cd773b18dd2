#include "lib/svc/service.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/bus/bus.h"
#include "lib/json/json.h"
#include "lib/kube/kube.h"
#include "lib/svc/batch.h"
#include "lib/svc/later.h"
#include "lib/svc/log.h"
#include "lib/svc/memo.h"
#include "lib/svc/metrics.h"
#include "lib/svc/options.h"
#include "lib/svc/probe.h"
#include "lib/svc/runtime.h"
#include "lib/svc/signals.h"

enum {
	FETCH_MS = 1000,
	TROUBLE_MS = 500, /* pause when the bus does not answer */
	FIGURES_EVERY_US = 10 * 1000 * 1000,
};

struct loop {
	struct options options;
	struct kube *kube;
	struct bus *bus;
	struct probe *probe;
	struct runtime rt;
	struct batch *batch;
	struct arena *memory; /* of one turn */
	int64_t told_us;      /* when the figures were last handed out */
};

static struct json *read_env(struct arena *a, const char *const *names)
{
	struct json *env = json_object(a);

	for (; names && *names; names++)
		json_set_str(a, env, *names, getenv(*names));
	return env;
}

static bool parse_port(const char *text, long *ret, struct err *err)
{
	char *end = NULL;

	errno = 0;
	*ret = strtol(text, &end, 10);
	if (errno || end == text || *end || *ret < -1 || *ret > 65535)
		return err_set(err, ERR_INVALID, "listen-port: \"%s\" is not a port number", text);
	return true;
}

static void wait_for_answers(void *kube, int timeout_ms)
{
	kube_turn(kube, timeout_ms);
}

static bool loop_open(struct loop *l, const struct service *s, struct arena *life, struct err *err)
{
	const struct options *o = &l->options;
	struct kube_options kube = { .kubeconfig = o->kubeconfig, .user_agent = s->name };
	struct bus_options bus = { .url = o->nats_url,
		.user = o->nats_user,
		.password = o->nats_password,
		.name = s->name,
		.consumer = s->name,
		.ca_file = o->nats_ca };
	long port;

	if (!parse_port(o->listen_port, &port, err))
		return false;
	if (port >= 0 && !(l->probe = probe_new((int)port, err)))
		return false;
	if (!(l->kube = kube_new(&kube, err)) || !(l->bus = bus_new(&bus, err)))
		return false;
	l->memory = arena_new();
	l->rt = (struct runtime){ .service = s,
		.kube = kube_ops(l->kube),
		.bus = bus_ops(l->bus),
		.clock = clock_real(),
		.system_ns = o->system_namespace,
		.instance = o->pod_name,
		.env = read_env(life, s->env),
		.memo = memo_new(),
		.later = later_new() };
	l->batch = batch_new(&l->rt, (struct batch_wait){ wait_for_answers, l->kube }, l->probe);
	return true;
}

static void loop_close(struct loop *l)
{
	batch_free(l->batch);
	arena_free(l->memory);
	memo_free(l->rt.memo);
	later_free(l->rt.later);
	bus_free(l->bus);
	kube_free(l->kube);
	probe_free(l->probe);
}

static void tell_figures(struct loop *l)
{
	int64_t now = l->rt.clock.monotonic_us(l->rt.clock.self);

	if (now - l->told_us < FIGURES_EVERY_US)
		return;
	l->told_us = now;
	/* A burst leaves free memory behind that others can use. */
	batch_rest(l->batch);
	malloc_trim(0);
	metrics_publish(l->probe, l->memory, &l->rt, l->kube, l->bus);
}

static void loop_once(struct loop *l)
{
	struct err err = { .code = ERR_NONE };
	struct vec batch = { .n = 0 };

	arena_reset(l->memory);
	if (l->rt.bus.fetch(
		    l->rt.bus.self, l->memory, batch_size(l->rt.service), FETCH_MS, &batch, &err)) {
		probe_ready(l->probe, true, NULL);
		batch_handle(l->batch, &batch);
	} else {
		probe_ready(l->probe, bus_connected(l->bus), err.msg);
		log_debug("nothing fetched", kv_str("err", err.msg));
		signals_pause(TROUBLE_MS);
	}
	probe_alive(l->probe);
	tell_figures(l);
}

int service_main(const struct service *s, int argc, char **argv)
{
	AUTO(arena_auto) struct arena *life = arena_new();
	struct loop l = { .probe = NULL };
	struct err err = { .code = ERR_NONE };
	enum log_level level = LOG_INFO;
	enum options_result parsed = options_parse(s->name, s->about, argc, argv, &l.options);

	if (parsed != OPTIONS_RUN)
		return parsed == OPTIONS_EXIT_OK ? 0 : 2;
	if (!log_level_parse(l.options.log_level, &level)) {
		(void)fprintf(stderr, "%s: log-level: \"%s\" is none of error, info, debug\n",
			s->name, l.options.log_level);
		return 2;
	}
	log_open(s->name, level);
	signals_setup();
	if (!loop_open(&l, s, life, &err)) {
		log_error("cannot start", kv_str("err", err.msg));
		loop_close(&l);
		return 1;
	}
	log_info("started", kv_str("api_server", kube_server(l.kube)),
		kv_str("bus", l.options.nats_url));
	while (!signals_stop_requested())
		loop_once(&l);
	log_info("stopped", kv_int("passes", (int64_t)l.rt.counts.passes_done));
	loop_close(&l);
	return 0;
}
