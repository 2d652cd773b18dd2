#include "watcher/watch.h"

#include <errno.h>
#include <malloc.h>

#include "lib/base/arena.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/bus/bus.h"
#include "lib/bus/topology.h"
#include "lib/kube/kube.h"
#include "lib/svc/log.h"
#include "lib/svc/options.h"
#include "lib/svc/probe.h"
#include "lib/svc/signals.h"
#include "watcher/figures.h"
#include "watcher/index.h"
#include "watcher/lease.h"
#include "watcher/turn.h"

enum {
	CALL_MS = 3000,
	FIGURES_EVERY_S = 5,
	US_PER_S = 1000000,
};

struct watcher {
	struct options options;
	struct probe *probe;
	struct kube *kube;
	struct bus *bus;
	struct kube_watch *watch;
	struct turn turn;
	long bus_replicas;
	int64_t figures_us;
};

/* ---- the effects of a turn ---- */

static bool connected(void *self)
{
	return bus_connected(((struct watcher *)self)->bus);
}

static unsigned int session(void *self)
{
	return bus_session(((struct watcher *)self)->bus);
}

static bool ensure_topology(void *self, struct err *err)
{
	struct watcher *w = self;

	return bus_ensure_topology(w->bus, (int)w->bus_replicas, err);
}

static bool run_watches(void *self, int timeout_ms, struct err *err)
{
	return kube_watch_run(((struct watcher *)self)->watch, timeout_ms, err);
}

static void relist(void *self)
{
	kube_watch_relist(((struct watcher *)self)->watch);
}

/* ---- the loop ---- */

static void tell_figures(struct watcher *w)
{
	int64_t now_us = w->turn.clock.monotonic_us(w->turn.clock.self);

	if (now_us < w->figures_us)
		return;
	w->figures_us = now_us + FIGURES_EVERY_S * (int64_t)US_PER_S;
	malloc_trim(0); /* what a relist left behind */
	figures_publish(&w->turn.figures, w->probe, w->turn.memory, w->turn.index, w->kube, w->bus,
		lease_leads(&w->turn.lease));
}

static void tell_health(struct watcher *w)
{
	const char *trouble = NULL;

	if (!index_is_complete(w->turn.index)) {
		trouble = kube_watch_error(w->watch);
		trouble = trouble ? trouble : "not every kind is listed yet";
	} else if (!bus_connected(w->bus)) {
		trouble = "no connection to the bus";
	}
	probe_alive(w->probe);
	probe_ready(w->probe, trouble == NULL, trouble);
}

static void loop_once(struct watcher *w)
{
	turn_once(&w->turn);
	tell_health(w);
	tell_figures(w);
}

/* ---- beginning and end ---- */

static bool parse_number(
	const char *what, const char *text, long least, long most, long *ret, struct err *err)
{
	char *end = NULL;

	errno = 0;
	*ret = strtol(text, &end, 10);
	if (errno || end == text || *end || *ret < least || *ret > most)
		return err_set(err, ERR_INVALID, "%s: \"%s\" is not a number from %ld to %ld", what,
			text, least, most);
	return true;
}

static bool open_probe(struct watcher *w, struct err *err)
{
	long port;

	if (!parse_number("listen-port", w->options.listen_port, -1, 65535, &port, err))
		return false;
	if (port < 0)
		return true;
	w->probe = probe_new((int)port, err);
	return w->probe != NULL;
}

static void open_turn(struct watcher *w)
{
	size_t n;
	const struct watch_spec *watches = turn_watches(&n);

	w->turn.kube = kube_ops(w->kube);
	w->turn.bus = bus_ops(w->bus);
	w->turn.ops =
		(struct turn_ops){ w, connected, session, ensure_topology, run_watches, relist };
	w->turn.ns = w->options.system_namespace;
	w->turn.identity = w->options.pod_name;
	turn_init(&w->turn);
	w->watch = kube_watch_new(w->kube, watches, n, turn_on_event, &w->turn);
}

static bool open_all(struct watcher *w, struct err *err)
{
	const struct options *o = &w->options;
	struct kube_options kube = {
		.kubeconfig = o->kubeconfig, .user_agent = "watcher", .timeout_ms = CALL_MS
	};
	struct bus_options bus = { .url = o->nats_url,
		.user = o->nats_user,
		.password = o->nats_password,
		.name = "watcher",
		.ca_file = o->nats_ca };

	if (!parse_number("relist-seconds", o->relist_seconds, 1, 86400, &w->turn.relist_s, err) ||
		!parse_number("bus-replicas", o->bus_replicas, 1, 5, &w->bus_replicas, err) ||
		!open_probe(w, err))
		return false;
	if (!(w->kube = kube_new(&kube, err)) || !(w->bus = bus_new(&bus, err)))
		return false;
	open_turn(w);
	return true;
}

static void close_all(struct watcher *w)
{
	kube_watch_free(w->watch);
	turn_fini(&w->turn);
	bus_free(w->bus);
	kube_free(w->kube);
	probe_free(w->probe);
}

static void run(struct watcher *w)
{
	log_info("started", kv_str("api_server", kube_server(w->kube)),
		kv_str("bus", w->options.nats_url));
	while (!signals_stop_requested())
		loop_once(w);
	lease_release(&w->turn.lease, w->turn.memory);
	log_info("stopped", kv_int("wakes", (int64_t)w->turn.figures.wakes));
}

int watcher_main(int argc, char **argv)
{
	struct watcher w = { .turn = { .clock = clock_real() } };
	struct err err = { .code = ERR_NONE };
	enum log_level level = LOG_INFO;
	enum options_result parsed = options_parse("watcher",
		"sees every change in the cluster and tells the other services what to look at",
		argc, argv, &w.options);
	bool ok;

	if (parsed != OPTIONS_RUN)
		return parsed == OPTIONS_EXIT_OK ? 0 : 2;
	if (!log_level_parse(w.options.log_level, &level)) {
		(void)fprintf(stderr, "watcher: log-level: \"%s\" is none of error, info, debug\n",
			w.options.log_level);
		return 2;
	}
	log_open("watcher", level);
	signals_setup();
	ok = open_all(&w, &err);
	if (ok)
		run(&w);
	else
		log_error("cannot start", kv_str("err", err.msg));
	close_all(&w);
	return ok ? 0 : 1;
}
