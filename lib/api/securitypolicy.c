#include "lib/api/field.h"
#include "lib/api/finding.h"
#include "lib/api/security.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

enum {
	MAX_POLICY = 1024 * 1024, /* bytes; a Secret holds no more */
};

static const struct field entry_fields[] = {
	{ "issuer", offsetof(struct security_policy_entry, issuer), FIELD_STRING, 0, 0, 0 },
	{ "audience", offsetof(struct security_policy_entry, audience), FIELD_STRING, 0, 0, 0 },
	{ "alias", offsetof(struct security_policy_entry, alias), FIELD_STRING, 0, 0, 0 },
	{ "endpoint", offsetof(struct security_policy_entry, endpoint), FIELD_STRING, 0, 0, 0 },
	{ "jwksURL", offsetof(struct security_policy_entry, jwks_url), FIELD_STRING, 0, 0, 0 },
	{ "username", offsetof(struct security_policy_entry, username), FIELD_STRING, 0, 0, 0 },
	{ "password", offsetof(struct security_policy_entry, password), FIELD_STRING, 0, 0, 0 },
	{ "key", offsetof(struct security_policy_entry, key), FIELD_STRING, 0, 0, 0 },
	{ "scopes", offsetof(struct security_policy_entry, scopes), FIELD_STRING, 0, 0, 0 },
	{ "validateSubscription", offsetof(struct security_policy_entry, validate_subscription),
		FIELD_BOOL, 0, 0, 0 },
	{ "validateAllowedAPIs", offsetof(struct security_policy_entry, validate_allowed_apis),
		FIELD_BOOL, 0, 0, 0 },
};

static const struct field key_fields[] = {
	{ "id", offsetof(struct security_key, id), FIELD_STRING, FIELD_REQUIRED, 0, 0 },
	{ "pem", offsetof(struct security_key, pem), FIELD_STRING, FIELD_REQUIRED, 0, 0 },
	{ "notBefore", offsetof(struct security_key, not_before), FIELD_INT, 0, INT64_MIN,
		INT64_MAX },
	{ "notAfter", offsetof(struct security_key, not_after), FIELD_INT, 0, INT64_MIN,
		INT64_MAX },
};

char *security_policy_name(struct arena *a, const char *security)
{
	return arena_printf(a, "%s-security", security);
}

static bool is_hash(const char *password)
{
	static const struct {
		const char *before;
		size_t digits;
	} forms[] = { { "@sha256:{", 64 }, { "@sha384:{", 96 }, { "@sha512:{", 128 } };

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		const char *digits = password + strlen(forms[i].before);

		if (str_starts(password, forms[i].before) &&
			strspn(digits, "0123456789abcdefABCDEF") == forms[i].digits &&
			str_eq(digits + forms[i].digits, "}"))
			return true;
	}
	return false;
}

const char *security_password(struct arena *a, const char *password)
{
	if (is_hash(password))
		return password;
	return arena_printf(a, "@sha256:{%s}", sha256_hex(a, password, strlen(password)));
}

/* ---- writing ---- */

static struct json *keys_json(struct arena *a, const struct vec *keys)
{
	struct json *list = json_array(a);

	vec_foreach (const struct security_key *, k, keys)
		json_add(list, json_format(a, "{'id':%s,'pem':%s,'notBefore':%l,'notAfter':%l}",
				       k->id, k->pem, k->not_before, k->not_after));
	return list;
}

static struct json *entry_json(
	struct arena *a, enum security_type type, const struct security_policy_entry *e)
{
	struct json *v = json_prune(json_format(a,
		"{'issuer':%s,'audience':%s,'alias':%s,'endpoint':%s,'username':%s,'password':%s,"
		"'scopes':%s,'jwksURL':%s}",
		e->issuer, e->audience, e->alias, e->endpoint, e->username, e->password, e->scopes,
		e->jwks_url));

	if (type == SECURITY_JWT)
		json_set_bool(a, v, "validateSubscription", e->validate_subscription);
	if (type == SECURITY_APIKEY) {
		json_set_str(a, v, "key", e->key);
		json_set_bool(a, v, "validateAllowedAPIs", e->validate_allowed_apis);
	}
	if (type == SECURITY_JWT || type == SECURITY_OAUTH)
		json_set(a, v, "keys", keys_json(a, &e->keys));
	return v;
}

struct json *security_policy_json(struct arena *a, const struct security_policy *p)
{
	struct json *entries = json_array(a);
	struct json *v = json_object(a);

	vec_foreach (const struct security_policy_entry *, e, &p->entries)
		json_add(entries, entry_json(a, p->type, e));
	json_set_str(a, v, "type", security_type_name(p->type));
	json_set(a, v, "entries", entries);
	return v;
}

/* ---- reading ---- */

static void read_entry(struct arena *a, const struct json *v, const char *path,
	struct security_policy *ret, struct findings *f)
{
	struct security_policy_entry *e = arena_alloc(a, sizeof(*e));
	size_t i = 0;

	fields_read(f, path, v, entry_fields, ARRAY_LEN(entry_fields), e);
	json_foreach (item, json_get(v, "keys")) {
		struct security_key *k = arena_alloc(a, sizeof(*k));

		fields_read(f, arena_printf(a, "%s.keys[%zu]", path, i++), item, key_fields,
			ARRAY_LEN(key_fields), k);
		vec_add(a, &e->keys, k);
	}
	if (ret->type == SECURITY_JWT && (!e->issuer || (e->keys.n == 0 && !e->jwks_url)))
		finding_add(f, FINDING_INVALID_FIELD, path, "has no issuer or no key");
	vec_add(a, &ret->entries, e);
}

bool security_policy_read(
	struct arena *a, const char *text, size_t n, struct security_policy *ret, struct err *err)
{
	struct security_policy p = { 0 };
	struct findings f;
	struct json *v;
	const char *type;
	size_t i = 0;

	if (n > MAX_POLICY)
		return err_set(err, ERR_LIMIT, "has %zu bytes, the limit is %d", n, MAX_POLICY);
	v = json_parse(a, text, n, err);
	if (!v)
		return false;
	type = json_get_str(v, "type");
	for (enum security_type t = SECURITY_JWT; t <= SECURITY_APIKEY; t++)
		if (str_eq(type, security_type_name(t)))
			p.type = t;
	if (p.type == SECURITY_UNKNOWN)
		return err_set(err, ERR_INVALID, "type: is not one that is known");
	findings_init(&f, a);
	json_foreach (item, json_get(v, "entries"))
		read_entry(a, item, arena_printf(a, "entries[%zu]", i++), &p, &f);
	if (findings_fatal(&f))
		return err_set(err, ERR_INVALID, "%s", findings_fatal_text(&f));
	*ret = p;
	return true;
}
