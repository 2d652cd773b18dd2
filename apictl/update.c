#include "apictl/commands.h"
#include "apictl/document.h"
#include "apictl/publish.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/json/json.h"

static bool same_number(
	const struct args *args, size_t documents, size_t definitions, struct err *err)
{
	if (documents == definitions)
		return true;
	return err_set(err, ERR_INVALID,
		"API \"%s\" has %zu document%s, but %zu --from-file %s given; give them all, in the order of "
		"the API, or use add with --override",
		args->name, definitions, definitions == 1 ? "" : "s", documents,
		documents == 1 ? "is" : "are");
}

static bool update_documents(
	struct cli *cli, const struct vec *documents, const struct vec *names, struct err *err)
{
	const struct json *live = NULL;

	for (size_t i = 0; i < documents->n; i++)
		if (!publish_get(cli, KIND_CONFIG_MAP, names->at[i], &live, err) ||
			!publish_document(cli, names->at[i], documents->at[i], live, err))
			return false;
	return true;
}

bool update_run(struct cli *cli, const struct args *args, struct err *err)
{
	bool spec = args->replicas >= 0 || args->mode || args->override;
	struct vec documents = { 0 };
	struct vec names = { 0 };
	const struct json *api = NULL;

	if (!api_name_check(args->name, err))
		return false;
	if (!args->files.n && !spec)
		return err_set(err, ERR_INVALID,
			"nothing to update; name a document with --from-file=FILE");
	if (!document_read_all(cli->arena, &args->files, &documents, err) ||
		!publish_get(cli, KIND_API, args->name, &api, err))
		return false;
	if (!api)
		return err_set(err, ERR_NOT_FOUND, "apis.wso2.com \"%s\" not found", args->name);
	publish_definitions(cli->arena, api, &names);
	if (documents.n && !same_number(args, documents.n, names.n, err))
		return false;
	if (!update_documents(cli, &documents, &names, err))
		return false;
	return !spec ||
	       publish_api(cli, publish_api_body(cli->arena, cli, args, &names, api), api, err);
}
