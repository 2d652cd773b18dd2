#include "lib/api/policies.h"

#include "lib/api/conditions.h"
#include "lib/api/field.h"
#include "lib/api/finding.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

enum {
	MAX_YAML = 1024 * 1024, /* bytes; a ConfigMap holds no more */
};

static const char *const list_keys[POLICY_LISTS] = {
	[POLICY_RESOURCE] = "resourcePolicies",
	[POLICY_APPLICATION] = "applicationPolicies",
	[POLICY_SUBSCRIPTION] = "subscriptionPolicies",
};

static const struct default_policy {
	enum policy_list list;
	const char *name;
	int64_t count; /* per minute */
} defaults[] = {
	{ POLICY_RESOURCE, "50kPerMin", 50000 },
	{ POLICY_RESOURCE, "20kPerMin", 20000 },
	{ POLICY_RESOURCE, "10kPerMin", 10000 },
	{ POLICY_APPLICATION, "50PerMin", 50 },
	{ POLICY_APPLICATION, "20PerMin", 20 },
	{ POLICY_APPLICATION, "10PerMin", 10 },
	{ POLICY_SUBSCRIPTION, "Gold", 5000 },
	{ POLICY_SUBSCRIPTION, "Silver", 2000 },
	{ POLICY_SUBSCRIPTION, "Bronze", 1000 },
	{ POLICY_SUBSCRIPTION, POLICY_UNAUTHENTICATED, 500 },
	{ POLICY_SUBSCRIPTION, POLICY_DEFAULT, 500 },
};

static const struct unit {
	const char *name;
	int64_t seconds;
} units[] = {
	{ "min", 60 },
	{ "hour", 3600 },
	{ "day", 86400 },
	{ "week", 7 * 86400 },
	{ "month", 30 * 86400 },
	{ "year", 365 * 86400 },
};

const char *policy_list_key(enum policy_list list)
{
	return list < POLICY_LISTS ? list_keys[list] : "";
}

const char *policy_time_unit(const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (text && str_eq_nocase(text, units[i].name))
			return units[i].name;
	return NULL;
}

int64_t policy_unit_s(const struct policy *p)
{
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (str_eq(p->time_unit, units[i].name))
			return units[i].seconds;
	return 0;
}

static struct policy *find(const struct policies *p, enum policy_list list, const char *name)
{
	vec_foreach (struct policy *, have, &p->lists[list])
		if (str_eq(have->name, name))
			return have;
	return NULL;
}

const struct policy *policies_get(const struct policies *p, enum policy_list list, const char *name)
{
	return find(p, list, name);
}

void policies_put(
	struct arena *a, struct policies *p, enum policy_list list, const struct policy *policy)
{
	struct policy *at = find(p, list, policy->name);

	if (!at) {
		at = arena_alloc(a, sizeof(*at));
		vec_add(a, &p->lists[list], at);
	}
	*at = *policy;
}

void policies_defaults(struct arena *a, struct policies *ret)
{
	*ret = (struct policies){ 0 };
	for (size_t i = 0; i < ARRAY_LEN(defaults); i++) {
		const struct policy p = { .name = defaults[i].name,
			.count = defaults[i].count,
			.unit_time = 1,
			.time_unit = "min" };

		policies_put(a, ret, defaults[i].list, &p);
	}
}

void policies_complete(struct arena *a, const struct policies *p, struct policies *ret)
{
	static const char *const needed[] = { POLICY_DEFAULT, POLICY_UNAUTHENTICATED };
	struct policies all;

	policies_defaults(a, &all);
	*ret = all;
	if (!p)
		return;
	*ret = (struct policies){ 0 };
	for (enum policy_list l = 0; l < POLICY_LISTS; l++)
		vec_foreach (const struct policy *, policy, &p->lists[l])
			policies_put(a, ret, l, policy);
	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (!policies_get(ret, POLICY_SUBSCRIPTION, needed[i]))
			policies_put(a, ret, POLICY_SUBSCRIPTION,
				policies_get(&all, POLICY_SUBSCRIPTION, needed[i]));
}

/* ---- the document ---- */

/* Names are quoted: "50" or "true" would else be read as something that is no string. JSON's
 * quoting is YAML's. */
static void write_policy(struct arena *a, struct str *s, const struct policy *p)
{
	struct json *more = json_object(a);

	str_addf(s, "  - %s:\n", json_text(a, json_string(a, p->name)));
	str_addf(s, "      count: %lld\n", (long long)p->count);
	str_addf(s, "      unitTime: %lld\n", (long long)p->unit_time);
	str_addf(s, "      timeUnit: %s\n", p->time_unit);
	if (p->over_quota)
		str_add(s, "      stopOnQuota: false\n");
	conditions_put(a, p, more);
	json_foreach (v, more)
		str_addf(s, "      %s: %s\n", json_key(v), json_text(a, v));
}

