#include "lib/api/security.h"

#include "lib/api/field.h"
#include "lib/api/finding.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

enum {
	MAX_ENTRIES = 64,
	JWT = 1 << SECURITY_JWT,
	OAUTH = 1 << SECURITY_OAUTH,
	BASIC = 1 << SECURITY_BASIC,
	APIKEY = 1 << SECURITY_APIKEY,
};

static const char *const type_names[] = {
	[SECURITY_UNKNOWN] = "unknown",
	[SECURITY_JWT] = "jwt",
	[SECURITY_OAUTH] = "oauth",
	[SECURITY_BASIC] = "basic",
	[SECURITY_APIKEY] = "apikey",
};

static const struct field entry_fields[] = {
	{ "certificate", offsetof(struct security_entry, certificate), FIELD_STRING, FIELD_NAME, 0,
		0 },
	{ "alias", offsetof(struct security_entry, alias), FIELD_STRING, 0, 0, 0 },
	{ "endpoint", offsetof(struct security_entry, endpoint), FIELD_STRING, 0, 0, 0 },
	{ "external", offsetof(struct security_entry, external), FIELD_BOOL, 0, 0, 0 },
	{ "credentials", offsetof(struct security_entry, credentials), FIELD_STRING, FIELD_NAME, 0,
		0 },
	{ "issuer", offsetof(struct security_entry, issuer), FIELD_STRING, 0, 0, 0 },
	{ "audience", offsetof(struct security_entry, audience), FIELD_STRING, 0, 0, 0 },
	{ "jwksURL", offsetof(struct security_entry, jwks_url), FIELD_STRING, 0, 0, 0 },
	{ "validateSubscription", offsetof(struct security_entry, validate_subscription),
		FIELD_BOOL, 0, 0, 0 },
	{ "validateAllowedAPIs", offsetof(struct security_entry, validate_allowed_apis), FIELD_BOOL,
		0, 0, 0 },
};

/* Which types use which field; a field that its type does not use is reported. */
static const struct use {
	const char *key;
	unsigned int types;
} uses[] = {
	{ "certificate", JWT | OAUTH },
	{ "alias", 0 },
	{ "endpoint", OAUTH },
	{ "external", OAUTH },
	{ "credentials", OAUTH | BASIC | APIKEY },
	{ "issuer", JWT | APIKEY },
	{ "audience", JWT | APIKEY },
	{ "jwksURL", JWT },
	{ "validateSubscription", JWT },
	{ "validateAllowedAPIs", APIKEY },
};

const char *security_type_name(enum security_type type)
{
	return type_names[type <= SECURITY_APIKEY ? type : SECURITY_UNKNOWN];
}

static enum security_type type_by_name(const char *text)
{
	for (enum security_type t = SECURITY_JWT; t <= SECURITY_APIKEY; t++)
		if (text && str_eq_nocase(text, type_names[t]))
			return t;
	return SECURITY_UNKNOWN;
}

/* ---- the object ---- */

static void decode_type(const struct json *spec, struct security *ret, struct findings *f)
{
	static const struct field field = { "type", 0, FIELD_STRING, FIELD_REQUIRED, 0, 0 };
	const char *text = NULL;

	fields_read(f, "spec", spec, &field, 1, &text);
	ret->type = type_by_name(text);
	if (text && ret->type == SECURITY_UNKNOWN)
		finding_add(f, FINDING_UNKNOWN_TYPE, "spec.type",
			"\"%.32s\" is not a type, expected JWT, Oauth, basic or apiKey", text);
}

static void need(const struct security_entry *e, const char *value, const char *key,
	const char *expected, struct findings *f)
{
	if (!value)
		finding_add(f, FINDING_INVALID_FIELD, field_path(f, e->path, key),
			"is missing, expected %s", expected);
}

static void check_entry(enum security_type type, const struct security_entry *e, struct findings *f)
{
	const char *secret = "the name of a Secret with username and password";

	if (type == SECURITY_JWT) {
		need(e, e->issuer, "issuer", "the issuer of the tokens", f);
		if (!e->jwks_url)
			need(e, e->certificate, "certificate",
				"the name of a Secret with the issuer's certificate", f);
	} else if (type == SECURITY_OAUTH) {
		need(e, e->endpoint, "endpoint", "the URL of the key manager", f);
		need(e, e->credentials, "credentials", secret, f);
	} else if (type == SECURITY_BASIC) {
		need(e, e->credentials, "credentials", secret, f);
	}
}

static bool is_http_url(const char *url)
{
	return (str_starts(url, "https://") || str_starts(url, "http://")) &&
	       !strpbrk(url, " \t\r\n\"'<>\\");
}

