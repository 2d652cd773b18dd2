#include "lib/conf/metrics.h"

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/yaml/yaml.h"

enum {
	MAX_METRICS = 20,
};

struct json *metrics_cpu(struct arena *a, int64_t percent)
{
	return json_format(a,
		"[{'type':'Resource','resource':{'name':'cpu','target':"
		"{'type':'Utilization','averageUtilization':%l}}}]",
		percent);
}

/* The member that a metric of this type has its details in; NULL: no such type. */
static const char *member_of(const char *type)
{
	static const char *const types[][2] = {
		{ "Resource", "resource" },
		{ "Pods", "pods" },
		{ "Object", "object" },
		{ "External", "external" },
		{ "ContainerResource", "containerResource" },
	};

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_eq(type, types[i][0]))
			return types[i][1];
	return NULL;
}

/* v2beta1 names the kind of target by the member that holds its value. */
static struct json *target_of(struct arena *a, const struct json *old)
{
	static const struct {
		const char *old;
		const char *type;
		const char *value;
	} forms[] = {
		{ "targetAverageUtilization", "Utilization", "averageUtilization" },
		{ "targetAverageValue", "AverageValue", "averageValue" },
		{ "averageValue", "AverageValue", "averageValue" },
		{ "targetValue", "Value", "value" },
	};

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		const struct json *v = json_get(old, forms[i].old);
		struct json *target;

		if (!v)
			continue;
		target = json_object(a);
		json_set_str(a, target, "type", forms[i].type);
		json_set(a, target, forms[i].value, json_dup(a, v));
		return target;
	}
	return NULL;
}

/* {"metricName":…, "selector":…} → {"name":…, "selector":…}; NULL for resources, which have a name.
 */
static struct json *metric_of(struct arena *a, const struct json *old)
{
	const struct json *selector = json_get(old, "selector");
	struct json *metric;

	if (!json_get_str(old, "metricName"))
		return NULL;
	if (!selector)
		selector = json_get(old, "metricSelector");
	metric = json_object(a);
	json_set_str(a, metric, "name", json_get_str(old, "metricName"));
	json_set(a, metric, "selector", json_dup(a, selector));
	return metric;
}

static struct json *from_v2beta1(struct arena *a, const struct json *old)
{
	const char *type = json_get_str(old, "type");
	const char *member = member_of(type);
	const struct json *details = json_get(old, member);
	struct json *out = json_object(a);
	struct json *in = json_sub(a, out, member);

	json_set_str(a, out, "type", type);
	json_set(a, in, "name", json_dup(a, json_get(details, "name")));
	json_set(a, in, "container", json_dup(a, json_get(details, "container")));
	json_set(a, in, "metric", metric_of(a, details));
	if (str_eq(type, "Object"))
		json_set(a, in, "describedObject", json_dup(a, json_get(details, "target")));
	json_set(a, in, "target", target_of(a, details));
	return out;
}

/* Quantities are strings; YAML reads 100 as a number. */
static void quote_quantities(struct arena *a, struct json *metric)
{
	static const char *const keys[] = { "averageValue", "value" };
	struct json *target =
		json_sub(a, json_sub(a, metric, member_of(json_get_str(metric, "type"))), "target");

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct json *v = json_get(target, keys[i]);

		if (json_is_num(v))
			json_set_str(a, target, keys[i], json_text(a, v));
	}
}

static bool check(const struct json *metric, size_t i, struct err *err)
{
	const char *member = member_of(json_get_str(metric, "type"));

	if (!member)
		return err_set(err, ERR_INVALID,
			"[%zu].type: is not a kind of metric, expected Resource, Pods, Object or External",
			i);
	if (!json_is_object(json_get(metric, member)))
		return err_set(err, ERR_INVALID, "[%zu].%s: is missing", i, member);
	return true;
}

static bool check_target(const struct json *metric, size_t i, struct err *err)
{
	const char *member = member_of(json_get_str(metric, "type"));

	if (json_is_object(json_path(metric, member, "target", NULL)))
		return true;
	return err_set(err, ERR_INVALID, "[%zu].%s: names no target", i, member);
}

struct json *metrics_parse(struct arena *a, const char *text, bool v2beta1, struct err *err)
{
	struct json *list = yaml_parse(a, text, strlen(text), NULL, err);
	struct json *out;
	size_t i = 0;

	if (!list || json_is_null(list))
		return NULL;
	if (!json_is_array(list) || json_len(list) > MAX_METRICS) {
		err_set(err, ERR_INVALID, "is no list of at most %d metrics", MAX_METRICS);
		return NULL;
	}
	out = json_array(a);
	json_foreach (metric, list) {
		struct json *copy;

		if (!check(metric, i, err))
			return NULL;
		copy = v2beta1 ? from_v2beta1(a, metric) : json_dup(a, metric);
		if (!check_target(copy, i++, err))
			return NULL;
		quote_quantities(a, copy);
		json_add(out, copy);
	}
	return json_len(out) > 0 ? out : NULL;
}
