/* What proves who somebody is and must not lie in an image: credentials of a contract's schemes.
 *
 * One file per scheme, <security>.json, as security-svc writes it: {"type": …, "entries": […]}.
 * They are mounted into the gateway's pod and read again when they change, so a new password needs
 * no build. Passwords are hashes in the forms users of the original know: 40 hex digits (SHA-1),
 * "@sha256:{hex}", "@sha384:{hex}", "@sha512:{hex}". What the gateway says itself, to a key
 * manager, is the password.
 *
 * A set that could not be read is not loaded: nobody is let in by it, which is an internal error
 * and not the client's.
 */
#ifndef GATEWAY_CORE_CREDENTIALS_H
#define GATEWAY_CORE_CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/core/core.h"
#include "lib/base/attr.h"

struct arena;
struct contract;
struct contract_operation;
struct err;
struct evp_pkey_st;

enum {
	CREDENTIALS_MAX_BYTES = 1024 * 1024, /* a Secret holds no more */
	CREDENTIALS_MAX_USERS = 1000,	     /* per scheme */
	CREDENTIALS_MAX_KEYS = 20,
	PASSWORD_MAX_DIGEST = 64,
};

struct user {
	const char *name;
	const char *scopes; /* words between blanks */
	unsigned char digest[PASSWORD_MAX_DIGEST];
	size_t n; /* bytes of the digest: says which hash it is */
};

/* Keys that are accepted: one entry of a Security of type apiKey. */
struct api_key_rule {
	const char *issuer;
	const char *audience; /* NULL: any */
	bool validate_allowed_apis;
};

struct credential_set {
	bool is_loaded;

	/* basic: who may call; apikey: who may have keys */
	struct user *users; /* by name; two entries of one name are two passwords */
	size_t n_users;

	/* oauth: how the key manager knows the gateway, and the gateway the key manager */
	const char *username;
	const char *password;
	struct evp_pkey_st **keys; /* empty: any certificate that is trusted */
	size_t n_keys;

	/* apikey: at least one rule; the first is that of new keys */
	unsigned char mac_key[32];
	struct api_key_rule *rules;
	size_t n_rules;
};

struct credentials {
	struct credential_set *sets; /* parallel to contract.schemes */
};

/* Nothing is loaded yet. */
struct credentials *credentials_new(struct arena *a, const struct contract *c);

/* The file of contract.schemes[scheme]. On failure its set stays not loaded; err names the place,
 * never a value. */
bool credentials_read(struct arena *a, struct credentials *to, const struct contract *c,
	size_t scheme, const char *text, size_t n, struct err *err) MUST_CHECK;

/* The same for those who want an API key: by any scheme of type apikey, which is *ret_scheme. */
int api_key_user_check(struct arena *a, const struct contract *c,
	const struct credentials *credentials, struct span sent, const struct user **ret,
	size_t *ret_scheme, const char **ret_why) MUST_CHECK;

/* RFC 7617: what follows "Basic" in the header. *ret is the user by one of the operation's basic
 * schemes. 0, or the code of the fault; *ret_why is a word for the log. */
int basic_check(struct arena *a, const struct contract *c, const struct contract_operation *op,
	const struct credentials *credentials, struct span sent, const struct user **ret,
	const char **ret_why) MUST_CHECK;

#endif
