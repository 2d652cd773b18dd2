#include "apictl/commands.h"
#include "apictl/document.h"
#include "apictl/publish.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/json/json.h"

/* What add_run is about to make, and what is there of it already. */
struct addition {
	struct vec documents;	/* struct document * */
	struct vec configmaps;	/* const char *, beside documents */
	struct vec live;	/* const struct json * or NULL, beside documents */
	const struct json *api; /* NULL: does not exist */
	size_t created;		/* how many of configmaps this run has created */
};

static const char *configmap_name(struct arena *a, const char *api, size_t i, size_t n)
{
	return n == 1 ? arena_printf(a, "%s-swagger", api)
		      : arena_printf(a, "%s-%zu-swagger", api, i + 1);
}

/* Looks before anything is made, so that a name that is taken leaves nothing behind. */
static bool look(struct cli *cli, const struct args *args, struct addition *add, struct err *err)
{
	const struct json *live = NULL;

	if (!publish_get(cli, KIND_API, args->name, &add->api, err))
		return false;
	if (add->api && !args->override)
		return err_set(
			err, ERR_CONFLICT, "apis.wso2.com \"%s\" already exists", args->name);
	for (size_t i = 0; i < add->documents.n; i++) {
		const char *name = configmap_name(cli->arena, args->name, i, add->documents.n);

		if (!publish_get(cli, KIND_CONFIG_MAP, name, &live, err))
			return false;
		if (live && !args->override)
			return err_set(err, ERR_CONFLICT, "configmaps \"%s\" already exists", name);
		vec_add(cli->arena, &add->configmaps, arena_dup(cli->arena, name));
		vec_add(cli->arena, &add->live, live ? json_dup(cli->arena, live) : NULL);
	}
	return true;
}

static bool make_configmaps(struct cli *cli, struct addition *add, struct err *err)
{
	(void)fprintf(cli->out, "creating configmap with swagger definition\n");
	for (size_t i = 0; i < add->documents.n; i++) {
		if (!publish_document(
			    cli, add->configmaps.at[i], add->documents.at[i], add->live.at[i], err))
			return false;
		add->created++;
	}
	return true;
}

/* So that the command can simply be given again. The first error is what the user needs to see. */
static void take_back(struct cli *cli, const struct addition *add)
{
	struct err ignored;

	for (size_t i = 0; i < add->created; i++) {
		struct ref ref = { KIND_CONFIG_MAP, cli->ns, add->configmaps.at[i] };

		if (!add->live.at[i] &&
			cli->kube.remove(cli->kube.self, cli->arena, ref, NULL, &ignored))
			(void)fprintf(cli->out, "configmap/%s removed again\n", ref.name);
	}
}

bool add_run(struct cli *cli, const struct args *args, struct err *err)
{
	struct addition add = { 0 };
	struct json *body;

	if (!api_name_check(args->name, err))
		return false;
	if (!args->files.n)
		return err_set(
			err, ERR_INVALID, "no document is given; name one with --from-file=FILE");
	if (!document_read_all(cli->arena, &args->files, &add.documents, err) ||
		!look(cli, args, &add, err))
		return false;
	body = publish_api_body(cli->arena, cli, args, &add.configmaps, add.api);
	if (make_configmaps(cli, &add, err) && publish_api(cli, body, add.api, err))
		return true;
	take_back(cli, &add);
	return false;
}
