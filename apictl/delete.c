#include "apictl/commands.h"
#include "apictl/publish.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

/* The operator makes the API the owner of its documents, but it may not have come to that yet. */
static bool remove_documents(struct cli *cli, const struct vec *names, struct err *err)
{
	const struct json *live = NULL;

	vec_foreach (const char *, name, names) {
		struct ref ref = { KIND_CONFIG_MAP, cli->ns, name };

		if (!publish_get(cli, KIND_CONFIG_MAP, name, &live, err))
			return false;
		if (live && str_eq(meta_annotation(live, ANNOTATION_CREATED_BY), APICTL) &&
			!cli->kube.remove(cli->kube.self, cli->arena, ref, meta_uid(live), err))
			return false;
	}
	return true;
}

bool delete_run(struct cli *cli, const struct args *args, struct err *err)
{
	struct ref ref = { KIND_API, cli->ns, args->name };
	const struct json *api = NULL;
	struct vec names = { 0 };

	if (!api_name_check(args->name, err) || !publish_get(cli, KIND_API, args->name, &api, err))
		return false;
	if (!api)
		return err_set(err, ERR_NOT_FOUND, "apis.wso2.com \"%s\" not found", args->name);
	publish_definitions(cli->arena, api, &names);
	if (!cli->kube.remove(cli->kube.self, cli->arena, ref, meta_uid(api), err))
		return false;
	(void)fprintf(cli->out, "api.wso2.com \"%s\" deleted\n", args->name);
	return remove_documents(cli, &names, err);
}
