#include "watcher/figures.h"

#include "lib/base/str.h"
#include "lib/base/version.h"
#include "lib/bus/bus.h"
#include "lib/kube/kube.h"
#include "lib/svc/probe.h"
#include "watcher/index.h"

enum {
	MAX_TEXT = 64 * 1024
};

static const int64_t bucket_us[FIGURES_BUCKETS] = { 1000, 5000, 20000, 100000, 500000, 2000000 };

void figures_wake(struct figures *f, int64_t latency_us)
{
	size_t i = 0;

	while (i < FIGURES_BUCKETS && latency_us > bucket_us[i])
		i++;
	f->latency[i]++;
	f->latency_sum_us += latency_us;
	f->wakes++;
}

static void add(struct str *s, const char *name, uint64_t n)
{
	str_addf(s, "apim_watcher_%s %llu\n", name, (unsigned long long)n);
}

static void add_request(void *arg, const char *verb, int code, uint64_t n)
{
	str_addf(arg, "rest_client_requests_total{method=\"%s\",code=\"%d\"} %llu\n", verb, code,
		(unsigned long long)n);
}

static void add_latency(struct str *s, const struct figures *f)
{
	static const char name[] = "apim_watcher_wake_latency_seconds";
	unsigned long long so_far = 0;

	for (size_t i = 0; i < FIGURES_BUCKETS; i++) {
		so_far += f->latency[i];
		str_addf(
			s, "%s_bucket{le=\"%g\"} %llu\n", name, (double)bucket_us[i] / 1e6, so_far);
	}
	so_far += f->latency[FIGURES_BUCKETS];
	str_addf(s, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.6f\n%s_count %llu\n", name, so_far, name,
		(double)f->latency_sum_us / 1e6, name, so_far);
}

void figures_publish(const struct figures *f, struct probe *p, struct arena *a,
	const struct index *ix, const struct kube *k, const struct bus *b, bool leading)
{
	struct index_figures known = index_figures(ix);
	struct str s;

	if (!p)
		return;
	str_init(&s, a, MAX_TEXT);
	str_addf(&s, "apim_build_info{service=\"watcher\",version=\"%s\"} 1\n", APIM_VERSION);
	add(&s, "leader", leading);
	add(&s, "objects", known.objects);
	add(&s, "roots", known.roots);
	add(&s, "records", known.records);
	add(&s, "index_bytes", known.bytes);
	add(&s, "wakes_due", known.due);
	add(&s, "wakes_total", f->wakes);
	add(&s, "wake_failures_total", f->failures);
	add(&s, "comparisons_total", f->comparisons);
	add(&s, "bus_sessions_total", bus_session(b));
	add_latency(&s, f);
	kube_stats(k, add_request, &s);
	probe_metrics(p, s.ptr, s.len);
}
