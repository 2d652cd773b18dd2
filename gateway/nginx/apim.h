/* The nginx module around gateway/core: what its files share.
 *
 *   module.c    directives, loading of the contract, start and end of a worker
 *   request.c   access phase: request → core_decide → answer, or on to proxy_pass
 *   revoked.c   tokens that count no longer
 *   jwks.c      keys that issuers publish
 *   client.c    what TLS says about the client
 *   header.c    which request headers reach the backend
 *   endpoint.c  which target of an endpoint takes a request, and the next one
 *   backend.c   a target's addresses: looked up at run time, kept for their TTL
 *   peer.c      connections to backends: choice, keep-alive, TLS checks
 *   hook.c      what scripts of the contract change
 *   cors.c      what answers say about origins
 *   body.c      bodies as a whole, for operations that validate them or show them to hooks
 *   answer.c    answers of backends: hooks, and holding what is judged or shown as a whole
 *   cache.c     answers that are kept for the next caller
 *   introspect.c  what key managers say about opaque tokens
 *   grpc.c      calls of gRPC, and answers to them
 *   outbound.c  requests of the gateway's own
 *   watch.c     credentials: files that may change while the gateway runs
 *   page.c      every error that nginx itself would answer with HTML
 *   sparing.c   idle connections of clients while a worker ends
 *   trace.c     spans of calls
 *   spans.c     sends them to a collector
 *   usage.c     who used what, told to gateway-usage
 *   flush.c     what is gathered is written together
 *   log.c       one JSON object per request on standard output
 *   counters.c  what rate limits count, in shared memory
 *   replicas.c  limits that other replicas count for too
 *   metrics.c   counters of all workers in shared memory, as Prometheus text
 *   variable.c  what nginx.conf asks the module for
 *
 * A worker has one struct core, one struct endpoint per endpoint, one struct backend per target;
 * nothing is shared between workers but the counters. Nothing here blocks but the write of the log.
 */
#ifndef GATEWAY_NGINX_APIM_H
#define GATEWAY_NGINX_APIM_H

/* nginx first: its headers define what ours must not redefine. */
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "gateway/core/core.h"
#include "gateway/nginx/text.h"

struct arena;
struct assertions;
struct backend;
struct resolv;
struct trace;
struct trace_settings;
struct exporter;
struct usage_counts;
struct replicas;
struct watch;
struct contract_schema;
struct endpoint;
struct hook_changes;
struct hooks;
struct introspection;

extern ngx_module_t ngx_http_apim_module;

/* ---- configuration: http {} ---- */

struct apim {
	struct contract *contract;
	const char *fingerprint; /* first 12 digits of the contract's SHA-256 */
	struct arena *arena;	 /* of the contract and all that is derived from it */
	size_t **op_base;	 /* [api][path]: number of its first operation */
	size_t n_ops;
	const char **auth_headers; /* of all APIs, each once, NULL at the end */
	const char **hosts;	   /* per target, without the brackets of an IPv6 address */
	const char ***names;	   /* per target: what to ask the resolver, NULL at the end */
	const char ***known;	  /* per target: addresses that need no resolver, NULL at the end */
	ngx_resolver_t *resolver; /* NULL: no name server */
	const struct resolv *resolv;	     /* how names are looked up */
	const char *hosts_text;		     /* the hosts file */
	X509_STORE *trust;		     /* NULL: nothing uses TLS */
	ngx_ssl_t tls;			     /* for connections of the gateway's own */
	ngx_shm_zone_t *zone;		     /* of metrics */
	ngx_shm_zone_t *counters;	     /* of rate limits */
	ngx_shm_zone_t *changes;	     /* cache.c; NULL: no API keeps answers */
	const volatile unsigned char *state; /* first byte of the launcher's state file */
	struct trace_settings *tracing;	     /* NULL: nothing is traced */
	struct exporter *exporter;	     /* spans.c's, the same */
	const struct usage_counts *usage;    /* NULL: usage is not published */

	/* directives */
	ngx_str_t contract_file;
	ngx_str_t resolv_file;
	ngx_str_t hosts_file;
	ngx_str_t state_file;
	ngx_str_t credentials_dir;
	ngx_str_t revoked_file;
	ngx_str_t usage_dir;
	ngx_array_t *trust_files; /* ngx_str_t */
	ngx_uint_t n_counters;
	ngx_str_t *replicas_args; /* name, address, port, key file; NULL: no others */

