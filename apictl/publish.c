#include "apictl/publish.h"

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

bool api_name_check(const char *name, struct err *err)
{
	enum {
		LABEL_MAX = 63
	};
	size_t n = name ? strlen(name) : 0;

	if (!n)
		return err_set(err, ERR_INVALID, "no name is given; say which API with -n NAME");
	/* The gateway's Service has this name, and Services have the strictest rule. */
	if (n > LABEL_MAX || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != n ||
		!strchr("abcdefghijklmnopqrstuvwxyz", name[0]) || name[n - 1] == '-')
		return err_set(err, ERR_INVALID,
			"\"%.80s\" cannot be the name of an API: expected at most %d lower-case letters, digits and "
			"hyphens, a letter first and no hyphen last",
			name, LABEL_MAX);
	return true;
}

bool publish_get(
	struct cli *cli, enum kind kind, const char *name, const struct json **ret, struct err *err)
{
	struct object o = { .ref = { kind, cli->ns, name } };

	if (!cli->kube.get(cli->kube.self, cli->arena, &o, 1, err))
		return false;
	*ret = o.json;
	return true;
}

void publish_definitions(struct arena *a, const struct json *api, struct vec *ret)
{
	const struct json *definition = json_path(api, "spec", "definition", NULL);
	const struct json *list = json_get(definition, "swaggerConfigmapNames");
	const char *one = json_get_str(definition, "configmapName");

	json_foreach (name, list)
		if (json_str(name))
			vec_add(a, ret, arena_dup(a, json_str(name)));
	if (!ret->n && !str_empty(one))
		vec_add(a, ret, arena_dup(a, one));
}

/* ---- writing one object ---- */

static void say(struct cli *cli, const struct json *object, const char *what)
{
	bool core = kind_by_name(json_get_str(object, "kind")) == KIND_CONFIG_MAP;

	(void)fprintf(cli->out, "%s/%s %s\n", core ? "configmap" : "api.wso2.com",
		ref_of(object).name, what);
	(void)fflush(cli->out);
}

static bool create(struct cli *cli, const struct json *body, struct err *err)
{
	const struct json *live = NULL;
	struct ref ref = ref_of(body);

	if (cli->kube.create(cli->kube.self, cli->arena, body, APICTL, &live, err)) {
		say(cli, body, "created");
		return true;
	}
	if (err->code == ERR_CONFLICT)
		return err_set(err, ERR_CONFLICT, "%s%s \"%s\" already exists",
			kind_info(ref.kind)->plural, kind_is_ours(ref.kind) ? ".wso2.com" : "",
			ref.name);
	return false;
}

/* Everything that `want` says stands in `live` already. */
static bool says_already(const struct json *live, const struct json *want)
{
	if (!json_is_object(want))
		return json_equal(live, want);
	json_foreach (member, want)
		if (!says_already(json_get(live, json_key(member)), member))
			return false;
	return json_is_object(live);
}

static bool apply(struct cli *cli, struct json *body, const struct json *live, struct err *err)
{
	struct kube_apply step = { .body = body, .manager = APICTL, .force = true };

	if (says_already(live, body)) {
		say(cli, body, "unchanged");
		return true;
	}
	if (!cli->kube.apply(cli->kube.self, cli->arena, &step, 1, err))
		return false;
	say(cli, body, "configured");
	return true;
}

static struct json *configmap_body(
	struct cli *cli, const char *name, const char *key, const char *text)
{
	struct json *body = json_format(cli->arena,
		"{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':%s,'namespace':%s},'data':{}}",
		name, cli->ns);

	json_set_str(cli->arena, json_sub(cli->arena, body, "data"), key, text);
	return body;
}

/* Marked as ours, so that delete may remove it; what the user made stays the user's. */
static bool create_document(
	struct cli *cli, const char *name, const struct document *d, struct err *err)
{
	struct json *body = configmap_body(cli, name, d->key, d->text);
	struct json *metadata = json_sub(cli->arena, body, "metadata");

	json_set_str(cli->arena, json_sub(cli->arena, metadata, "annotations"),
		ANNOTATION_CREATED_BY, APICTL);
	return create(cli, body, err);
}

bool publish_document(struct cli *cli, const char *name, const struct document *d,
	const struct json *live, struct err *err)
{
	const struct json *data = json_get(live, "data");
	struct ref ref = { KIND_CONFIG_MAP, cli->ns, name };

	if (!live)
		return create_document(cli, name, d, err);
	/* Another key would stand beside the one that another field manager owns. */
	if (json_len(data) == 1 && !json_len(json_get(live, "binaryData")))
		return apply(cli, configmap_body(cli, name, json_key(json_first(data)), d->text),
			live, err);
	return cli->kube.remove(cli->kube.self, cli->arena, ref, meta_uid(live), err) &&
	       create_document(cli, name, d, err);
}

bool publish_api(struct cli *cli, struct json *body, const struct json *live, struct err *err)
{
	return live ? apply(cli, body, live, err) : create(cli, body, err);
}

/* One name in the form of the first release, unless the API has the list already, which would win.
 */
static void add_definition(
	struct arena *a, struct json *spec, const struct vec *configmaps, const struct json *live)
{
	struct json *definition = json_sub(a, spec, "definition");
	const struct json *before =
		json_path(live, "spec", "definition", "swaggerConfigmapNames", NULL);
	struct json *list;

	json_set_str(a, definition, "type", "swagger");
	if (configmaps->n == 1 && !json_len(before)) {
		json_set_str(a, definition, "configmapName", configmaps->at[0]);
		return;
	}
	list = json_array(a);
	for (size_t i = 0; i < configmaps->n; i++)
		json_add_str(a, list, configmaps->at[i]);
	json_set(a, definition, "swaggerConfigmapNames", list);
}

struct json *publish_api_body(struct arena *a, const struct cli *cli, const struct args *args,
	const struct vec *configmaps, const struct json *live)
{
	int64_t before = json_get_int(json_get(live, "spec"), "replicas", 1);
	struct json *body = json_format(a,
		"{'apiVersion':'wso2.com/v1alpha1','kind':'API','metadata':{'name':%s,'namespace':%s},'spec':{}}",
		args->name, cli->ns);
	struct json *spec = json_sub(a, body, "spec");

	add_definition(a, spec, configmaps, live);
	json_set_int(a, spec, "replicas", args->replicas >= 0 ? args->replicas : before);
	json_set_str(a, spec, "mode", args->mode);
	if (args->override)
		json_set_bool(a, spec, "override", true);
	return body;
}
