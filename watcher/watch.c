#include "watcher/watch.h"

#include <errno.h>
#include <malloc.h>

#include "lib/base/arena.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/bus/bus.h"
#include "lib/bus/topology.h"
#include "lib/json/json.h"
#include "lib/kube/kube.h"
#include "lib/plan/reasons.h"
#include "lib/svc/log.h"
#include "lib/svc/options.h"
#include "lib/svc/probe.h"
#include "lib/svc/signals.h"
#include "watcher/figures.h"
#include "watcher/index.h"
#include "watcher/lease.h"

#define OURS LABEL_PART_OF "=" PART_OF

enum {
	TURN_MS = 250,	   /* the longest wait of the loop: how late a reconnection is noticed */
	TROUBLE_MS = 200,  /* between two attempts at a bus that does not take messages */
	TELL_AT_ONCE = 64, /* messages between two looks at the watches */
	CALL_MS = 3000,
	TOPOLOGY_EVERY_S = 60, /* somebody may delete a consumer under us */
	FIGURES_EVERY_S = 5,
	US_PER_MS = 1000,
	US_PER_S = 1000000,
};

/* Of ConfigMaps and Secrets all are watched, because users name them, but never their content. */
static const struct watch_spec watches[] = {
	{ .kind = KIND_API },
	{ .kind = KIND_TARGET_ENDPOINT },
	{ .kind = KIND_SECURITY },
	{ .kind = KIND_RATE_LIMITING },
	{ .kind = KIND_CONFIG_MAP, .metadata_only = true },
	{ .kind = KIND_SECRET, .metadata_only = true },
	{ .kind = KIND_JOB, .selector = OURS },
	{ .kind = KIND_DEPLOYMENT, .selector = OURS },
	{ .kind = KIND_SERVICE, .selector = OURS },
	{ .kind = KIND_HPA, .selector = OURS },
	{ .kind = KIND_INGRESS, .selector = OURS },
	/* Of builds only: to know a moment earlier than from the Job that one has ended. */
	{ .kind = KIND_POD,
		.selector = OURS "," LABEL_OWNER_KIND "=api,batch.kubernetes.io/job-name" },
};

struct watcher {
	struct options options;
	struct clock_ops clock;
	struct probe *probe;
	struct kube *kube;
	struct bus *bus;
	struct bus_ops bus_ops;
	struct kube_watch *watch;
	struct index *index;
	struct lease lease;
	struct arena *memory; /* of one turn */
	struct figures figures;
	long relist_s;
	long bus_replicas;
	unsigned int session; /* of the bus, for which the topology was seen to */
	bool topology_due;
	unsigned int relisting; /* watches (bits) whose new list is not complete */
	int64_t topology_us;	/* next look at it */
	int64_t relist_us;
	int64_t bus_us; /* not before then another attempt at the bus */
	int64_t figures_us;
	const char *last_trouble; /* what was logged last, so that it is logged once */
	char trouble[512];
};

static int64_t now_us(const struct watcher *w)
{
	return w->clock.monotonic_us(w->clock.self);
}

/* An error is logged when it is new, not every time it comes up. */
static void complain(struct watcher *w, const char *what, const char *why)
{
	if (str_eq(w->last_trouble, what) && str_eq(w->trouble, why))
		return;
	w->last_trouble = what;
	(void)snprintf(w->trouble, sizeof(w->trouble), "%s", why);
	log_error(what, kv_str("err", why));
}

static void no_complaint(struct watcher *w, const char *what)
{
	if (!str_eq(w->last_trouble, what))
		return;
	log_info("recovered", kv_str("from", what));
	w->last_trouble = NULL;
}

/* ---- watches → index ---- */

static void compare_all(struct watcher *w, const char *why)
{
	w->figures.comparisons++;
	log_info("everything is compared", kv_str("because", why));
	index_compare_all(w->index);
}

static void list_ended(struct watcher *w, size_t watch, const char *version)
{
	bool was_complete = index_is_complete(w->index);

	index_list_ended(w->index, watches[watch].kind, version);
	if (!was_complete && index_is_complete(w->index))
		log_info("every kind is known",
			kv_int("objects", (int64_t)index_figures(w->index).objects));
	if (!(w->relisting & 1U << watch))
		return;
	w->relisting &= ~(1U << watch);
	if (w->relisting == 0)
		compare_all(w, "it was listed anew");
}

static void on_event(void *arg, size_t watch, enum watch_event event, const struct json *json,
	const char *version)
{
	struct watcher *w = arg;
	enum kind kind = watches[watch].kind;

	switch (event) {
	case WATCH_UPSERT:
		index_upsert(w->index, kind, json, version);
		break;
	case WATCH_DELETE:
		index_delete(w->index, kind, json, version);
		break;
	case WATCH_RELIST:
		index_list_begins(w->index, kind);
		break;
	case WATCH_SYNCED:
		list_ended(w, watch, version);
		break;
	}
}

static void plan_relist(struct watcher *w)
{
	int64_t tenth = w->relist_s * US_PER_S / 10;

	/* Not all replicas at the same time. */
	w->relist_us = now_us(w) + w->relist_s * US_PER_S - tenth +
		       (int64_t)(w->clock.random(w->clock.self) % (uint64_t)(2 * tenth + 1));
}

static void relist(struct watcher *w)
{
	if (now_us(w) < w->relist_us)
		return;
	plan_relist(w);
	w->relisting = (1U << ARRAY_LEN(watches)) - 1;
	kube_watch_relist(w->watch);
}

/* ---- index → bus ---- */

static void bus_trouble(struct watcher *w, const char *what, const struct err *err)
{
	w->bus_us = now_us(w) + TROUBLE_MS * US_PER_MS;
	complain(w, what, err->msg);
}