char *policies_yaml(struct arena *a, const struct policies *p)
{
	struct str s;

	str_init(&s, a, MAX_YAML);
	for (enum policy_list l = 0; l < POLICY_LISTS; l++) {
		str_addf(&s, "%s:\n", list_keys[l]);
		vec_foreach (const struct policy *, policy, &p->lists[l])
			write_policy(a, &s, policy);
	}
	return s.ptr;
}

struct json *policies_json(struct arena *a, const struct policies *p)
{
	struct json *root = json_object(a);

	for (enum policy_list l = 0; l < POLICY_LISTS; l++) {
		struct json *list = json_array(a);

		vec_foreach (const struct policy *, policy, &p->lists[l]) {
			struct json *item = json_object(a);
			struct json *o = json_sub(a, item, policy->name);

			json_set_int(a, o, "count", policy->count);
			json_set_int(a, o, "unitTime", policy->unit_time);
			json_set_str(a, o, "timeUnit", policy->time_unit);
			if (policy->over_quota)
				json_set_bool(a, o, "stopOnQuota", false);
			conditions_put(a, policy, o);
			json_add(list, item);
		}
		json_set(a, root, list_keys[l], list);
	}
	return root;
}

struct written {
	int64_t count;
	int64_t unit_time;
	const char *time_unit;
	bool stop;
};

static const struct field policy_fields[] = {
	{ "count", offsetof(struct written, count), FIELD_INT, FIELD_REQUIRED, 1, INT64_MAX },
	{ "unitTime", offsetof(struct written, unit_time), FIELD_INT, FIELD_REQUIRED, 1,
		INT32_MAX },
	{ "timeUnit", offsetof(struct written, time_unit), FIELD_STRING, FIELD_REQUIRED, 0, 0 },
	{ "stopOnQuota", offsetof(struct written, stop), FIELD_BOOL, 0, 0, 0 },
};

/* item: {name: {count, unitTime, timeUnit, …}} */
static void read_policy(struct arena *a, const struct json *item, const char *path,
	enum policy_list list, struct policies *ret, struct findings *f)
{
	struct written w = { .stop = true };
	const struct json *only = json_first(item);
	struct policy p;
	const char *unit;

	if (!json_is_object(item) || json_len(item) != 1 || str_empty(json_key(only))) {
		finding_add(f, FINDING_INVALID_FIELD, path, "expected a map of one policy");
		return;
	}
	path = field_path(f, path, json_key(only));
	fields_read(f, path, only, policy_fields, ARRAY_LEN(policy_fields), &w);
	unit = policy_time_unit(w.time_unit);
	if (w.time_unit && !unit)
		finding_add(f, FINDING_INVALID_FIELD, field_path(f, path, "timeUnit"),
			"is \"%.16s\", expected min, hour, day, week, month or year", w.time_unit);
	p = (struct policy){ .name = arena_dup(a, json_key(only)),
		.count = w.count,
		.unit_time = w.unit_time,
		.time_unit = unit,
		.over_quota = !w.stop };
	conditions_read(f, path, only, &p);
	policies_put(a, ret, list, &p);
}

static void check_lists(const struct json *document, struct findings *f)
{
	json_foreach (v, document) {
		bool known = false;

		for (enum policy_list l = 0; l < POLICY_LISTS; l++)
			known = known || str_eq(json_key(v), list_keys[l]);
		if (!known)
			finding_add(f, FINDING_INVALID_FIELD, json_key(v),
				"unknown, expected resourcePolicies, applicationPolicies or "
				"subscriptionPolicies");
		else if (!json_is_array(v) && !json_is_null(v))
			finding_add(f, FINDING_INVALID_FIELD, json_key(v),
				"is a %s, expected a list of policies", json_type_name(v));
	}
}

bool policies_read(
	struct arena *a, const struct json *document, struct policies *ret, struct err *err)
{
	struct policies p = { 0 };
	struct findings f;

	findings_init(&f, a);
	if (!json_is_object(document))
		return err_set(err, ERR_INVALID, "is a %s, expected a map of policy lists",
			json_type_name(document));
	check_lists(document, &f);
	for (enum policy_list l = 0; l < POLICY_LISTS; l++) {
		size_t i = 0;

		json_foreach (item, json_get(document, list_keys[l]))
			read_policy(
				a, item, arena_printf(a, "%s[%zu]", list_keys[l], i++), l, &p, &f);
	}
	if (findings_fatal(&f))
		return err_set(err, ERR_INVALID, "%s", findings_fatal_text(&f));
	*ret = p;
	return true;
}
