#include "gateway/core/credentials.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "gateway/core/apikey.h"
#include "gateway/core/field.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

struct credentials *credentials_new(struct arena *a, const struct contract *c)
{
	struct credentials *to = arena_alloc(a, sizeof(*to));

	to->sets = arena_alloc(a, (c->n_schemes + 1) * sizeof(*to->sets));
	return to;
}

/* ---- passwords ---- */

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return -1;
}

static bool read_digest(const char *text, size_t digits, struct user *u)
{
	for (size_t i = 0; i < digits; i += 2) {
		int high = digit(text[i]);
		int low = high < 0 ? -1 : digit(text[i + 1]);

		if (low < 0)
			return false;
		u->digest[i / 2] = (unsigned char)(high * 16 + low);
	}
	u->n = digits / 2;
	return true;
}

static bool read_password(const char *text, struct user *u)
{
	static const struct {
		const char *before;
		size_t digits;
		const char *after;
	} forms[] = {
		{ "", 40, "" },
		{ "@sha256:{", 64, "}" },
		{ "@sha384:{", 96, "}" },
		{ "@sha512:{", 128, "}" },
	};
	size_t n = strlen(text);

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		size_t before = strlen(forms[i].before);

		if (n == before + forms[i].digits + strlen(forms[i].after) &&
			str_starts(text, forms[i].before) && str_ends(text, forms[i].after))
			return read_digest(text + before, forms[i].digits, u);
	}
	return false;
}

/* ---- entries ---- */

/* "a,b" → "a b" */
static const char *words(struct arena *a, const char *list)
{
	char *copy = arena_dup(a, list ? list : "");

	for (char *c = copy; *c; c++)
		if (*c == ',')
			*c = ' ';
	return copy;
}

static bool read_user(struct loader *l, const struct json *v, struct user *u)
{
	static const char *const names[] = { "username", "password", "scopes" };
	const char *password = json_get_str(v, "password");

	if (!field_object(l, v, names, ARRAY_LEN(names)) || !field_text(l, v, "username", &u->name))
		return false;
	if (str_empty(u->name) || strchr(u->name, ':'))
		return field_bad(l, "username", "a name without \":\"");
	if (!password || !read_password(password, u))
		return field_bad(l, "password",
			"40 hex digits of SHA-1, or @sha256:{hex}, @sha384:{hex}, @sha512:{hex}");
	u->scopes = words(l->a, json_get_str(v, "scopes"));
	return true;
}

/* ---- key managers ---- */

static void free_key(void *key)
{
	EVP_PKEY_free(key);
}

static bool read_key(struct loader *l, const struct json *v, struct evp_pkey_st **ret)
{
	const char *pem = json_get_str(v, "pem");
	BIO *in = pem ? BIO_new_mem_buf(pem, -1) : NULL;

	*ret = in ? PEM_read_bio_PUBKEY(in, NULL, NULL, NULL) : NULL;
	BIO_free(in);
	ERR_clear_error();
	if (!*ret)
		return field_bad(l, "pem", "a PEM public key");
	arena_defer(l->a, free_key, *ret);
	return true;
}

static bool read_key_manager(struct loader *l, const struct json *v, struct credential_set *set)
{
	static const char *const names[] = { "endpoint", "username", "password", "keys" };
	size_t i = 0;

	if (!field_object(l, v, names, ARRAY_LEN(names)) ||
		!field_text(l, v, "username", &set->username) ||
		!field_text(l, v, "password", &set->password) ||
		!field_list(l, v, "keys", CREDENTIALS_MAX_KEYS, &set->n_keys))
		return false;
	set->keys = arena_alloc(l->a, (set->n_keys + 1) * sizeof(struct evp_pkey_st *));
	json_foreach (key, json_get(v, "keys")) {
		if (!read_key(l, key, &set->keys[i]))
			return field_within(l->err, "keys", i);
		i++;
	}
	return true;
}

static bool read_one(struct loader *l, const struct json *root, struct credential_set *set)
{
	const struct json *entries = json_get(root, "entries");

	if (!json_is_array(entries) || json_len(entries) != 1)
		return field_bad(l, "entries", "one key manager");
	return read_key_manager(l, json_at(entries, 0), set) || field_within(l->err, "entries", 0);
}

/* ---- users ---- */