	struct replicas *replicas; /* NULL: limits count here only */

	/* per worker */
	struct core *core;
	struct revocations *revocations; /* revoked.c; NULL: no token could be on a list */
	struct fetchers *fetchers;	 /* jwks.c; NULL: no issuer publishes keys */
	struct backend *backends;
	struct watch *watch;	       /* NULL: the contract needs no credentials */
	struct assertions *assertions; /* watch.c; NULL: backends are told nothing of callers */
	struct hooks *hooks;	       /* hook.c; NULL: the contract has none */
	struct endpoint *endpoints;
};

struct apim *apim_of(ngx_http_request_t *r);
struct apim *apim_of_cycle(ngx_cycle_t *cycle);
bool apim_is_started(const struct apim *m); /* what has to be known before requests are is */
/* What the launcher says. */
bool apim_is_draining(const struct apim *m); /* answers end their connections */
bool apim_is_ending(const struct apim *m);   /* for good, not only for new workers */

/* location {} */
struct apim_location {
	ngx_flag_t gateway;
	ngx_flag_t tokens; /* the key manager's endpoints only */
};

/* ---- one request ---- */

/* Bytes of a body, in the request's pool, or what a hook put in their place. */
struct body_buffer {
	u_char *at;
	size_t n;
	size_t room;
	bool is_foreign; /* not the pool's */
};

/* What becomes of a backend's answer; see answer.c. */
enum holding {
	ANSWER_PASSES,
	ANSWER_HELD,	/* until it is complete */
	ANSWER_JUDGED,	/* sent as a whole */
	ANSWER_REFUSED, /* a fault was sent instead */
};

struct ctx {
	ngx_http_request_t *request;
	struct arena *arena; /* NULL before a decision */
	struct verdict verdict;
	struct endpoint *endpoint; /* NULL: not forwarded */
	struct backend *backend;   /* of the target that is tried; NULL: none was chosen yet */
	size_t target;		   /* its place among the endpoint's */
	uint32_t tried;		   /* a bit for each target that was */
	ngx_str_t sent_target;	   /* the client's: r->unparsed_uri is the backend's then */
	const struct introspection *introspection; /* good for the next decision only */
	struct body_buffer request_body;
	struct body_buffer answer;
	struct span body;		      /* the request's, when is_read */
	size_t held;			      /* bytes of both buffers */
	const struct contract_schema *schema; /* of the answer */
	enum holding holding;
	size_t most_answer;					   /* bytes that are held */
	void (*upstream_end)(ngx_http_request_t *r, ngx_int_t rc); /* nginx' own, while held */
	ngx_queue_t waiting;	  /* for a backend, a key manager or replicas, while is_waiting */
	ngx_msec_t patient_until; /* with other replicas; 0: none was waited for */
	struct span id;		  /* X-Request-ID */
	struct trace *trace;	  /* NULL: nothing is traced */
	struct span page;	  /* replaces nginx' own body when is_page */
	ngx_uint_t http_version;  /* of the client */
	const struct hook_changes *hook_answer; /* instead of a backend's */
	struct span
		hooked; /* what hooks say to the backend in headers, as digits; empty: nothing */
	const char *hook_failure; /* of a response's hook; NULL: none */
	int fault;		  /* what the client got, for log and metrics */
	const char *reason;
	bool is_decided;
	bool is_read;
	bool is_websocket; /* the client asks for one */
	bool is_grpc;	   /* the client speaks it */
	bool is_counted;   /* the circuit breaker waits for the outcome */
	bool is_trial;
	bool is_waiting;
	bool is_page;
	bool page_sent;
	bool is_quiet; /* neither logged nor counted: health and metrics */
};

struct ctx *ctx_get(const ngx_http_request_t *r); /* NULL when there is none */
struct ctx *ctx_ensure(ngx_http_request_t *r);	  /* NULL when memory is short */

/* What the client asked for, raw. */
struct span request_target(const ngx_http_request_t *r);

/* Phase handler. */
ngx_int_t request_access(ngx_http_request_t *r);

/* Sends status, type and body; the rest of the request's body is read and dropped. */
ngx_int_t request_answer(
	ngx_http_request_t *r, ngx_uint_t status, struct span type, struct span body);

