#include "lib/kube/watch.h"

#include "lib/base/arena.h"
#include "lib/kube/client.h"
#include "lib/kube/feed.h"
#include "lib/kube/kube.h"
#include "lib/kube/wire.h"

struct kube_watch {
	struct kube *kube;
	struct wire *wire;
	struct arena *own;   /* what lives as long as the set */
	struct arena *event; /* one object at a time */
	struct feed *feeds;
	size_t n;
};

struct kube_watch *kube_watch_new(
	struct kube *k, const struct watch_spec *specs, size_t n, watch_fn *fn, void *arg)
{
	struct arena *own = arena_new();
	struct kube_watch *w = arena_alloc(own, sizeof(*w));

	w->own = own;
	w->event = arena_new();
	w->kube = k;
	w->n = n;
	w->feeds = arena_alloc(own, (n + 1) * sizeof(*w->feeds));
	w->wire = wire_new(&k->config, &k->token, k->user_agent, (long)n + 1);
	for (size_t i = 0; i < n; i++) {
		w->feeds[i] = (struct feed){ .kube = k,
			.wire = w->wire,
			.arena = w->event,
			.tuning = &feed_default_tuning,
			.spec = specs[i],
			.index = i,
			.fn = fn,
			.arg = arg };
		w->feeds[i].spec.selector = arena_dup(own, specs[i].selector);
		feed_init(&w->feeds[i]);
	}
	return w;
}

void kube_watch_free(struct kube_watch *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->n; i++)
		feed_fini(&w->feeds[i]);
	wire_free(w->wire);
	arena_free(w->event);
	arena_free(w->own);
}

void watch_tune(struct kube_watch *w, const struct feed_tuning *tuning)
{
	for (size_t i = 0; i < w->n; i++)
		w->feeds[i].tuning = tuning;
}

static int wait_ms(const struct kube_watch *w, int64_t deadline_us)
{
	int64_t until = deadline_us;
	int64_t left;

	for (size_t i = 0; i < w->n; i++)
		if (feed_due_us(&w->feeds[i]) < until)
			until = feed_due_us(&w->feeds[i]);
	left = until - kube_now_us(w->kube);
	return left > 0 ? (int)((left + 999) / 1000) : 0;
}

bool kube_watch_run(struct kube_watch *w, int timeout_ms, struct err *err)
{
	int64_t deadline_us = kube_now_us(w->kube) + timeout_ms * 1000LL;
	unsigned int delivered = 0;

	(void)err;
	do {
		wire_turn(w->wire, wait_ms(w, deadline_us));
		for (size_t i = 0; i < w->n; i++)
			delivered += feed_step(&w->feeds[i]);
	} while (delivered == 0 && kube_now_us(w->kube) < deadline_us);
	return true;
}

void kube_watch_relist(struct kube_watch *w)
{
	for (size_t i = 0; i < w->n; i++)
		w->feeds[i].restart = true;
}

bool kube_watch_synced(const struct kube_watch *w)
{
	for (size_t i = 0; i < w->n; i++)
		if (!w->feeds[i].synced)
			return false;
	return true;
}

const char *kube_watch_error(const struct kube_watch *w)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->feeds[i].trouble.code != ERR_NONE)
			return w->feeds[i].trouble.msg;
	return NULL;
}