static void check_urls(const struct security_entry *e, struct findings *f)
{
	if (e->endpoint && !is_http_url(e->endpoint))
		finding_add(f, FINDING_INVALID_FIELD, field_path(f, e->path, "endpoint"),
			"is not a URL, expected http:// or https://");
	if (e->jwks_url && !is_http_url(e->jwks_url))
		finding_add(f, FINDING_INVALID_FIELD, field_path(f, e->path, "jwksURL"),
			"is not a URL, expected http:// or https://");
}

/* An endpoint may be written out as far as what is asked there. */
static void check_external(
	const struct json *object, const struct security_entry *e, struct findings *f)
{
	const char *other = e->external ? SECURITY_SOAP_PATH : "/introspect";

	if (field_given(object, "external") && e->endpoint && str_ends(e->endpoint, other))
		finding_add(f, FINDING_INVALID_FIELD, field_path(f, e->path, "endpoint"),
			"ends in %s, which is not what external: %s asks, expected the URL of the key "
			"manager",
			other, e->external ? "true" : "false");
}

static void note_unused(enum security_type type, const struct json *object,
	const struct security_entry *e, struct findings *f)
{
	for (size_t i = 0; i < ARRAY_LEN(uses); i++)
		if (!(uses[i].types & 1u << type) && field_given(object, uses[i].key))
			finding_add(f, FINDING_UNUSED, field_path(f, e->path, uses[i].key),
				"has no effect on type %s", security_type_name(type));
	if (type == SECURITY_JWT && e->certificate && e->jwks_url)
		finding_add(f, FINDING_UNUSED, field_path(f, e->path, "jwksURL"),
			"certificate is used");
}

static void add_entry(struct arena *a, const struct json *object, const char *path,
	struct security *ret, struct findings *f)
{
	struct security_entry *e = arena_alloc(a, sizeof(*e));

	e->path = path;
	e->external = true;
	if (!json_is_object(object)) {
		finding_add(f, FINDING_INVALID_FIELD, path, "is a %s, expected an object",
			json_type_name(object));
		return;
	}
	fields_read(f, path, object, entry_fields, ARRAY_LEN(entry_fields), e);
	vec_add(a, &ret->entries, e);
	if (ret->type == SECURITY_UNKNOWN)
		return;
	check_entry(ret->type, e, f);
	check_urls(e, f);
	check_external(object, e, f);
	note_unused(ret->type, object, e, f);
}

static void decode_list(struct arena *a, const struct json *spec, const struct json *list,
	struct security *ret, struct findings *f)
{
	size_t i = 0;

	json_foreach (item, list) {
		if (i == MAX_ENTRIES) {
			finding_add(f, FINDING_INVALID_FIELD, "spec.securityConfig",
				"has more than %d entries", MAX_ENTRIES);
			break;
		}
		add_entry(a, item, arena_printf(a, "spec.securityConfig[%zu]", i++), ret, f);
	}
	for (i = 0; i < ARRAY_LEN(uses); i++)
		if (field_given(spec, uses[i].key))
			finding_add(f, FINDING_UNUSED, field_path(f, "spec", uses[i].key),
				"securityConfig is used");
}

/* One key manager per gateway: several entries that say different things cannot all be obeyed. */
static void check_one_key_manager(const struct security *s, struct findings *f)
{
	const struct security_entry *first = s->entries.n ? s->entries.at[0] : NULL;

	vec_foreach (const struct security_entry *, e, &s->entries)
		if (!str_eq(e->endpoint, first->endpoint) || e->external != first->external ||
			!str_eq(e->credentials, first->credentials)) {
			finding_add(f, FINDING_INVALID_FIELD, e->path,
				"names another key manager than %s, expected one key manager",
				first->path);
			return;
		}
}

void security_decode(
	struct arena *a, const struct json *object, struct security *ret, struct findings *f)
{
	const struct json *spec = json_get(object, "spec");
	const struct json *list = json_get(spec, "securityConfig");

	*ret = (struct security){ 0 };
	if (!json_is_object(spec)) {
		finding_add(f, FINDING_INVALID_FIELD, "spec", "is missing, expected an object");
		return;
	}
	decode_type(spec, ret, f);
	if (field_given(spec, "securityConfig") && !json_is_array(list))
		finding_add(f, FINDING_INVALID_FIELD, "spec.securityConfig",
			"is a %s, expected a list", json_type_name(list));
	if (json_is_array(list) && json_len(list) > 0)
		decode_list(a, spec, list, ret, f);
	else
		add_entry(a, spec, "spec", ret, f);
	if (ret->type == SECURITY_OAUTH)
		check_one_key_manager(ret, f);
}
