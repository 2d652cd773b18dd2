#include "lib/svc/metrics.h"

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/base/version.h"
#include "lib/bus/bus.h"
#include "lib/kube/kube.h"
#include "lib/svc/probe.h"
#include "lib/svc/runtime.h"
#include "lib/svc/service.h"

enum {
	METRICS_MAX = 64 * 1024
};

static void add_count(
	struct str *s, const char *name, const char *label, const char *value, uint64_t n)
{
	str_addf(s, "%s{%s=\"%s\"} %llu\n", name, label, value, (unsigned long long)n);
}

static void add_request(void *arg, const char *verb, int code, uint64_t n)
{
	str_addf(arg, "rest_client_requests_total{method=\"%s\",code=\"%d\"} %llu\n", verb, code,
		(unsigned long long)n);
}

void metrics_publish(struct probe *p, struct arena *a, const struct runtime *rt,
	const struct kube *k, struct bus *b)
{
	uint64_t pending = 0;
	uint64_t in_flight = 0;
	struct str s;

	struct err ignored = { .code = ERR_NONE };

	if (!p)
		return;
	str_init(&s, a, METRICS_MAX);
	str_addf(&s, "apim_build_info{service=\"%s\",version=\"%s\"} 1\n", rt->service->name,
		APIM_VERSION);
	add_count(&s, "apim_reconcile_total", "result", "success", rt->counts.passes_done);
	add_count(&s, "apim_reconcile_total", "result", "error", rt->counts.passes_failed);
	add_count(&s, "apim_objects_total", "result", "written", rt->counts.applied);
	add_count(&s, "apim_objects_total", "result", "remembered", rt->counts.remembered);
	add_count(&s, "apim_objects_total", "result", "unchanged", rt->counts.unchanged);
	if (bus_backlog(b, &pending, &in_flight, &ignored)) {
		str_addf(&s, "workqueue_depth %llu\n", (unsigned long long)pending);
		str_addf(&s, "apim_in_flight %llu\n", (unsigned long long)in_flight);
	}
	kube_stats(k, add_request, &s);
	probe_metrics(p, s.ptr, s.len);
}
