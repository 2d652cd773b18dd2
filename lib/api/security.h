/* spec of kind Security, decoded, and what security-svc makes of it for gateways.
 *
 * Total: any JSON value gives a struct; what is wrong is a finding. Strings are borrowed from the
 * object or live in the arena.
 */
#ifndef LIB_API_SECURITY_H
#define LIB_API_SECURITY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/vec.h"

struct arena;
struct err;
struct findings;
struct json;

enum security_type {
	SECURITY_UNKNOWN,
	SECURITY_JWT,
	SECURITY_OAUTH,
	SECURITY_BASIC,
	SECURITY_APIKEY,
};

const char *security_type_name(enum security_type type); /* "jwt", "oauth", "basic", "apikey" */

/* One issuer, key manager or set of users. NULL: not said. */
struct security_entry {
	const char *path;	 /* "spec" or "spec.securityConfig[2]" */
	const char *certificate; /* Secret with the issuer's certificate as its only entry */
	const char *alias;
	const char *endpoint;	 /* URL of the key manager */
	bool external;		 /* it is asked by RFC 7662; the default */
	const char *credentials; /* Secret with username and password */
	const char *issuer;
	const char *audience;
	const char *jwks_url;
	bool validate_subscription;
	bool validate_allowed_apis;
};

struct security {
	enum security_type type;
	struct vec entries; /* struct security_entry *: securityConfig, or the flat fields as one */
};

/* object: the whole Security. A type that misses what it needs has a fatal finding. */
void security_decode(
	struct arena *a, const struct json *object, struct security *ret, struct findings *f);

/* ---- the compiled policy: key SECURITY_POLICY_KEY of Secret <security>-security ---- */

#define SECURITY_POLICY_KEY "security.json"

/* In the operator's namespace: entry "key", a secret of the installation. Made when there is
 * none. The key of each Security of type apiKey and of the replicas in each namespace is derived
 * from it, so that none learns another's. */
#define SECURITY_KEYS_SECRET "apim-api-keys"

/* Older key managers are asked by SOAP: so they are when a policy's endpoint ends in this. */
#define SECURITY_SOAP_PATH "/services/APIKeyValidationService"

char *security_policy_name(struct arena *a, const char *security);

struct security_key {
	const char *id;	    /* sha256 of the public key's DER, hex */
	const char *pem;    /* SubjectPublicKeyInfo */
	int64_t not_before; /* seconds since 1970; 0 and 0: no dates known */
	int64_t not_after;
};

/* What a gateway needs of one entry; which members are set depends on the type:
 *   jwt     issuer, audience?, validate_subscription, keys, jwks_url (keys or a URL)
 *   apikey  issuer?, audience?, alias?, validate_allowed_apis, key; username and password (a hash)
 *           of who may have keys, if anybody
 *   oauth   endpoint, username, password, keys (the key manager's, may be empty)
 *   basic   username, password (a hash: see security_password), scopes? */
struct security_policy_entry {
	const char *issuer;
	const char *audience;
	const char *alias;
	const char *endpoint;
	const char *jwks_url;
	const char *username;
	const char *password;
	const char *key;    /* 64 hex digits: MACs API keys */
	const char *scopes; /* of the user: "read,write" */
	bool validate_subscription;
	bool validate_allowed_apis;
	struct vec keys; /* struct security_key * */
};

struct security_policy {
	enum security_type type;
	struct vec entries; /* struct security_policy_entry * */
};

/* A user's password as gateways get it: "@sha256:{hex}". One that is a hash already, @sha256:{hex},
 * @sha384:{hex} or @sha512:{hex}, stays as it is. */
const char *security_password(struct arena *a, const char *password);

struct json *security_policy_json(struct arena *a, const struct security_policy *p);

/* ERR_INVALID: not such a document; err names the path, never a value. */
bool security_policy_read(struct arena *a, const char *text, size_t n, struct security_policy *ret,
	struct err *err) MUST_CHECK;

#endif
