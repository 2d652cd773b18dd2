#include "watcher/turn.h"

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/reasons.h"
#include "lib/svc/log.h"
#include "watcher/index.h"

#define OURS LABEL_PART_OF "=" PART_OF

enum {
	TURN_MS = 250,	   /* the longest wait of the loop: how late a reconnection is noticed */
	TROUBLE_MS = 200,  /* between two attempts at a bus that does not take messages */
	TELL_AT_ONCE = 64, /* messages between two looks at the watches */
	TOPOLOGY_EVERY_S = 60, /* somebody may delete a consumer under us */
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
	{ .kind = KIND_ROUTE, .selector = OURS, .optional = true },
	{ .kind = KIND_VIRTUAL_SERVICE, .selector = OURS, .optional = true },
	/* Made by people, named in istio-configs. */
	{ .kind = KIND_ISTIO_GATEWAY, .metadata_only = true, .optional = true },
	{ .kind = KIND_KNATIVE_SERVICE, .selector = OURS, .optional = true },
	{ .kind = KIND_REFERENCE_GRANT, .metadata_only = true, .optional = true },
	/* Of builds only: to know a moment earlier than from the Job that one has ended. */
	{ .kind = KIND_POD,
		.selector = OURS "," LABEL_OWNER_KIND "=api,batch.kubernetes.io/job-name" },
};

static int64_t now_us(const struct turn *w)
{
	return w->clock.monotonic_us(w->clock.self);
}

/* An error is logged when it is new, not every time it comes up. */
static void complain(struct turn *w, const char *what, const char *why)
{
	if (str_eq(w->last_trouble, what) && str_eq(w->trouble, why))
		return;
	w->last_trouble = what;
	(void)snprintf(w->trouble, sizeof(w->trouble), "%s", why);
	log_error(what, kv_str("err", why));
}

static void no_complaint(struct turn *w, const char *what)
{
	if (!str_eq(w->last_trouble, what))
		return;
	log_info("recovered", kv_str("from", what));
	w->last_trouble = NULL;
}

/* ---- watches → index ---- */

static void compare_all(struct turn *w, const char *why)
{
	w->figures.comparisons++;
	log_info("everything is compared", kv_str("because", why));
	index_compare_all(w->index);
}

static void list_ended(struct turn *w, size_t watch, const char *version)
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

void turn_on_event(void *arg, size_t watch, enum watch_event event, const struct json *json,
	const char *version)
{
	struct turn *w = arg;
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

static void plan_relist(struct turn *w)
{
	int64_t tenth = w->relist_s * US_PER_S / 10;

	/* Not all replicas at the same time. */
	w->relist_us = now_us(w) + w->relist_s * US_PER_S - tenth +
		       (int64_t)(w->clock.random(w->clock.self) % (uint64_t)(2 * tenth + 1));
}

static void relist(struct turn *w)
{
	if (now_us(w) < w->relist_us)
		return;
	plan_relist(w);
	w->relisting = (1U << ARRAY_LEN(watches)) - 1;
	w->ops.relist(w->ops.self);
}

/* ---- index → bus ---- */

static void bus_trouble(struct turn *w, const char *what, const struct err *err)
{
	w->bus_us = now_us(w) + TROUBLE_MS * US_PER_MS;
	complain(w, what, err->msg);
}

static bool ensure_topology(struct turn *w)
{
	static const char trouble[] = "streams and consumers are not seen to";
	struct err err;

	if (w->ops.ensure_topology(w->ops.self, &err)) {
		no_complaint(w, trouble);
		return true;
	}
	if (err.code != ERR_CONFLICT) {
		bus_trouble(w, trouble, &err);
		return false;
	}
	complain(w, trouble, err.msg); /* wakes go on */
	return true;
}

/* A new session may be with a server that has lost everything. */
static bool see_to_topology(struct turn *w)
{
	unsigned int session = w->ops.session(w->ops.self);
	bool anew = w->topology_due || session != w->session;

	if (!anew && now_us(w) < w->topology_us)
		return true;
	if (!ensure_topology(w))
		return false;
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

static bool tell(struct turn *w, struct index_message *m)
{
	struct bus_message out = {
		.subject = m->subject, .id = m->id, .traceparent = m->wake.traceparent
	};
	struct err err;

	wake_encode(w->memory, &m->wake, &out.data, &out.n);
	if (!w->bus.publish(w->bus.self, &out, &err)) {
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

static void tell_all(struct turn *w)
{
	struct index_message m;

	if (!lease_leads(&w->lease) || now_us(w) < w->bus_us || !w->ops.connected(w->ops.self) ||
		!see_to_topology(w))
		return;
	for (int i = 0; i < TELL_AT_ONCE && index_next(w->index, w->memory, &m); i++)
		if (!tell(w, &m))
			return;
}

/* ---- the loop ---- */

static void lead_or_follow(struct turn *w)
{
	bool before = lease_leads(&w->lease);
	struct err err;

	if (!lease_step(&w->lease, w->memory, &err))
		complain(w, "Lease not seen to", err.msg);
	else if (!w->lease.trouble)
		no_complaint(w, "Lease not seen to");
	if (lease_leads(&w->lease) == before)
		return;
	log_info(before ? "leads no longer" : "leads", kv_str("identity", w->lease.identity));
	index_lead(w->index, !before);
}

/* While the bus takes nothing, what is due must not keep us spinning. */
static int patience(struct turn *w)
{
	int ms = index_tick(w->index, TURN_MS);
	int64_t bus_ms = (w->bus_us - now_us(w) + US_PER_MS - 1) / US_PER_MS;

	if (ms > 0)
		return ms;
	if (!w->ops.connected(w->ops.self))
		return TROUBLE_MS;
	return bus_ms > 0 ? (int)bus_ms : 0;
}

void turn_once(struct turn *w)
{
	struct err err;

	arena_reset(w->memory);
	lead_or_follow(w);
	relist(w);
	if (!w->ops.run_watches(w->ops.self, patience(w), &err))
		complain(w, "watches do not run", err.msg);
	(void)index_tick(w->index, TURN_MS);
	tell_all(w);
}

/* ---- beginning and end ---- */

void turn_init(struct turn *w)
{
	unsigned int kinds = 0;

	for (size_t i = 0; i < ARRAY_LEN(watches); i++)
		kinds |= 1U << watches[i].kind;
	w->memory = arena_new();
	w->index = index_new(&w->clock, kinds, w->ns);
	lease_init(&w->lease, w->kube, w->clock, w->ns, w->identity);
	plan_relist(w);
}

void turn_fini(struct turn *w)
{
	index_free(w->index);
	arena_free(w->memory);
}

const struct watch_spec *turn_watches(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(watches);
	return watches;
}