uint64_t request_random(void); /* differs, and is no secret */
/* Lets the request end with that fault. */
void request_fail(ngx_http_request_t *r, struct ctx *ctx, int fault, const char *reason);
/* Ends its waiting: the request goes on. It may end by that, and others too. */
void request_resume(struct ctx *ctx);

void request_worker_exit(void);

/* ---- body.c ---- */

/* In the access phase, after VERDICT_READ: reads all of the body, then the request goes on with
 * ctx->body. */
ngx_int_t body_read(ngx_http_request_t *r);

/* Takes what a chain holds, up to `most` bytes in all; false: *ret_status says why not. */
bool body_take(struct ctx *ctx, struct body_buffer *b, ngx_chain_t *in, size_t most,
	ngx_uint_t *ret_status);
void body_release(struct ctx *ctx);

/* Other bytes, which live as long as the request. false: more than may be held. */
bool body_replace(struct ctx *ctx, struct body_buffer *b, struct span by);
/* The same for a request's body that was read: the backend gets it. */
bool body_change(ngx_http_request_t *r, struct ctx *ctx, struct span by);

/* ---- answer.c ---- */

void answer_init(const struct apim *m);

/* ---- cache.c ---- */

bool cache_zone(ngx_conf_t *cf, struct apim *m);
void cache_init(const struct apim *m);
bool cache_has(const struct ctx *ctx);		/* the answer may be a kept one, or be kept */
ngx_int_t cache_forward(ngx_http_request_t *r); /* a content handler */
void cache_changed(struct apim *m, const struct ctx *ctx, ngx_uint_t status);

/* What nginx.conf asks for. */
struct span cache_key(struct ctx *ctx);
struct span cache_bypass(struct ctx *ctx);
struct span cache_no_store(struct ctx *ctx);

/* ---- watch.c ---- */

/* Reads the credentials of all schemes for this worker's core, now and whenever they change. */
bool watch_start(struct apim *m, ngx_cycle_t *cycle);
void watch_stop(struct apim *m);
const struct credentials *watch_credentials(const struct apim *m); /* NULL: none */

/* ---- introspect.c ---- */

/* After VERDICT_ASK: ctx waits for the answer, the request goes on by itself with
 * ctx->introspection. False: nobody can be asked. */
bool introspect(struct apim *m, struct ctx *ctx);
void introspect_stop_all(void);

/* ---- header.c ---- */

/* Value of the first header of that lower-case name; *ret_n counts all of them. */
bool header_find(void *request, const char *name, struct span *ret, size_t *ret_n);

/* Asked for as RFC 6455, section 4.1, says. */
bool header_asks_for_websocket(ngx_http_request_t *r);

/* Whether the client's headers are within the contract's bound; credentials are not counted. */
bool headers_fit(ngx_http_request_t *r, const struct apim *m);

/* Removes what the backend must not get: credentials, X-JWT-Assertion, what only a gateway may say.
 */
bool headers_strip(ngx_http_request_t *r, const struct apim *m, const struct ctx *ctx);

/* The whole list, in the place of the one that nginx read. */
void header_replace_all(ngx_http_request_t *r, const ngx_list_t *list);

/* By lower-case name. Nobody but the gateway says it to backends; it proves who somebody is. */
bool header_is_reserved(const struct apim *m, const char *name);
bool header_is_credential(const struct apim *m, const struct verdict *v, const char *name);

/* ---- cors.c ---- */

bool cors_add_headers(ngx_http_request_t *r, const struct cors *c);

/* ---- revoked.c ---- */

bool revocations_start(struct apim *m, ngx_cycle_t *cycle);
void revocations_stop(struct apim *m);

/* ---- jwks.c ---- */

bool jwks_need_tls(const struct apim *m);
bool jwks_start(struct apim *m, ngx_cycle_t *cycle);
void jwks_stop(struct apim *m);

/* Looks again for keys of an issuer, if the last look is not a moment ago. */
void jwks_refresh(struct apim *m, const struct contract_issuer *s);

/* Every URL has been asked once: before that, good tokens could be refused. */
bool jwks_are_tried(const struct apim *m);

/* ---- client.c ---- */