/* A new session may be with a server that has lost everything. */
static bool see_to_topology(struct watcher *w)
{
	unsigned int session = bus_session(w->bus);
	bool anew = w->topology_due || session != w->session;
	struct err err;

	if (!anew && now_us(w) < w->topology_us)
		return true;
	if (!bus_ensure_topology(w->bus, (int)w->bus_replicas, &err)) {
		bus_trouble(w, "streams and consumers are not seen to", &err);
		return false;
	}
	no_complaint(w, "streams and consumers are not seen to");
	w->topology_us = now_us(w) + TOPOLOGY_EVERY_S * (int64_t)US_PER_S;
	w->session = session;
	w->topology_due = false;
	if (anew)
		compare_all(w, "the bus may have lost messages");
	return true;
}

static void log_wake(const struct index_message *m, int64_t latency_us)
{
	log_context(m->subject, m->wake.traceparent);
	log_info("woken", kv_str("cause", m->wake.cause), kv_int("moved", (int64_t)m->wake.moved.n),
		kv_int("us", latency_us));
	log_context(NULL, NULL);
}

static bool tell(struct watcher *w, struct index_message *m)
{
	struct bus_message out = {
		.subject = m->subject, .id = m->id, .traceparent = m->wake.traceparent
	};
	struct err err;

	wake_encode(w->memory, &m->wake, &out.data, &out.n);
	if (!w->bus_ops.publish(w->bus_ops.self, &out, &err)) {
		w->figures.failures++;
		/* A stream that was deleted under us is made again. */
		w->topology_due = true;
		bus_trouble(w, "not woken, it will be tried again", &err);
		return false;
	}
	no_complaint(w, "not woken, it will be tried again");
	figures_wake(&w->figures, now_us(w) - m->since_us);
	log_wake(m, now_us(w) - m->since_us);
	index_told(w->index, m);
	return true;
}

static void tell_all(struct watcher *w)
{
	struct index_message m;

	if (!lease_leads(&w->lease) || now_us(w) < w->bus_us || !bus_connected(w->bus) ||
		!see_to_topology(w))
		return;
	for (int i = 0; i < TELL_AT_ONCE && index_next(w->index, w->memory, &m); i++)
		if (!tell(w, &m))
			return;
}

/* ---- the loop ---- */

static void lead_or_follow(struct watcher *w)
{
	bool before = lease_leads(&w->lease);
	struct err err;

	if (!lease_step(&w->lease, w->memory, &err))
		complain(w, "Lease not seen to", err.msg);
	else if (!w->lease.trouble)
		no_complaint(w, "Lease not seen to");
	if (lease_leads(&w->lease) == before)
		return;
	log_info(before ? "leads no longer" : "leads", kv_str("identity", w->options.pod_name));
	index_lead(w->index, !before);
}

static void tell_figures(struct watcher *w)
{
	if (now_us(w) < w->figures_us)
		return;
	w->figures_us = now_us(w) + FIGURES_EVERY_S * (int64_t)US_PER_S;
	malloc_trim(0); /* what a relist left behind */
	figures_publish(&w->figures, w->probe, w->memory, w->index, w->kube, w->bus,
		lease_leads(&w->lease));
}

static void tell_health(struct watcher *w)
{
	const char *trouble = NULL;

	if (!index_is_complete(w->index)) {
		trouble = kube_watch_error(w->watch);
		trouble = trouble ? trouble : "not every kind is listed yet";
	} else if (!bus_connected(w->bus)) {
		trouble = "no connection to the bus";
	}
	probe_alive(w->probe);
	probe_ready(w->probe, trouble == NULL, trouble);
}

/* While the bus takes nothing, what is due must not keep us spinning. */
static int patience(struct watcher *w)
{
	int ms = index_tick(w->index, TURN_MS);
	int64_t bus_ms = (w->bus_us - now_us(w) + US_PER_MS - 1) / US_PER_MS;

	if (ms > 0)
		return ms;
	if (!bus_connected(w->bus))
		return TROUBLE_MS;
	return bus_ms > 0 ? (int)bus_ms : 0;
}

static void loop_once(struct watcher *w)
{
	struct err err;

	arena_reset(w->memory);
	lead_or_follow(w);
	relist(w);
	if (!kube_watch_run(w->watch, patience(w), &err))
		complain(w, "watches do not run", err.msg);
	(void)index_tick(w->index, TURN_MS);
	tell_all(w);
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

static void open_index(struct watcher *w)
{
	unsigned int kinds = 0;

	for (size_t i = 0; i < ARRAY_LEN(watches); i++)
		kinds |= 1U << watches[i].kind;
	w->index = index_new(&w->clock, kinds);
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

	if (!parse_number("relist-seconds", o->relist_seconds, 1, 86400, &w->relist_s, err) ||
		!parse_number("bus-replicas", o->bus_replicas, 1, 5, &w->bus_replicas, err) ||
		!open_probe(w, err))
		return false;
	if (!(w->kube = kube_new(&kube, err)) || !(w->bus = bus_new(&bus, err)))
		return false;
	w->memory = arena_new();
	w->bus_ops = bus_ops(w->bus);
	open_index(w);
	lease_init(&w->lease, kube_ops(w->kube), w->clock, o->system_namespace, o->pod_name);
	w->watch = kube_watch_new(w->kube, watches, ARRAY_LEN(watches), on_event, w);
	plan_relist(w);
	return true;
}

static void close_all(struct watcher *w)
{
	kube_watch_free(w->watch);
	index_free(w->index);
	arena_free(w->memory);
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
	lease_release(&w->lease, w->memory);
	log_info("stopped", kv_int("wakes", (int64_t)w->figures.wakes));
}

int watcher_main(int argc, char **argv)
{
	struct watcher w = { .clock = clock_real() };
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
