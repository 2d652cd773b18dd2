#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "gateway/core/credentials.h"
#include "lib/base/arena.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"

enum {
	MAX_SENT = 4096
};

/* Who the client says it is. */
struct claim {
	struct span name;
	struct span password;
};

static const EVP_MD *hash_of(size_t bytes)
{
	switch (bytes) {
	case 20:
		return EVP_sha1(); /* what the original's users have; see credentials.h */
	case 32:
		return EVP_sha256();
	case 48:
		return EVP_sha384();
	default:
		return EVP_sha512();
	}
}

static bool password_is(const struct user *u, struct span password)
{
	unsigned char digest[EVP_MAX_MD_SIZE];

	if (EVP_Digest(password.at, password.n, digest, NULL, hash_of(u->n), NULL) != 1)
		abort();
	return CRYPTO_memcmp(digest, u->digest, u->n) == 0;
}

static int compare(const struct user *u, struct span name)
{
	size_t n = strlen(u->name);
	int order = memcmp(u->name, name.at, n < name.n ? n : name.n);

	return order ? order : (n > name.n) - (n < name.n);
}

/* The first of that name; they are sorted. */
static size_t first(const struct credential_set *set, struct span name)
{
	size_t low = 0;
	size_t high = set->n_users;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&set->users[middle], name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const struct user *find(const struct credential_set *set, const struct claim *c)
{
	for (size_t i = first(set, c->name); i < set->n_users; i++) {
		const struct user *u = &set->users[i];

		if (compare(u, c->name) != 0)
			return NULL;
		if (password_is(u, c->password))
			return u;
	}
	return NULL;
}

static int read_claim(struct arena *a, struct span sent, struct claim *ret, const char **ret_why)
{
	size_t n = 0;
	const char *text = sent.n > MAX_SENT ? NULL : base64_decode(a, sent.at, sent.n, &n);
	const char *colon = text ? memchr(text, ':', n) : NULL;

	*ret_why = "basic credentials are not base64";
	if (!text)
		return 900900;
	*ret_why = "basic credentials without a colon";
	if (!colon)
		return 900912;
	ret->name = (struct span){ text, (size_t)(colon - text) };
	ret->password = (struct span){ colon + 1, n - ret->name.n - 1 };
	*ret_why = "empty password";
	return ret->password.n > 0 ? 0 : 900911;
}

int basic_check(struct arena *a, const struct contract *c, const struct contract_operation *op,
	const struct credentials *credentials, struct span sent, const struct user **ret,
	const char **ret_why)
{
	bool is_known = true;
	struct claim claim;
	int code = read_claim(a, sent, &claim, ret_why);

	if (code != 0)
		return code;
	for (size_t i = 0; i < op->n_schemes; i++) {
		const struct credential_set *set =
			credentials ? &credentials->sets[op->schemes[i]] : NULL;

		if (c->schemes[op->schemes[i]].type != SCHEME_BASIC)
			continue;
		*ret = set && set->is_loaded ? find(set, &claim) : NULL;
		if (*ret)
			return 0;
		is_known = is_known && set && set->is_loaded;
	}
	*ret_why = is_known ? "user or password" : "credentials not loaded";
	return is_known ? 900911 : 900900;
}

int api_key_user_check(struct arena *a, const struct contract *c,
	const struct credentials *credentials, struct span sent, const struct user **ret,
	size_t *ret_scheme, const char **ret_why)
{
	struct claim claim;
	int code = read_claim(a, sent, &claim, ret_why);

	if (code != 0)
		return code;
	for (size_t i = 0; credentials && i < c->n_schemes; i++) {
		if (c->schemes[i].type != SCHEME_API_KEY || !credentials->sets[i].is_loaded)
			continue;
		*ret = find(&credentials->sets[i], &claim);
		*ret_scheme = i;
		if (*ret)
			return 0;
	}
	*ret_why = "user or password";
	return 900911;
}
