#include "lib/api/conditions.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "lib/api/field.h"
#include "lib/api/finding.h"
#include "lib/api/policies.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

static const int64_t most_bytes = INT64_C(1) << 53; /* what JSON holds exactly */

enum {
	MAX_DIGITS = 9,	 /* of an amount */
	MAX_TEXT = 1024, /* of a name or value */
};

static void invalid(struct findings *f, const char *path, const char *key, const char *expected)
{
	finding_add(f, FINDING_INVALID_FIELD, field_path(f, path, key), "expected %s", expected);
}

/* ---- bandwidth ---- */

struct bandwidth {
	const char *amount;
	const char *unit;
};

static const struct field bandwidth_fields[] = {
	{ "dataAmount", offsetof(struct bandwidth, amount), FIELD_STRING, FIELD_REQUIRED, 0, 0 },
	{ "dataUnit", offsetof(struct bandwidth, unit), FIELD_STRING, FIELD_REQUIRED, 0, 0 },
};

static const struct unit {
	const char *name;
	int64_t bytes;
} units[] = {
	{ "KB", INT64_C(1) << 10 },
	{ "MB", INT64_C(1) << 20 },
	{ "GB", INT64_C(1) << 30 },
};

static int64_t unit_bytes(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (str_eq_nocase(name, units[i].name))
			return units[i].bytes;
	return 0;
}

static void read_bandwidth(
	struct findings *f, const char *path, const struct json *o, struct policy *ret)
{
	struct bandwidth w = { 0 };
	size_t digits;

	if (!field_given(o, "dataAmount") && !field_given(o, "dataUnit"))
		return;
	fields_read(f, path, o, bandwidth_fields, ARRAY_LEN(bandwidth_fields), &w);
	if (!w.amount || !w.unit)
		return;
	digits = strspn(w.amount, "0123456789");
	if (digits == 0 || digits > MAX_DIGITS || w.amount[digits] || atoll(w.amount) == 0)
		invalid(f, path, "dataAmount", "a whole number from 1 to 999999999, as a text");
	if (unit_bytes(w.unit) == 0)
		invalid(f, path, "dataUnit", "KB, MB or GB");
	ret->bytes = atoll(w.amount) * unit_bytes(w.unit);
	if (ret->bytes > most_bytes)
		invalid(f, path, "dataAmount", "an amount of at most 8388608 GB");
}

/* ---- conditions ---- */

struct header {
	const char *name;
	const char *value;
};

static const struct field header_fields[] = {
	{ "headerName", offsetof(struct header, name), FIELD_STRING, FIELD_REQUIRED, 0, 0 },
	{ "headerValue", offsetof(struct header, value), FIELD_STRING, 0, 0, 0 },
};

static bool is_header_name(const char *text)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

	return strlen(text) <= MAX_TEXT && strspn(text, letters) == strlen(text);
}

static void read_header(
	struct findings *f, const char *path, const struct json *o, struct policy *ret)
{
	struct header w = { 0 };

	if (!field_given(o, "headerName") && !field_given(o, "headerValue"))
		return;
	fields_read(f, path, o, header_fields, ARRAY_LEN(header_fields), &w);
	if (w.name && !is_header_name(w.name))
		invalid(f, path, "headerName", "letters, digits, \"-\" and \"_\"");
	if (w.value && strlen(w.value) > MAX_TEXT)
		invalid(f, path, "headerValue", "at most 1024 bytes");
	ret->header = w.name;
	ret->header_value = w.value;
}

struct ip {
	const char *type;
	const char *specific;
	const char *start;
	const char *end;
	bool negation;
};

static const struct field ip_fields[] = {
	{ "type", offsetof(struct ip, type), FIELD_STRING, 0, 0, 0 },
	{ "specificIp", offsetof(struct ip, specific), FIELD_STRING, 0, 0, 0 },
	{ "startIp", offsetof(struct ip, start), FIELD_STRING, 0, 0, 0 },
	{ "endIp", offsetof(struct ip, end), FIELD_STRING, 0, 0, 0 },
	{ "negation", offsetof(struct ip, negation), FIELD_BOOL, 0, 0, 0 },
};

/* The family, 0 when it is no address. */
static int address(const char *text, unsigned char ret[sizeof(struct in6_addr)])
{
	if (text && inet_pton(AF_INET, text, ret) == 1)
		return AF_INET;
	return text && inet_pton(AF_INET6, text, ret) == 1 ? AF_INET6 : 0;
}

static void check_range(struct findings *f, const char *path, const struct ip *w)
{
	unsigned char start[sizeof(struct in6_addr)] = { 0 };
	unsigned char end[sizeof(struct in6_addr)] = { 0 };
	int family = address(w->start, start);

	if (!family)
		invalid(f, path, "startIp", "an IP address");
	else if (address(w->end, end) != family || memcmp(start, end, sizeof(start)) > 0)
		invalid(f, path, "endIp", "an IP address of the same family, not before startIp");
}

