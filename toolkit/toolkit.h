/* The compiler: OpenAPI documents + Securities + endpoints + policies + settings → one contract.
 *
 * Pure: no files, no network, no clock. Everything that is wrong with the inputs is reported at
 * once, as diagnostics that say where, what and what to do; a feature asked for and not available
 * is never dropped in silence: an error if it protects something, else a warning. Equal inputs give
 * equal bytes; formatting, comments, key order, descriptions and the order of documents, Securities
 * and endpoints do not change a contract.
 *
 * OpenAPI 3.0 and 3.1 and Swagger 2.0, as JSON or YAML. `$ref` is followed inside a document for
 * path items and security schemes; an operation cannot be one. Results live in the arena given and
 * may point into the inputs.
 */
#ifndef TOOLKIT_TOOLKIT_H
#define TOOLKIT_TOOLKIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/vec.h"

struct arena;
struct contract;
struct contract_assertion;
struct err;
struct json;
struct policies;

enum {
	TOOLKIT_MAX_DOCUMENTS = 1000,
	TOOLKIT_MAX_DOCUMENT_BYTES = 5 * 1024 * 1024,
	TOOLKIT_MAX_DIAGNOSTICS = 200, /* further ones are counted, not kept */
};

/* ---- diagnostics ---- */

enum toolkit_severity {
	TOOLKIT_ERROR,
	TOOLKIT_WARNING
};

struct toolkit_diagnostic {
	enum toolkit_severity severity;
	const char *code;     /* CamelCase, a list stands in docs/api/openapi.md: "InvalidDocument",
				 "NotEnforced", … */
	const char *document; /* its name; "" when no single one is meant */
	size_t line;	      /* from 1; 0 unknown */
	const char *path;     /* "paths./products.get.security"; "" for the document as a whole */
	const char *message;  /* what is wrong, what is expected */
};

/* Zero-initialised is empty. */
struct toolkit_diagnostics {
	struct vec list; /* struct toolkit_diagnostic *, documents in the order given, errors and
			    warnings as found */
	size_t errors;
	size_t warnings;
};

/* "products.yaml:12: paths./products.get.security: …" */
char *toolkit_diagnostic_text(struct arena *a, const struct toolkit_diagnostic *d);

/* ---- inputs ---- */

struct toolkit_document {
	const char *name; /* of the ConfigMap or file, for messages */
	const char *text;
	size_t n;
};

/* A certificate or public key as lib/x509 reads it. The dates count for a bare public key, a
 * certificate brings its own. */
struct toolkit_key {
	const char *bytes;
	size_t n;
	int64_t not_before; /* seconds; 0, 0: none known */
	int64_t not_after;
};

struct toolkit_issuer {
	const char *issuer;
	const char *audience; /* NULL or "": not checked */
	bool validate_subscription;
	const struct toolkit_key *keys;
	size_t n_keys;
	const char *jwks_url; /* where the issuer publishes keys; NULL: nowhere */
};

struct toolkit_security {
	const char *name;
	const char *type;     /* "jwt", "basic" or "oauth"; every other type is reported as not
				 supported where an operation names it. Credentials are no input: see
				 gateway/core/credentials.h */
	const char *endpoint; /* "oauth": the key manager's URL, or that of what is asked there: its
				 introspection endpoint, or SECURITY_SOAP_PATH of lib/api */
	const struct toolkit_issuer *issuers;
	size_t n_issuers;
};

/* A TargetEndpoint by the name documents use, "products" or "products.backends", and where it is.
 */
struct toolkit_endpoint_ref {
	const char *name;
	const char *url;
};

