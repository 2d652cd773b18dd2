#include "lib/api/ratelimiting.h"

#include "lib/api/conditions.h"
#include "lib/api/field.h"
#include "lib/api/finding.h"
#include "lib/api/object.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

struct written {
	const char *type;
	const char *time_unit;
	int64_t unit_time;
	bool stop;
};

static const struct field spec_fields[] = {
	{ "type", offsetof(struct written, type), FIELD_STRING, FIELD_REQUIRED, 0, 0 },
	{ "timeUnit", offsetof(struct written, time_unit), FIELD_STRING, FIELD_REQUIRED, 0, 0 },
	{ "unitTime", offsetof(struct written, unit_time), FIELD_INT, FIELD_REQUIRED, 1,
		INT32_MAX },
	{ "stopOnQuotaReach", offsetof(struct written, stop), FIELD_BOOL, 0, 0, 0 },
};

static const struct field count_fields[] = {
	{ "limit", offsetof(struct policy, count), FIELD_INT, FIELD_REQUIRED, 1, INT64_MAX },
};

static const struct type_name {
	const char *type;
	enum policy_list list;
} types[] = {
	{ "advance", POLICY_RESOURCE },
	{ "application", POLICY_APPLICATION },
	{ "subscription", POLICY_SUBSCRIPTION },
};

static void decode_type(const struct written *w, struct rate_limiting *ret, struct findings *f)
{
	ret->list = POLICY_LISTS;
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (w->type && str_eq_nocase(w->type, types[i].type))
			ret->list = types[i].list;
	if (w->type && ret->list == POLICY_LISTS)
		finding_add(f, FINDING_UNKNOWN_TYPE, "spec.type",
			"\"%.32s\" is not a type, expected application, subscription or advance",
			w->type);
}

void rate_limiting_decode(
	struct arena *a, const struct json *object, struct rate_limiting *ret, struct findings *f)
{
	const struct json *spec = json_get(object, "spec");
	const char *name = ref_of(object).name;
	struct written w = { .stop = true };

	(void)a;
	*ret = (struct rate_limiting){ .policy = { .name = name ? name : "" } };
	fields_read(f, "spec", spec, spec_fields, ARRAY_LEN(spec_fields), &w);
	fields_read(f, "spec.requestCount", json_get(spec, "requestCount"), count_fields,
		ARRAY_LEN(count_fields), &ret->policy);
	decode_type(&w, ret, f);
	ret->policy.unit_time = w.unit_time;
	ret->policy.time_unit = policy_time_unit(w.time_unit);
	ret->policy.over_quota = !w.stop;
	if (w.time_unit && !ret->policy.time_unit)
		finding_add(f, FINDING_INVALID_FIELD, "spec.timeUnit",
			"is \"%.32s\", expected min, hour, day, week, month or year", w.time_unit);
	conditions_read(f, "spec", spec, &ret->policy);
}

char *rate_limiting_alias(struct arena *a, const char *name)
{
	size_t n = strcspn(name, "-");

	return name[n] == '\0' ? NULL : arena_dupn(a, name, n);
}
