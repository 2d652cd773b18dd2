/* The gateway's decision: contract + request + time + counters → verdict. Pure: no nginx, no I/O,
 * no clock.
 *
 * Steps in the order of the specification: normalise the path → route → credentials → verification
 * → scopes → subscription → limits → endpoint.
 */
#ifndef GATEWAY_CORE_CORE_H
#define GATEWAY_CORE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/core/contract.h"

struct credentials;
struct err;
struct introspection;
struct revoked;
struct share;
struct window_table;
struct window_use;

/* Where requests are counted; shared by all workers of a gateway. */
struct core_counters {
	struct window_table *table;
	void (*lock)(void *arg); /* NULL: nobody else uses the table */
	void (*unlock)(void *arg);
	void *arg;
	struct share *share; /* with other replicas; NULL: there are none */
};

struct core; /* a loaded contract made fast: routing trie, token cache; one per worker */
struct core_options {
	size_t token_cache_entries;	      /* 0: take the contract's */
	const struct core_counters *counters; /* NULL: own ones */
};

/* Keeps a pointer to c, which must outlive it. */
struct core *core_new(const struct contract *c, const struct core_options *options);
void core_free(struct core *core);

/* Until the next call; keeps the pointer. Without credentials users are refused as an internal
 * error. */
void core_set_credentials(struct core *core, const struct credentials *credentials);

/* Kept by reference until the next call; NULL: nothing is revoked. */
void core_set_revoked(struct core *core, const struct revoked *revoked);

struct span {
	const char *at;
	size_t n;
};

/* What a key manager is asked. */
struct core_question {
	size_t scheme; /* index into contract.schemes */
	struct span token;

	/* The use of it that is asked about; NULL: the token is good for all or for none. */
	const struct contract_api *api;
	const struct contract_path *path;
	const struct contract_operation *operation;
};

struct core_request {
	enum method method;
	struct span method_name; /* as sent, for texts */
	struct span target;	 /* raw request target: path and query, not decoded */
	/* value of a request header by lower-case name; false if absent. More than one occurrence:
	 * *ret_n > 1 */
	bool (*header)(void *arg, const char *name, struct span *ret, size_t *ret_n);
	void *arg;
	struct span client; /* address of the peer */
	bool is_tls;
	bool is_for_key_manager; /* came to the listener that has nothing else: see relay.c */
	bool client_is_verified; /* showed a certificate that one of ours vouches for */
	int64_t now_s;
	bool may_wait;	/* for other replicas, if a limit needs them; else it is decided without */
	bool is_stream; /* a call of gRPC: hooks see nothing of its body */
	const struct span *body;		   /* after VERDICT_READ: all of it; NULL before */
	const struct introspection *introspection; /* after VERDICT_ASK: the outcome; NULL before */
};

/* What every answer to a request says about origins; see cors.h. */
struct cors {
	bool is_on;	    /* the backend's own headers about origins are left out */
	struct span origin; /* empty: none of the headers below */
	bool credentials;
	struct span methods; /* of a preflight's answer; empty: none */
	struct span headers;
};

enum verdict_kind {
	VERDICT_FORWARD, /* to the backend */
	VERDICT_RELAY,	 /* to the key manager, as it is */
	VERDICT_ANSWER,	 /* status and body below */
	VERDICT_HEALTH,	 /* /health */
	VERDICT_ISSUE,	 /* /apikey: core_issue says what to answer once the body is read */
	VERDICT_READ,	 /* decide again with the body, of most_body bytes at most */
	VERDICT_ASK,	 /* a key manager knows: decide again with what it says */
	VERDICT_WAIT,	 /* other replicas know how much of a limit is left: decide again */
};

/* The limit that the client meets first. */
struct verdict_limit {
	int64_t count; /* 0: none */
	int64_t remaining;
	int64_t reset_s; /* until the window ends */
};

struct answer_header {
	const char *name;
	const char *value;
};

struct verdict {
	enum verdict_kind kind;

	/* VERDICT_ANSWER */
	int status;
	const char *content_type;
	struct span body;
	struct span allow;		     /* Allow header; empty: none */
	const struct answer_header *headers; /* further ones, of an example */
	size_t n_headers;
	int fault_code;	    /* 900901 …; 0: none. For logs and metrics */
	const char *reason; /* short word for logs: "token expired", "issuer", "signature"; never
			       sent */

	/* VERDICT_FORWARD, VERDICT_RELAY; the latter has no operation */
	const struct contract_endpoint *endpoint;
	struct span forward; /* request target below the target's own path, query kept as sent */
	bool strip_auth;     /* remove the credentials header */

	struct cors cors; /* of any kind */

	/* VERDICT_READ */
	size_t most_body;

	/* VERDICT_ISSUE */
	size_t issue_scheme;
	const char *issue_user;

	struct core_question ask; /* VERDICT_ASK; the token is in the request */

	/* what is known, for logs and metrics (NULL/0 when not) */
	const struct contract_api *api;
	const struct contract_path *path;
	const struct contract_operation *operation;
	struct span subject;	 /* claim sub, or the user's name */
	struct span application; /* application name or id */
	struct span
		token; /* a JWT that was verified, in the request; empty: none. Shown to nobody */
	bool sandbox;
	struct verdict_limit limit;
	const struct window_use *charged; /* limits on bytes: for core_charge */
	size_t n_charged;
	struct span
		backend_jwt; /* what the token says about its user to backends; empty: nothing */
	const struct contract_issuer *fetch_keys_of; /* its keys may be others by now; NULL: none */
	bool token_cached;			     /* signature was not verified again */
};

/* Keys that an issuer publishes: see jwks_take. */
bool core_take_keys(
	struct core *core, size_t issuer, const char *text, size_t n, struct err *err) MUST_CHECK;

/* Texts of the verdict live in the arena given (one per request) or in the contract. */
void core_decide(
	struct core *core, struct arena *a, const struct core_request *r, struct verdict *ret);

/* After VERDICT_ISSUE: makes an answer of it. */
void core_issue(
	struct core *core, struct arena *a, struct span body, int64_t now_s, struct verdict *v);

/* Keeps what a key manager said, for the next time it would be asked. Failures are not kept. */
void core_learn(struct core *core, const struct core_question *asked,
	const struct introspection *introspection);

/* Fault body of spec, section 4: {"fault":{"code":…, "message":"…", "description":"…"}} */
struct span core_fault(struct arena *a, int code, const char *message, const char *description);

/* When the request has ended: what it moved counts towards its limits on bytes. */
void core_charge(struct core *core, const struct verdict *v, int64_t bytes, int64_t now_s);

struct core_stats {
	uint64_t token_cache_hits;
	uint64_t token_cache_misses;
	uint64_t token_cache_entries;
};
void core_stats(const struct core *core, struct core_stats *ret);

#endif