struct toolkit_settings {
	const char *default_security; /* "default-security-jwt": for operations that name no usable
					 security */
	const char *auth_header;      /* "Authorization" */
	bool remove_auth_header;      /* true */
	const char *jwt_header;	      /* "X-JWT-Assertion" */
	bool verify_hostname;	      /* true; a warning while it is off and a backend is https */
	bool validate_requests;	      /* false: bodies against the documents' schemas */
	bool validate_responses;      /* false */
	int64_t clock_skew_s;	      /* 60 */
	uint32_t token_cache_entries; /* 10000 per worker */
	int64_t token_cache_s;	      /* 900: how long a key manager's word is believed */
	uint32_t max_uri_bytes;	      /* 4096 */
	uint32_t max_header_bytes;    /* 8192 */
	int64_t max_body_bytes;	      /* -1: no limit */
	uint16_t http_port;	      /* 9090 */
	uint16_t https_port;	      /* 9095 */
	uint16_t metrics_port;	      /* 9797 */
	uint32_t token_port;	 /* 9096: for the key manager's own endpoints; 0: not to be had */
	bool http2;		 /* true */
	uint32_t hook_ms;	 /* 5: processor time of one run of a hook */
	uint32_t hook_kilobytes; /* 1024: memory of one run */
	bool limit_headers;	 /* false: answers do not say how much of a limit is left */
};

struct toolkit_settings toolkit_settings_default(void);

/* What backends' certificates may lead to, besides the authorities every system trusts: PEM or DER.
 */
struct toolkit_certificate {
	const char *name; /* of the Secret, for messages */
	const char *bytes;
	size_t n;
};

struct toolkit_inputs {
	const struct toolkit_document *documents;
	size_t n_documents;
	const struct toolkit_security *securities;
	size_t n_securities;
	const struct toolkit_endpoint_ref *endpoints;
	size_t n_endpoints;
	const struct policies *policies; /* rate limits; NULL: the defaults */
	struct toolkit_settings settings;
	const struct toolkit_certificate *certificates;
	size_t n_certificates;
	const struct toolkit_document *scripts; /* hooks that documents name: "tenant.lua" */
	size_t n_scripts;
	const struct contract_assertion *backend_jwt; /* NULL: backends get none from the gateway */
};

/* ---- what documents name, without compiling ---- */

struct toolkit_names {
	const char *const *at; /* sorted, each once */
	size_t n;
};

struct toolkit_scanned {
	const char *document; /* its name */
	const char *title;
	const char *version;
	const char *mode;      /* x-wso2-mode; NULL: absent */
	const char *base_path; /* "" is the root; NULL: wrong */
};

struct toolkit_scan {
	struct toolkit_scanned *documents; /* those that could be read */
	size_t n_documents;
	struct toolkit_names securities; /* every one must exist as a Security object */
	struct toolkit_names schemes; /* these may: if not, the document's own scheme (oauth2, jwt,
					 bearer) means the default Security */
	bool needs_default_security;  /* an operation names nothing usable; also true while any
					 scheme stands for it */
	struct toolkit_names endpoints;	   /* TargetEndpoints, "name" or "name.namespace" */
	struct toolkit_names tiers;	   /* throttling tiers but "Unlimited" */
	bool has_interceptors;		   /* also an error diagnostic */
	bool asks_for_client_certificates; /* x-wso2-mutual-ssl of any document */
	struct toolkit_diagnostics diagnostics;
};

/* Reports what can be seen without the named objects; names are as complete as the readable
 * documents allow. */
void toolkit_scan(struct arena *a, const struct toolkit_document *documents, size_t n,
	struct toolkit_scan *ret);

/* ---- compiling ---- */

/* NULL when there is any error. The contract's keys are PEM only; contract_load makes them usable.
 */
struct contract *toolkit_compile(struct arena *a, const struct toolkit_inputs *in,
	struct toolkit_diagnostics *ret) MUST_CHECK;

/* As it is written: canonical JSON. */
char *toolkit_contract_text(struct arena *a, const struct contract *c);

/* What --expect compares and the input hash contains: lower-case hex SHA-256 of that text. */
char *toolkit_contract_sha256(struct arena *a, const struct contract *c);

/* The document as pretty JSON with TargetEndpoint names replaced by their URLs; compiles to the
 * same contract. NULL when it is not an object; unknown names stay: toolkit_compile tells them. */
char *toolkit_canonical(struct arena *a, const struct toolkit_document *d,
	const struct toolkit_endpoint_ref *endpoints, size_t n_endpoints);

#endif
