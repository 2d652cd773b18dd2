/* A client for one API server over libcurl: typed calls of struct kube_ops, and watches.
 *
 * Used from one thread. Connections are kept and shared (HTTP/2 where the server offers it). Every
 * call has a deadline. Names and namespaces are percent-encoded into paths, responses are bounded,
 * lists are paged.
 */
#ifndef LIB_KUBE_KUBE_H
#define LIB_KUBE_KUBE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/kube/ops.h"

struct kube;
struct kube_watch;

/* Where the API server is and who we are there. Order: the file named by `kubeconfig`, $KUBECONFIG,
 * the pod's service account (its token is read again when the file changes, at least every minute),
 * ~/.kube/config. */
struct kube_options {
	const char *kubeconfig; /* NULL: look as above */
	const char *context;	/* NULL: current-context */
	const char *user_agent;
	int timeout_ms; /* of one call; 0: 10 s */
};

struct kube *kube_new(const struct kube_options *options, struct err *err) MUST_CHECK;
void kube_free(struct kube *k); /* accepts NULL */

/* The table for services; valid as long as k. */
struct kube_ops kube_ops(struct kube *k);

const char *kube_server(const struct kube *k); /* "https://10.96.0.1:443" */
const char *kube_default_namespace(
	const struct kube *k); /* of the context or the service account; never NULL */

/* Requests so far, by verb and status class, for /metrics: calls fn once per pair with a count
 * above zero. */
void kube_stats(const struct kube *k, void (*fn)(void *, const char *verb, int code, uint64_t n),
	void *arg);

/* For calls made in fibers (lib/base/fiber.h), which wait instead of turning the wire themselves:
 * moves bytes for at most timeout_ms, and returns as soon as something has happened. Accepts NULL.
 */
void kube_turn(struct kube *k, int timeout_ms);

/* GET /readyz-style probe of the connection: any authenticated answer is success. */
bool kube_ping(struct kube *k, struct err *err) MUST_CHECK;

/* ---- watches ----
 *
 * A set of watches driven by one loop. Each watch lists (paged), then streams from the list's
 * resourceVersion with bookmarks; 410 Gone, a broken stream and an expired list start it over by
 * itself, with jittered back-off. The consumer sees objects, never the protocol:
 */
enum watch_event {
	WATCH_UPSERT, /* object added or changed; also every object of a (re)list */
	WATCH_DELETE, /* object gone; json is its last state */
	WATCH_SYNCED, /* a complete list was delivered: what was not upserted since WATCH_RELIST is
			 gone. json NULL */
	WATCH_RELIST, /* a list begins: forget nothing yet. json NULL */
};

struct watch_spec {
	enum kind kind;
	const char *selector; /* label selector or NULL */
	bool metadata_only; /* PartialObjectMetadata: json has apiVersion, kind of the real object,
			       and metadata */
	bool optional; /* the server may not serve the kind: then there is none, and it is asked
			  again from time to time */
};

/* version: the stream's resourceVersion so far (bookmarks included; "" before the first list). json
 * lives until fn returns. fn may make calls and ask for a relist, but not run or free the set. A
 * page or stream that broke off may deliver an object twice. */
typedef void watch_fn(void *arg, size_t watch, enum watch_event event, const struct json *json,
	const char *version);

struct kube_watch *kube_watch_new(
	struct kube *k, const struct watch_spec *specs, size_t n, watch_fn *fn, void *arg);
void kube_watch_free(struct kube_watch *w);

/* Runs transfers for at most timeout_ms and calls fn for what arrived. False only for our own bugs;
 * trouble with the server is retried inside and told by kube_watch_error. Returns early when
 * something was delivered. */
bool kube_watch_run(struct kube_watch *w, int timeout_ms, struct err *err) MUST_CHECK;

/* Makes every watch list again (the periodic relist). */
void kube_watch_relist(struct kube_watch *w);

bool kube_watch_synced(const struct kube_watch *w); /* every watch has delivered a complete list */
const char *kube_watch_error(const struct kube_watch *w); /* NULL when all streams are healthy */

#endif
