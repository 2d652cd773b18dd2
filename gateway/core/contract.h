/* The contract: everything one gateway must know, compiled from OpenAPI documents, policies and
 * security.
 *
 * One JSON file with a version. toolkit writes it (contract_json), every user loads it with the
 * same loader (contract_load): toolkit's own proof, `nginx -t`, the module, tests. What the loader
 * rejects never starts. A loaded contract is immutable and lives in one arena. User text (paths,
 * titles, header names) is data here and never becomes configuration. Equal inputs give equal
 * bytes.
 */
#ifndef GATEWAY_CORE_CONTRACT_H
#define GATEWAY_CORE_CONTRACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/core/limits.h"
#include "gateway/core/script.h"
#include "gateway/core/transport.h"
#include "lib/base/attr.h"

struct arena;
struct err;
struct json;
struct signature_key;
struct contract_target;
struct contract_body;
struct contract_example;
struct contract_schema;

enum {
	CONTRACT_VERSION = 1
};

enum method {
	METHOD_GET = 1 << 0,
	METHOD_HEAD = 1 << 1,
	METHOD_POST = 1 << 2,
	METHOD_PUT = 1 << 3,
	METHOD_DELETE = 1 << 4,
	METHOD_PATCH = 1 << 5,
	METHOD_OPTIONS = 1 << 6,
	METHOD_OTHER = 1 << 7, /* anything else: never routed */
};

/* "GET" … ; "OTHER" for METHOD_OTHER. */
const char *method_name(enum method m);
enum method method_parse(
	const char *name, size_t n); /* exact, upper case; METHOD_OTHER if unknown */

/* A key that signatures are verified with. The algorithm is the key's, not the token's. */
struct contract_key {
	const char *id;	    /* sha256 of the public key's DER, hex: names it in logs and metrics */
	const char *pem;    /* SubjectPublicKeyInfo */
	int64_t not_before; /* seconds; validity of the certificate the key came from; 0, 0: no
			       dates known */
	int64_t not_after;
	struct signature_key *verifies; /* filled by the loader */
};

/* What a contract may hold at most. The compiler checks the same bounds with better messages. */
enum {
	CONTRACT_MAX_APIS = 1000,
	CONTRACT_MAX_OPERATIONS = 10000,
	CONTRACT_MAX_ISSUERS = 100,
	CONTRACT_MAX_SCHEMES = 100,
	CONTRACT_MAX_KEYS = 20,	   /* per issuer */
	CONTRACT_MAX_SCOPES = 100, /* per operation */
	CONTRACT_MAX_TEXT = 4096,  /* any one text but a key */
	CONTRACT_MAX_TRUST = 100,
	CONTRACT_MAX_TARGETS = 32, /* of one endpoint */
	CONTRACT_MAX_CODES = 100,  /* statuses of one list */
	CONTRACT_MAX_RETRIES = 10,
	CONTRACT_MAX_BUCKETS = 100, /* of a circuit breaker's window */
	CONTRACT_MAX_CORS = 100,    /* entries of one list */
	CONTRACT_MAX_SEGMENTS = 64, /* of a base path or a template */
	CONTRACT_MAX_CACHE_SECONDS = 24 * 3600,
	CONTRACT_MIN_RSA_BITS = 2048,
};

/* One trusted issuer of tokens: entry of a Security of type JWT. */
struct contract_issuer {
	const char *security; /* name of the Security it came from */
	const char *issuer;
	const char *audience; /* NULL: not checked */
	bool validate_subscription;
	struct contract_key *keys; /* at least one, unless there is a URL */
	size_t n_keys;
	const char *jwks_url;		 /* where further keys are published; NULL: nowhere */
	struct contract_target *jwks_at; /* filled by the loader: where to connect to, */
	const char *jwks_path;		 /* and what to ask for */
};

/* One place of a backend. */
struct contract_target {
	const char *url; /* as written: scheme://host[:port][/path] */
	bool tls;
	const char *host;
	uint16_t port;
	const char *authority; /* for "Host": with the port, unless it is the scheme's own */
	const char *path;      /* "" or "/x": put before the forwarded path */
	const struct contract_scheme *key_manager; /* its certificate is checked as where that
						      scheme asks; NULL: a backend's */
};

