/* One OpenAPI document as the compiler sees it: versions, spellings and inheritance are resolved,
 * names are not.
 *
 * Between reading (openapi.c, endpoint.c, security.c, extension.c) and what uses it (scan.c,
 * compile.c, canonical.c).
 */
#ifndef TOOLKIT_MODEL_H
#define TOOLKIT_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/core/contract.h"
#include "lib/base/vec.h"
#include "toolkit/toolkit.h"

struct json;
struct operation_bodies;
struct yaml_lines;

/* Where the reader stands: what messages need. */
struct reader {
	struct arena *a;
	struct toolkit_diagnostics *diagnostics;
	const char *document;
	const struct json *root;
	const struct yaml_lines *lines;
	bool swagger2;
};

/* A place in the document: "paths./products.get" and the value there. */
struct place {
	const char *path;
	const char
		*key; /* not NULL: the last step, joined to the path only when somebody reads it */
	const struct json *at;	   /* NULL: absent */
	const struct json *around; /* gives the line when the value is absent */
};

/* Adds a diagnostic; the same code at the same path is kept once. Errors return false. */
bool refuse(struct reader *r, const char *code, struct place p, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
void warn(struct reader *r, const char *code, struct place p, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/* The member of a place, with its path; for one that json_foreach found; for an element of a list.
 */
struct place settled(
	struct reader *r, struct place p); /* joined, for places that many are inside of */
struct place inside(struct reader *r, struct place p, const char *key);
struct place member(struct reader *r, struct place p, const struct json *v);
struct place element(struct reader *r, struct place p, size_t i, const struct json *v);

/* A text; a number or boolean counts as it was written (`version: 1.10`). NULL if it is neither. */
const char *text_of(struct reader *r, const struct json *v);

/* One place of a backend as the document names it. */
struct model_target {
	struct place place;
	const char *url;  /* an absolute URL, or NULL: */
	const char *name; /* a TargetEndpoint */
};

/* A backend, with all that the contract says of it but the URLs of TargetEndpoints. */
struct model_endpoint {
	struct place place;
	struct vec targets;		   /* struct model_target *, at least one */
	struct contract_endpoint contract; /* without urls */
	bool is_used;			   /* compile.c: by an operation */
	size_t number;			   /* compile.c: in the contract, when it is used */
};

/* One entry of a `security` list. */
struct model_name {
	struct place place;
	const char *name;
	const char *scheme; /* type of the document's own scheme of that name: "oauth2", "basic",
			       "apiKey", …; NULL: none */
	size_t entry;	    /* of the list: names of one entry belong together */
	bool in_query;	    /* an apiKey's place, as the document says it */
	const char *place_name; /* NULL: it does not say */
};

/* A `security` list: the union of its entries. */
struct model_security {
	struct vec names;  /* struct model_name * */
	struct vec scopes; /* const char *, sorted, each once */
	const struct accepted
		*accepted; /* compile.c: what the names came to; NULL: not looked up yet */
};

/* A throttling tier as a document names it. */
struct model_tier {
	const char *name; /* NULL: none */
	struct place place;
};

/* A script as a document has it. */
struct model_script {
	struct place place;
	const char *text;			/* hook.c: its name until it is looked up */
	const struct contract_script *contract; /* hook.c: what became of it */
};

struct model_hooks {
	struct model_script *request; /* NULL: none */
	struct model_script *response;
};

struct model_operation {
	struct place place;
	enum method method;
	const char *id;
	bool secured;
	bool optional;			   /* a client certificate is enough */
	struct model_security *security;   /* NULL or without names: the default Security */
	const struct vec *scopes;	   /* const char * */
	struct model_endpoint *production; /* NULL: none */
	struct model_endpoint *sandbox;
	struct model_tier tier; /* none if the root has one */
	struct model_hooks hooks;
	struct place item; /* the path item around it */
	bool is_mocked;
	struct vec examples; /* struct contract_example *: they answer instead of an endpoint */
	struct operation_bodies *bodies; /* body.c; NULL: not validated */
};

struct model_path {
	struct place place;
	const char *template;  /* decoded */
	struct vec operations; /* struct model_operation *, by method */
};

struct model {
	struct reader reader;
	const char *title;
	const char *version;
	const char *mode;
	const char *base_path;	 /* decoded; NULL: wrong */
	const char *auth_header; /* lower case; NULL: the settings' */
	struct model_tier tier;
	struct model_hooks hooks;
	uint32_t cache_s;	    /* 0: answers are not kept */
	struct contract_cors *cors; /* NULL: none */
	struct contract_transport transport;
	bool has_interceptors;
	struct vec paths;     /* struct model_path *, by template */
	struct vec targets;   /* struct model_target *: every one the document names, used or not */
	struct vec endpoints; /* struct model_endpoint * */
};

/* Reads one document. NULL if it is no OpenAPI document at all; otherwise whatever could be read,
 * with the errors told. */
struct model *model_read(
	struct arena *a, const struct toolkit_document *d, struct toolkit_diagnostics *diagnostics);

/* ---- parts of reading, one file each ---- */

/* paths.c */
void read_paths(struct reader *r, struct model *m, struct place root);
char *path_decode(struct arena *a, const char *text); /* "%20" → " ". NULL: broken */

/* reference.c: an object with its `$ref` followed, one behind the other; NULL: not an object of
 * this document. */
const struct json *reference_followed(
	struct arena *a, const struct json *root, const struct json *v);

/* endpoint.c; owner is what environment variables call the endpoint when it has no name itself:
 * "Store_v1", "Store_v1_listProducts". */
enum key_type {
	KEY_PRODUCTION,
	KEY_SANDBOX
};
struct model_endpoint *endpoint_of_extension(
	struct reader *r, struct model *m, struct place p, enum key_type type, const char *owner);
struct model_endpoint *endpoint_of_servers(
	struct reader *r, struct model *m, struct place p, const char *owner);
char *owner_name(struct arena *a, const struct model *m, const char *operation); /* NULL: the API */

/* resilience.c: securityConfig and advanceEndpointConfig of an endpoint */
void read_login(struct reader *r, struct place p, struct contract_endpoint *ret);
void read_resilience(struct reader *r, struct place p, struct contract_endpoint *ret);
void read_named_endpoints(
	struct reader *r, struct model *m, struct place root); /* x-wso2-endpoints, used or not */

/* The URL of servers[0] with its variables filled in, or what Swagger 2 says at its root; NULL:
 * none. Only the first is told about when it is wrong. */
const char *server_url(struct reader *r, struct place p);

/* security.c */
struct model_security *security_of(
	struct reader *r, struct place p); /* NULL: the place has no `security` */
bool is_secured(struct reader *r, struct place root, struct place operation);
const struct vec *scopes_of(
	struct reader *r, struct place operation, const struct model_security *s);
void check_application_security(struct reader *r, struct place p);

/* trust.c: PEM texts, sorted, each once; what cannot be read is told. */
const char **trust_read(struct reader *whole, const struct toolkit_inputs *in, size_t *ret_n);

/* cors.c: x-wso2-cors; NULL: absent, off, or wrong and told. */
struct contract_cors *cors_of(struct reader *r, struct place root);

/* mock.c: whether examples answer; those of an operation */
bool mock_is_asked(struct reader *r, struct place root, struct place operation);
void read_examples(struct reader *r, struct model_operation *op);

/* extension.c: x-wso2-response-cache, in seconds; 0: off */
uint32_t cache_of(struct reader *r, struct place root);

/* transport.c: x-wso2-transports, x-wso2-mutual-ssl */
struct contract_transport transport_of(struct reader *r, struct place root);

/* x-wso2-application-security.optional, of the operation before that of the root: a client
 * certificate is enough. */
bool security_is_optional(struct reader *r, struct place root, struct place operation);

/* hook.c: what stands at the root or an operation; all of them, looked up and tried; what became of
 * them. */
struct model_hooks hooks_of(struct reader *r, struct place p);
struct contract_scripts scripts_compile(
	struct reader *whole, const struct vec *models, const struct toolkit_inputs *in);
struct contract_hooks scripts_placed(const struct model_hooks *h);

/* extension.c: everything x-wso2-* that is not read elsewhere. */
enum level {
	LEVEL_ROOT,
	LEVEL_PATH,
	LEVEL_OPERATION
};
void check_extensions(struct reader *r, struct model *m, struct place p, enum level level);
struct model_tier tier_of(
	struct reader *r, const struct model *m, struct place p); /* m NULL: of the root */

#endif
