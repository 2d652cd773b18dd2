#include <errno.h>
#include <sys/random.h>

#include "apictl/commands.h"
#include "apictl/publish.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

#define CREDENTIALS "apim-bus-credentials"

/* Users of the bus, as in deploy/bus/nats.conf. */
static const char *const users[] = { "watcher", "security-svc", "ratelimit-svc", "endpoint-svc",
	"api-svc", "builder-svc", "gateway", "observer" };

enum {
	ATTEMPTS = 5
};

/* 160 random bits as letters alone: the bus reads its configuration's variables as values, so that
 * 12e3 would be a number. */
static bool new_password(struct arena *a, char **ret, struct err *err)
{
	enum {
		LETTERS = 40
	};
	unsigned char bytes[LETTERS];
	char *password = arena_alloc(a, LETTERS + 1);

	/* Up to 256 bytes come whole or not at all. */
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return err_set(err, ERR_UNAVAILABLE,
			"the system gives no random numbers (errno %d)", errno);
	for (size_t i = 0; i < LETTERS; i++)
		password[i] = (char)('a' + (bytes[i] & 15));
	*ret = password;
	return true;
}

/* Adds a password for every user that has none; *ret_added counts them. */
static bool complete(struct arena *a, struct json *data, size_t *ret_added, struct err *err)
{
	char *password = NULL;

	*ret_added = 0;
	for (size_t i = 0; i < ARRAY_LEN(users); i++) {
		if (!str_empty(json_get_str(data, users[i])))
			continue;
		if (!new_password(a, &password, err))
			return false;
		json_set_str(a, data, users[i], base64_encode(a, password, strlen(password)));
		(*ret_added)++;
	}
	return true;
}

static struct json *secret_body(struct cli *cli, const struct json *live, struct json *data)
{
	struct json *body = json_format(cli->arena,
		"{'apiVersion':'v1','kind':'Secret','type':'Opaque','metadata':{'name':%s,'namespace':%s}}",
		CREDENTIALS, cli->ns);

	/* Whoever changed it meanwhile goes first: we look again then. */
	json_set_str(cli->arena, json_sub(cli->arena, body, "metadata"), "resourceVersion",
		meta_version(live));
	json_set(cli->arena, body, "data", data);
	return body;
}

static bool write_secret(
	struct cli *cli, const struct json *live, struct json *body, struct err *err)
{
	struct kube_apply step = { .body = body, .manager = APICTL, .force = true };
	const struct json *created = NULL;

	if (live)
		return cli->kube.apply(cli->kube.self, cli->arena, &step, 1, err);
	return cli->kube.create(cli->kube.self, cli->arena, body, APICTL, &created, err);
}

static bool ensure_credentials(struct cli *cli, const char **ret_what, struct err *err)
{
	const struct json *live = NULL;
	struct json *data;
	size_t added;

	if (!publish_get(cli, KIND_SECRET, CREDENTIALS, &live, err))
		return false;
	data = json_get(live, "data") ? json_dup(cli->arena, json_get(live, "data"))
				      : json_object(cli->arena);
	if (!complete(cli->arena, data, &added, err))
		return false;
	*ret_what = !live ? "created" : added ? "configured" : "unchanged";
	return !added || write_secret(cli, live, secret_body(cli, live, data), err);
}

bool system_init_run(struct cli *cli, const struct args *args, struct err *err)
{
	const char *ns = getenv("SYSTEM_NAMESPACE"); // NOLINT(concurrency-mt-unsafe)
	const char *what = NULL;

	if (!args->ns)
		cli->ns = str_empty(ns) ? "wso2-system" : ns;
	for (int i = 0; !ensure_credentials(cli, &what, err); i++)
		if (err->code != ERR_CONFLICT || i == ATTEMPTS)
			return err_wrap(err, "secret %s/" CREDENTIALS, cli->ns);
	(void)fprintf(cli->out, "secret/" CREDENTIALS " %s\n", what);
	return true;
}
