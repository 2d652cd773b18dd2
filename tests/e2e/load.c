/* Steady requests to one address, and an honest count of those that failed.
 *
 *   load --rate=200 --seconds=30 [--connections=8] [--header='Authorization: Bearer …'…]
 * [--expect=200] URL
 *
 * Open loop: a request is due at its time whatever became of the one before. A connection that the
 * server closed while it was idle is made anew, as HTTP allows (RFC 9112, 9.3.1); anything else
 * that is not the expected status is a failure. SIGTERM ends it early. Prints one line; exit status
 * 1 if a request failed.
 */
#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "lib/base/attr.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"

enum {
	MAX_CONNECTIONS = 256,
	TIMEOUT_MS = 5000,
	HISTOGRAM = 10000, /* of 0.1 ms */
};

static struct {
	const char *url;
	struct curl_slist *headers;
	long expect;
	long rate;
	long seconds;
	long connections;
} options = { .expect = 200, .rate = 200, .seconds = 10, .connections = 8 };

static atomic_bool stopped;
static atomic_ulong total;
static atomic_ulong failed;
static atomic_ulong histogram[HISTOGRAM];
static int64_t start_us;

static void on_signal(int signal UNUSED)
{
	stopped = true;
}

static int64_t now_us(void)
{
	struct clock_ops c = clock_real();

	return c.monotonic_us(c.self);
}

static size_t swallow(char *bytes UNUSED, size_t size, size_t n, void *arg UNUSED)
{
	return size * n;
}

static CURL *connection(struct curl_slist *headers)
{
	CURL *c = curl_easy_init();

	curl_easy_setopt(c, CURLOPT_URL, options.url);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, swallow);
	return c;
}

static void account(CURLcode code, long status, int64_t took_us)
{
	int64_t slot = took_us / 100;

	total++;
	histogram[slot < HISTOGRAM ? slot : HISTOGRAM - 1]++;
	if (code == CURLE_OK && status == options.expect)
		return;
	/* The first few are worth a word. */
	if (failed++ < 5)
		fprintf(stderr, "load: after %.1f s: %s, status %ld\n",
			(double)(now_us() - start_us) / 1e6, curl_easy_strerror(code), status);
}

/* Request k of connection i is due at (i + k × connections) / rate. */
static void *run(void *arg)
{
	long i = (long)(intptr_t)arg;
	CURL *c = connection(options.headers);

	for (long k = i; !stopped; k += options.connections) {
		int64_t due = start_us + (int64_t)k * 1000000 / options.rate;
		int64_t before = now_us();
		long status = 0;
		CURLcode code;

		if (due >= start_us + options.seconds * 1000000)
			break;
		if (due > before)
			usleep((useconds_t)(due - before));
		before = now_us();
		code = curl_easy_perform(c);
		curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
		account(code, status, now_us() - before);
	}
	curl_easy_cleanup(c);
	return NULL;
}

static double percentile(double p)
{
	unsigned long wanted = (unsigned long)((double)total * p);
	unsigned long seen = 0;

	for (size_t i = 0; i < HISTOGRAM; i++) {
		seen += histogram[i];
		if (seen > wanted)
			return (double)(i + 1) / 10;
	}
	return (double)HISTOGRAM / 10;
}

static bool number(const char *arg, const char *name, long *ret)
{
	if (!str_starts(arg, name))
		return false;
	*ret = strtol(arg + strlen(name), NULL, 10);
	return true;
}

static bool parse(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *a = argv[i];

		if (str_starts(a, "--header="))
			options.headers =
				curl_slist_append(options.headers, a + strlen("--header="));
		else if (!str_starts(a, "--"))
			options.url = a;
		else if (!number(a, "--rate=", &options.rate) &&
			 !number(a, "--seconds=", &options.seconds) &&
			 !number(a, "--connections=", &options.connections) &&
			 !number(a, "--expect=", &options.expect))
			return false;
	}
	return options.url && options.rate > 0 && options.seconds > 0 && options.connections > 0 &&
	       options.connections <= MAX_CONNECTIONS;
}

int main(int argc, char **argv)
{
	pthread_t threads[MAX_CONNECTIONS];
	double seconds;

	if (!parse(argc, argv)) {
		fprintf(stderr, "usage: load [--rate=N] [--seconds=N] [--connections=N] "
				"[--header=TEXT] [--expect=STATUS] URL\n");
		return 2;
	}
	curl_global_init(CURL_GLOBAL_ALL);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	start_us = now_us();
	for (long i = 0; i < options.connections; i++)
		pthread_create(&threads[i], NULL, run, (void *)(intptr_t)i);
	for (long i = 0; i < options.connections; i++)
		pthread_join(threads[i], NULL);
	seconds = (double)(now_us() - start_us) / 1e6;
	printf("total=%lu failed=%lu rate=%.0f p50_ms=%.1f p99_ms=%.1f max_ms=%.1f\n", total,
		failed, (double)total / seconds, percentile(0.5), percentile(0.99),
		percentile(1.0 - 1e-9));
	curl_global_cleanup();
	return failed > 0;
}