/* Splits and checks an absolute http or https URL. User info, query, fragment, dot segments are
 * refused. */
bool contract_target_parse(
	struct arena *a, const char *url, struct contract_target *ret, struct err *err) MUST_CHECK;

struct contract_codes {
	uint16_t *at; /* statuses of HTTP */
	size_t n;
};

/* When calls mostly fail, none are made for a while. */
struct contract_breaker {
	uint32_t window_ms; /* what is looked at: the last window_ms, in steps of bucket_ms */
	uint32_t bucket_ms;
	uint32_t volume;  /* calls in the window below which it never opens */
	uint32_t percent; /* of failures above which it opens */
	uint32_t reset_ms;
	struct contract_codes codes; /* count as failures, besides no answer at all */
};

/* A backend as operations name it: one place or several. */
struct contract_endpoint {
	const char *name; /* "inventory_prod": what environment variables call it; see override.h */
	const char **urls; /* at least one, at most CONTRACT_MAX_TARGETS */
	size_t n_urls;
	bool failover;	     /* the first that works; else all in turn */
	uint32_t timeout_ms; /* 0: 60 s */
	uint32_t retries;    /* further attempts, besides those that several places bring */
	struct contract_codes retry_codes;
	struct contract_breaker *breaker;	   /* NULL: none */
	const char *username;			   /* NULL: the backend asks for no credentials */
	const char *password;			   /* NULL: given at run time */
	const struct contract_scheme *key_manager; /* whose /token and so on this is; NULL: it is a
						      backend. One has one URL */
	size_t *targets; /* filled by the loader: indices into contract.targets, by url */
};

/* A Security of another type than JWT. What proves its users is no part of a contract: see
 * credentials.h. */
enum scheme_type {
	SCHEME_BASIC,
	SCHEME_OAUTH, /* opaque tokens, which a key manager is asked about */
	SCHEME_API_KEY,
};

struct contract_scheme {
	enum scheme_type type;
	const char *security;		    /* its name: also that of its credentials */
	struct contract_target key_manager; /* SCHEME_OAUTH: what is asked about tokens, */
	bool is_soap;			    /* by soap.h, else by RFC 7662 */
	bool in_query;			    /* SCHEME_API_KEY: else in a header */
	const char *name; /* SCHEME_API_KEY: of that header, lower case, or parameter */
};

/* "basic" … */
const char *scheme_type_name(enum scheme_type t);

/* Paths are compared decoded. Both checks want the decoded form: segments that are not empty, not
 * "." or "..", without backslash, semicolon, control character. "" is a base path, "/" a template.
 * In a template "{name}" stands for a segment or for a part of one, and a last "*" for any rest,
 * also none. */
bool contract_base_path_ok(const char *path, struct err *err) MUST_CHECK;
bool contract_template_ok(const char *path, struct err *err) MUST_CHECK;

/* The template with its parameter names left out: "/p/{id}" → "/p/{}". Equal shapes match the same
 * paths. */
char *contract_template_shape(struct arena *a, const char *path);

struct contract_operation {
	enum method method;
	const char *id; /* operationId or "<METHOD> <path>" */
	bool secured;
	bool optional;	 /* a verified client certificate is enough */
	size_t *issuers; /* indices into contract.issuers that this operation accepts */
	size_t n_issuers;
	size_t *schemes; /* indices into contract.schemes that it accepts as well */
	size_t n_schemes;
	bool key_too;	     /* an API key is needed besides what the other ones ask for */
	const char **scopes; /* any one suffices; n_scopes 0: none needed */
	size_t n_scopes;
	size_t endpoint;  /* index into contract.endpoints, for key type PRODUCTION; SIZE_MAX: none
			   */
	size_t sandbox;	  /* the same for SANDBOX; SIZE_MAX: none */
	struct tier tier; /* only if the API has none */
	struct contract_hooks hooks;   /* besides the API's */
	struct contract_body *request; /* NULL: requests are not validated */
	struct contract_body *answers; /* n_answers 0: answers are not validated */
	size_t n_answers;
	struct contract_example *examples; /* n_examples 0: there is a backend */
	size_t n_examples;
};