bool client_is_tls(const ngx_http_request_t *r);
bool client_is_verified(const ngx_http_request_t *r);
bool client_has_bad_certificate(const ngx_http_request_t *r);

/* ---- grpc.c ---- */

bool grpc_is_call(ngx_http_request_t *r);
ngx_int_t grpc_forward(ngx_http_request_t *r); /* a content handler */

/* Puts a status of gRPC in the place of HTTP's, before the header is sent. */
bool grpc_answer(ngx_http_request_t *r, const struct ctx *ctx);

/* ---- page.c ---- */

ngx_int_t page_init(void);
ngx_int_t page_add_header(ngx_http_request_t *r, const char *name, struct span value);

/* ---- sparing.c ---- */

void sparing_prepare(ngx_http_request_t *r);

/* ---- flush.c ---- */

/* Of static storage; write sends what was gathered, which may be nothing. */
struct flush {
	ngx_event_t event;
	void (*write)(void);
};

void flush_later(struct flush *f);

/* ---- log.c ---- */

ngx_int_t log_request(ngx_http_request_t *r);
void log_flush(void);
uint64_t log_upstream_ms(const ngx_http_request_t *r); /* all tries of the backend together */
void log_start(ngx_cycle_t *cycle); /* what nginx says of a request is without its query, too */

/* ---- trace.c ---- */

/* NULL: nothing is traced. */
struct trace *trace_begin(ngx_http_request_t *r, struct apim *m, struct arena *a);

/* What the log, and what the backend is told: our spans as traceparent; empty: nothing is traced.
 */
struct span trace_of_log(const struct ctx *ctx);
struct span trace_of_backend(const struct ctx *ctx);

/* The client's header of that lower-case name does not reach the backend. */
bool trace_replaces(const struct ctx *ctx, const char *header, size_t n);

void trace_backend_begins(const struct ctx *ctx);
void trace_backend_ends(const struct ctx *ctx);

/* The request has ended. */
void trace_end(ngx_http_request_t *r, struct apim *m, const struct ctx *ctx, ngx_uint_t status);

/* ---- spans.c ---- */

bool spans_setup(ngx_conf_t *cf, struct apim *m);
bool spans_need_tls(const struct apim *m);
void spans_stop(struct apim *m);

/* ---- usage.c ---- */

bool usage_setup(ngx_conf_t *cf, struct apim *m);

/* A request has ended. */
void usage_tell(ngx_http_request_t *r, struct apim *m, const struct ctx *ctx, ngx_uint_t status,
	uint64_t ms);
void usage_flush(void);

/* ---- counters.c ---- */

ngx_int_t counters_zone(ngx_conf_t *cf, struct apim *m); /* after replicas_prepare */
void counters_lock(struct apim *m);
void counters_unlock(struct apim *m);
struct core_counters counters_of(struct apim *m);
uint64_t counters_evicted(const struct apim *m);

/* Logs, once a minute, when counters had to make room. */
void counters_complain(ngx_http_request_t *r, const struct apim *m);

/* The request has ended. */
void counters_charge(ngx_http_request_t *r, struct apim *m, const struct ctx *ctx);

/* RateLimit-* and Retry-After, if the contract wants them. */
ngx_int_t counters_tell(ngx_http_request_t *r, const struct apim *m, const struct ctx *ctx);

/* ---- metrics.c ---- */

enum upstream_error {
	UPSTREAM_NAME,	  /* its name could not be resolved */
	UPSTREAM_CONNECT, /* no connection, or it broke before an answer came */
	UPSTREAM_TIMEOUT,
	UPSTREAM_ERRORS,
};

enum spans_outcome {
	SPANS_EXPORTED,
	SPANS_DROPPED,
	SPANS_OUTCOMES,
};

ngx_int_t metrics_zone(ngx_conf_t *cf, struct apim *m);
void metrics_request(struct apim *m, const struct ctx *ctx, ngx_uint_t status, uint64_t ms);
void metrics_upstream_error(struct apim *m, enum upstream_error e);
void metrics_spans(struct apim *m, enum spans_outcome o, unsigned int n);
void metrics_hook(const struct apim *m, bool is_response, unsigned int outcome);
ngx_int_t metrics_handler(ngx_http_request_t *r);

/* ---- variable.c ---- */

ngx_int_t variable_init(ngx_conf_t *cf);

#endif
