#include "apictl/commands.h"
#include "apictl/publish.h"
#include "apictl/table.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/reasons.h"

static const struct json *condition(const struct json *api, const char *type)
{
	json_foreach (c, json_path(api, "status", "conditions", NULL))
		if (str_eq(json_get_str(c, "type"), type))
			return c;
	return NULL;
}

static char *age(struct cli *cli, const struct json *api)
{
	const char *text = json_str(json_path(api, "metadata", "creationTimestamp", NULL));
	struct tm tm = { 0 };

	if (!text || !strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm))
		return arena_dup(cli->arena, "<unknown>");
	return age_text(cli->arena, cli->now_s - (int64_t)timegm(&tm));
}

static void add_row(struct cli *cli, struct table *t, const struct json *api, bool with_namespace)
{
	const struct json *ready = condition(api, COND_READY);
	struct ref ref = ref_of(api);

	if (with_namespace)
		table_add(cli->arena, t, ref.ns);
	table_add(cli->arena, t, ref.name);
	table_add(cli->arena, t, ready ? json_get_str(ready, "status") : "Unknown");
	table_add(cli->arena, t, json_get_str(ready, "reason"));
	table_add(cli->arena, t, json_get_str(json_get(api, "status"), "endpoint"));
	table_add(cli->arena, t,
		arena_printf(cli->arena, "%lld",
			(long long)json_get_int(json_get(api, "spec"), "replicas", 0)));
	table_add(cli->arena, t, age(cli, api));
}

static void print_apis(struct cli *cli, const struct vec *apis, bool with_namespace)
{
	static const char *const titles[] = { "NAMESPACE", "NAME", "READY", "REASON", "ENDPOINT",
		"REPLICAS", "AGE" };
	struct table t = { .columns = ARRAY_LEN(titles) - !with_namespace };

	for (size_t i = with_namespace ? 0 : 1; i < ARRAY_LEN(titles); i++)
		table_add(cli->arena, &t, titles[i]);
	vec_foreach (const struct object *, o, apis)
		add_row(cli, &t, o->json, with_namespace);
	table_print(&t, cli->out);
}

static int by_name(const void *x, const void *y)
{
	const struct object *const *ox = x;
	const struct object *const *oy = y;
	int by_ns = strcmp((*ox)->ref.ns, (*oy)->ref.ns);

	return by_ns ? by_ns : strcmp((*ox)->ref.name, (*oy)->ref.name);
}

static bool get_named(struct cli *cli, const struct vec *names, struct vec *ret, struct err *err)
{
	vec_foreach (const char *, name, names) {
		struct object *o = arena_alloc(cli->arena, sizeof(*o));

		o->ref = (struct ref){ KIND_API, cli->ns, name };
		if (!publish_get(cli, KIND_API, name, &o->json, err))
			return false;
		if (!o->json)
			return err_set(err, ERR_NOT_FOUND, "apis.wso2.com \"%s\" not found", name);
		vec_add(cli->arena, ret, o);
	}
	return true;
}

bool get_run(struct cli *cli, const struct args *args, struct err *err)
{
	const struct kube_query all = { .kind = KIND_API,
		.ns = args->all_namespaces ? NULL : cli->ns };
	struct vec apis = { 0 };

	if (args->names.n) {
		if (!get_named(cli, &args->names, &apis, err))
			return false;
	} else {
		if (!cli->kube.list(cli->kube.self, cli->arena, &all, &apis, err))
			return false;
		if (apis.n)
			qsort(apis.at, apis.n, sizeof(*apis.at), by_name);
	}
	if (apis.n)
		print_apis(cli, &apis, args->all_namespaces);
	else if (all.ns)
		(void)fprintf(stderr, "No resources found in %s namespace.\n", all.ns);
	else
		(void)fprintf(stderr, "No resources found\n");
	return true;
}