/* One path template of one document. */
struct contract_path {
	const char *template; /* below the base path: "/products/{id}"; a last segment "*" is any
				 rest */
	struct contract_operation *operations;
	size_t n_operations;
	unsigned int methods; /* union of enum method of the operations */
};

struct contract_words {
	const char **at;
	size_t n;
};

/* Which web pages may read an API's answers. "*" in a list is everything. */
struct contract_cors {
	struct contract_words origins; /* "https://shop.example", compared byte by byte */
	struct contract_words methods;
	struct contract_words headers; /* of requests; compared without regard to case */
	bool credentials;	       /* never together with the origin "*" */
};

/* What backends are told about callers; see assertion.h. */
struct contract_assertion {
	const char *issuer;
	struct contract_words audience;
	const char *dialect;		  /* "http://wso2.org/claims" */
	struct contract_words restricted; /* claims of callers that are not repeated */
	uint32_t lifetime_s;
};

/* One OpenAPI document. */
struct contract_api {
	const char *title;
	const char *version;
	const char *base_path;	 /* "/store/v1.0.0", never with a trailing slash; "" is the root */
	const char *auth_header; /* lower case: "authorization" */
	struct contract_transport transport;
	struct contract_cors *cors;  /* NULL: nothing is said about origins */
	struct tier tier;	     /* for all operations together */
	struct contract_hooks hooks; /* of all operations */
	uint32_t cache_s;	     /* how long answers may be kept at most; 0: not at all */
	struct contract_path *paths;
	size_t n_paths;
};

struct contract {
	int version;
	struct contract_api *apis;
	size_t n_apis;
	struct contract_issuer *issuers;
	size_t n_issuers;
	struct contract_scheme *schemes;
	size_t n_schemes;
	struct contract_endpoint *endpoints;
	size_t n_endpoints;
	struct contract_schema *schemas; /* of bodies; see body.h */
	size_t n_schemas;
	struct limits limits;
	struct contract_scripts scripts;
	struct contract_assertion *assertion; /* NULL: backends are told nothing */
	bool limit_headers;		      /* answers say how much of a limit is left */
	struct contract_words trust; /* PEM: certificates that backends' may lead to, besides the
					system's */
	struct contract_target *targets; /* filled by the loader: all endpoints' URLs, each once */
	size_t n_targets;
	int64_t clock_skew_s;	   /* 60 */
	bool remove_auth_header;   /* credentials do not reach the backend */
	bool verify_hostname;	   /* of backend certificates */
	const char *jwt_header;	   /* "X-JWT-Assertion": always stripped from clients */
	uint32_t max_uri_bytes;	   /* 4096 */
	uint32_t max_header_bytes; /* 8192; what a single token header may need is allowed for (16
				      KiB) by nginx' buffers */
	int64_t max_body_bytes;	   /* -1: no limit */
	uint32_t token_cache_entries; /* per worker; 0: no cache */
	int64_t token_cache_s;	      /* how long a key manager's word is believed */
	uint16_t http_port;	      /* 9090 */
	uint16_t https_port;	      /* 9095 */
	uint16_t metrics_port;	      /* 9797; always served */
	uint16_t token_port; /* 9096: has the key manager's endpoints only; 0: there is none */
	bool http2;
};

#define TOKEN_CACHE_S 900 /* unless settings say otherwise */

/* The contract as JSON, canonical: what toolkit writes to contract.json. */
struct json *contract_json(struct arena *a, const struct contract *c);

/* Parses, checks every bound and reference, decodes keys. NULL on failure; err names the JSON path.
 * Keys are released with the arena. */
struct contract *contract_load(
	struct arena *a, const char *text, size_t n, struct err *err) MUST_CHECK;
struct contract *contract_load_file(struct arena *a, const char *path, struct err *err) MUST_CHECK;

#endif