static int by_name(const void *x, const void *y)
{
	const struct user *a = x;
	const struct user *b = y;

	return strcmp(a->name, b->name);
}

static bool read_users(struct loader *l, const struct json *root, struct credential_set *set)
{
	size_t i = 0;

	if (!field_list(l, root, "entries", CREDENTIALS_MAX_USERS, &set->n_users))
		return false;
	set->users = arena_alloc(l->a, (set->n_users + 1) * sizeof(*set->users));
	json_foreach (v, json_get(root, "entries")) {
		if (!read_user(l, v, &set->users[i]))
			return field_within(l->err, "entries", i);
		i++;
	}
	if (set->n_users > 1)
		qsort(set->users, set->n_users, sizeof(*set->users), by_name);
	return true;
}

/* ---- API keys ---- */

static bool read_mac_key(struct loader *l, const struct json *v, struct credential_set *set)
{
	const char *text = json_get_str(v, "key");
	struct user u;

	if (!text || strlen(text) != 64 || !read_digest(text, 64, &u))
		return field_bad(l, "key", "64 hex digits");
	memcpy(set->mac_key, u.digest, sizeof(set->mac_key));
	return true;
}

static bool read_rule(struct loader *l, const struct json *v, struct credential_set *set)
{
	static const char *const names[] = { "issuer", "audience", "alias", "validateAllowedAPIs",
		"key", "username", "password", "scopes" };
	struct api_key_rule *rule = &set->rules[set->n_rules++];
	const char *issuer = json_get_str(v, "issuer");
	struct json *user = json_object(l->tmp);

	if (!field_object(l, v, names, ARRAY_LEN(names)) || !read_mac_key(l, v, set) ||
		!field_flag(l, v, "validateAllowedAPIs", &rule->validate_allowed_apis))
		return false;
	rule->issuer = arena_dup(l->a, str_empty(issuer) ? API_KEY_ISSUER : issuer);
	rule->audience = arena_dup(l->a, json_get_str(v, "audience"));
	if (!json_get(v, "username"))
		return true;
	for (size_t i = 5; i < ARRAY_LEN(names); i++)
		json_set_str(l->tmp, user, names[i], json_get_str(v, names[i]));
	return read_user(l, user, &set->users[set->n_users++]);
}

static bool read_rules(struct loader *l, const struct json *root, struct credential_set *set)
{
	size_t n;

	if (!field_list(l, root, "entries", CREDENTIALS_MAX_USERS, &n))
		return false;
	if (n == 0)
		return field_bad(l, "entries", "at least one");
	set->rules = arena_alloc(l->a, n * sizeof(*set->rules));
	set->users = arena_alloc(l->a, n * sizeof(*set->users));
	json_foreach (v, json_get(root, "entries"))
		if (!read_rule(l, v, set))
			return field_within(l->err, "entries", set->n_rules - 1);
	qsort(set->users, set->n_users, sizeof(*set->users), by_name);
	return true;
}

static bool (*const readers[])(
	struct loader *l, const struct json *root, struct credential_set *set) = {
	[SCHEME_BASIC] = read_users,
	[SCHEME_OAUTH] = read_one,
	[SCHEME_API_KEY] = read_rules,
};

bool credentials_read(struct arena *a, struct credentials *to, const struct contract *c,
	size_t scheme, const char *text, size_t n, struct err *err)
{
	AUTO(arena_auto) struct arena *tmp = arena_new();
	static const char *const names[] = { "type", "entries" };
	struct loader l = { .a = a, .tmp = tmp, .err = err };
	const char *type = scheme_type_name(c->schemes[scheme].type);
	struct credential_set set = { .is_loaded = true };
	const struct json *root;

	if (n > CREDENTIALS_MAX_BYTES)
		return err_set(
			err, ERR_LIMIT, "%zu bytes, the limit is %d", n, CREDENTIALS_MAX_BYTES);
	root = json_parse(tmp, text, n, err);
	if (!root || !field_object(&l, root, names, ARRAY_LEN(names)))
		return false;
	if (!str_eq(json_get_str(root, "type"), type))
		return err_set(err, ERR_INVALID, "type: expected \"%s\"", type);
	if (!readers[c->schemes[scheme].type](&l, root, &set))
		return false;
	to->sets[scheme] = set;
	return true;
}