static void read_ip(struct findings *f, const char *path, const struct json *o, struct policy *ret)
{
	unsigned char ignored[sizeof(struct in6_addr)];
	struct ip w = { 0 };

	if (!field_given(o, "type") && !field_given(o, "specificIp") &&
		!field_given(o, "startIp") && !field_given(o, "endIp"))
		return;
	fields_read(f, path, o, ip_fields, ARRAY_LEN(ip_fields), &w);
	if (str_eq_nocase(w.type, "IPSPECIFIC")) {
		if (!address(w.specific, ignored))
			invalid(f, path, "specificIp", "an IP address");
		w.start = w.end = w.specific;
	} else if (str_eq_nocase(w.type, "IPRANGE")) {
		check_range(f, path, &w);
	} else {
		invalid(f, path, "type", "IPSPECIFIC or IPRANGE");
	}
	ret->address_first = w.start;
	ret->address_last = w.end;
	ret->address_not = w.negation;
}

struct claim {
	const char *name;
	const char *value;
};

static const struct field claim_fields[] = {
	{ "claimUrl", offsetof(struct claim, name), FIELD_STRING, FIELD_REQUIRED, 0, 0 },
	{ "attribute", offsetof(struct claim, value), FIELD_STRING, 0, 0, 0 },
};

static void read_claim(
	struct findings *f, const char *path, const struct json *o, struct policy *ret)
{
	struct claim w = { 0 };

	if (!field_given(o, "claimUrl") && !field_given(o, "attribute"))
		return;
	fields_read(f, path, o, claim_fields, ARRAY_LEN(claim_fields), &w);
	if (w.name && strlen(w.name) > MAX_TEXT)
		invalid(f, path, "claimUrl", "at most 1024 bytes");
	if (w.value && strlen(w.value) > MAX_TEXT)
		invalid(f, path, "attribute", "at most 1024 bytes");
	ret->claim = w.name;
	ret->claim_value = w.value;
}

static bool is_one_of(const char *const *names, const char *name)
{
	while (*names && !str_eq(*names, name))
		names++;
	return *names != NULL;
}

static void check_members(
	struct findings *f, const char *path, const struct json *o, const char *const *names)
{
	if (o && !json_is_object(o) && !json_is_null(o))
		finding_add(f, FINDING_INVALID_FIELD, path, "is a %s, expected an object",
			json_type_name(o));
	if (json_is_object(o))
		json_foreach (v, o)
			if (!is_one_of(names, json_key(v)))
				invalid(f, path, json_key(v), "nothing: it is not known");
}

void conditions_read(
	struct findings *f, const char *path, const struct json *from, struct policy *ret)
{
	static const char *const of_bandwidth[] = { "dataAmount", "dataUnit", NULL };
	static const char *const of_conditions[] = { "headerCondition", "ipCondition",
		"jwtClaimsCondition", NULL };
	const struct json *bandwidth = json_get(from, "bandwidth");
	const struct json *conditions = json_get(from, "conditions");
	const char *at = field_path(f, path, "conditions");

	check_members(f, field_path(f, path, "bandwidth"), bandwidth, of_bandwidth);
	check_members(f, at, conditions, of_conditions);
	read_bandwidth(f, field_path(f, path, "bandwidth"), bandwidth, ret);
	read_header(f, field_path(f, at, "headerCondition"),
		json_get(conditions, "headerCondition"), ret);
	read_ip(f, field_path(f, at, "ipCondition"), json_get(conditions, "ipCondition"), ret);
	read_claim(f, field_path(f, at, "jwtClaimsCondition"),
		json_get(conditions, "jwtClaimsCondition"), ret);
}

/* ---- writing ---- */

static void put_ip(struct arena *a, const struct policy *p, struct json *o)
{
	bool single = str_eq(p->address_first, p->address_last);

	json_set_str(a, o, "type", single ? "IPSPECIFIC" : "IPRANGE");
	json_set_str(a, o, single ? "specificIp" : "startIp", p->address_first);
	json_set_str(a, o, "endIp", single ? NULL : p->address_last);
	if (p->address_not)
		json_set_bool(a, o, "negation", true);
}

void conditions_put(struct arena *a, const struct policy *p, struct json *to)
{
	struct json *o;

	if (p->bytes > 0) {
		o = json_sub(a, to, "bandwidth");
		json_set_str(a, o, "dataAmount",
			arena_printf(a, "%lld", (long long)(p->bytes / units[0].bytes)));
		json_set_str(a, o, "dataUnit", units[0].name);
	}
	if (p->header) {
		o = json_sub(a, json_sub(a, to, "conditions"), "headerCondition");
		json_set_str(a, o, "headerName", p->header);
		json_set_str(a, o, "headerValue", p->header_value);
	}
	if (p->address_first)
		put_ip(a, p, json_sub(a, json_sub(a, to, "conditions"), "ipCondition"));
	if (p->claim) {
		o = json_sub(a, json_sub(a, to, "conditions"), "jwtClaimsCondition");
		json_set_str(a, o, "claimUrl", p->claim);
		json_set_str(a, o, "attribute", p->claim_value);
	}
}
