#include "lib/kube/config.h"

#include <errno.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/kube/kube.h"
#include "lib/yaml/yaml.h"

enum {
	MAX_FILE = 1024 * 1024
};

static const char pod_dir[] = "/var/run/secrets/kubernetes.io/serviceaccount";

static void close_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

char *config_read_file(struct arena *a, const char *path, size_t *ret_n, struct err *err)
{
	AUTO(close_file) FILE *f = fopen(path, "re");
	char *text;
	size_t n;

	if (!f) {
		err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_DENIED, "%s: %s", path,
			strerror(errno));
		return NULL;
	}
	text = arena_alloc(a, MAX_FILE + 1);
	n = fread(text, 1, MAX_FILE + 1, f);
	if (ferror(f)) {
		err_set(err, ERR_INVALID, "%s: %s", path, strerror(errno));
		return NULL;
	}
	if (n > MAX_FILE) {
		err_set(err, ERR_LIMIT, "%s: larger than %d bytes", path, MAX_FILE);
		return NULL;
	}
	*ret_n = n;
	return text;
}

/* Files are read through an arena of their own, since most of the 1 MiB buffer is not needed later.
 */
static bool read_text(struct arena *a, const char *path, const char **ret, struct err *err)
{
	AUTO(arena_auto) struct arena *mem = arena_new();
	size_t n;
	char *text = config_read_file(mem, path, &n, err);

	if (!text)
		return false;
	*ret = arena_dupn(a, text, n);
	return true;
}

/* ---- kubeconfig ---- */

/* One file under work: values are read with its folder as the base of relative paths. */
struct source {
	struct arena *arena;
	const char *path;
};

static const char *relative_to(const struct source *s, const char *file)
{
	const char *slash = strrchr(s->path, '/');

	if (file[0] == '/' || !slash)
		return file;
	return arena_printf(s->arena, "%.*s/%s", (int)(slash - s->path), s->path, file);
}

/* PEM either in the file itself, base64-encoded under `<name>-data`, or in a file named under
 * `<name>`. */
static bool read_pem(const struct source *s, const struct json *from, const char *name,
	const char **ret, struct err *err)
{
	const char *data = json_get_str(from, arena_printf(s->arena, "%s-data", name));
	const char *file = json_get_str(from, name);
	size_t n;

	if (!str_empty(data)) {
		*ret = base64_decode(s->arena, data, strlen(data), &n);
		return *ret ||
		       err_set(err, ERR_INVALID, "%s: %s-data is not base64", s->path, name);
	}
	return str_empty(file) || read_text(s->arena, relative_to(s, file), ret, err);
}

/* The entry called `name` in one of the lists, and in it the member `what`:
 * clusters[name=x].cluster. */
static bool find(const struct source *s, const struct json *root, const char *what,
	const char *name, const struct json **ret, struct err *err)
{
	const struct json *list = json_get(root, arena_printf(s->arena, "%ss", what));

	json_foreach (entry, list)
		if (str_eq(json_get_str(entry, "name"), name)) {
			*ret = json_get(entry, what);
			return true;
		}
	return err_set(
		err, ERR_NOT_FOUND, "%s: no %s is called \"%s\"", s->path, what, name ? name : "");
}

static const char *without_slash(struct arena *a, const char *url)
{
	size_t n = strlen(url);

	while (n > 0 && url[n - 1] == '/')
		n--;
	return arena_dupn(a, url, n);
}

static bool read_cluster(const struct source *s, const struct json *cluster,
	struct kube_config *ret, struct err *err)
{
	const char *server = json_get_str(cluster, "server");

	if (str_empty(server) ||
		(!str_starts(server, "https://") && !str_starts(server, "http://")))
		return err_set(err, ERR_INVALID, "%s: cluster.server must be a URL", s->path);
	if (!str_empty(json_get_str(cluster, "tls-server-name")))
		return err_set(
			err, ERR_INVALID, "%s: cluster.tls-server-name is not supported", s->path);
	ret->server = without_slash(s->arena, server);
	ret->insecure = json_get_bool(cluster, "insecure-skip-tls-verify", false);
	ret->proxy = json_get_str(cluster, "proxy-url");
	return read_pem(s, cluster, "certificate-authority", &ret->ca, err);
}

static bool read_user(
	const struct source *s, const struct json *user, struct kube_config *ret, struct err *err)
{
	static const char *const refused[] = { "exec", "auth-provider", "username" };
	const char *file = json_get_str(user, "tokenFile");

	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (json_get(user, refused[i]))
			return err_set(err, ERR_INVALID,
				"%s: user.%s is not supported: use a client certificate or a token",
				s->path, refused[i]);
	if (!str_empty(file))
		ret->token_file = relative_to(s, file);
	else if (!str_empty(json_get_str(user, "token")))
		ret->token = json_get_str(user, "token");
	if (!read_pem(s, user, "client-certificate", &ret->cert, err) ||
		!read_pem(s, user, "client-key", &ret->key, err))
		return false;
	if (!ret->cert != !ret->key)
		return err_set(err, ERR_INVALID,
			"%s: user: client-certificate and client-key need each other", s->path);
	return true;
}

static bool credentials_are_safe(
	const struct source *s, const struct kube_config *c, struct err *err)
{
	if (str_starts(c->server, "http://") && (c->token || c->token_file || c->cert))
		return err_set(err, ERR_INVALID,
			"%s: credentials are not sent over http: cluster.server must be https://",
			s->path);
	return true;
}

static bool read_context(const struct source *s, const struct json *root, const char *name,
	struct kube_config *ret, struct err *err)
{
	const struct json *context = NULL;
	const struct json *cluster = NULL;
	const struct json *user = NULL;
	const char *ns;

	if (!find(s, root, "context", name, &context, err) ||
		!find(s, root, "cluster", json_get_str(context, "cluster"), &cluster, err))
		return false;
	if (!str_empty(json_get_str(context, "user")) &&
		!find(s, root, "user", json_get_str(context, "user"), &user, err))
		return false;
	ns = json_get_str(context, "namespace");
	ret->ns = str_empty(ns) ? "default" : ns;
	return read_cluster(s, cluster, ret, err) && read_user(s, user, ret, err) &&
	       credentials_are_safe(s, ret, err);
}

bool config_from_file(struct arena *a, const char *path, const char *context,
	struct kube_config *ret, struct err *err)
{
	const struct source s = { a, arena_dup(a, path) };
	struct kube_config c = { 0 };
	const struct json *root;
	const char *text;

	if (!read_text(a, path, &text, err))
		return false;
	root = yaml_parse(a, text, strlen(text), NULL, err);
	if (!root)
		return err_wrap(err, "%s", path);
	if (!context)
		context = json_get_str(root, "current-context");
	if (str_empty(context))
		return err_set(err, ERR_INVALID, "%s: has no current-context", path);
	if (!read_context(&s, root, context, &c, err))
		return false;
	*ret = c;
	return true;
}

/* ---- service account ---- */

static const char *trimmed(struct arena *a, const char *text)
{
	return arena_dupn(a, text, strcspn(text, " \t\r\n"));
}

bool config_from_pod(struct arena *a, const char *dir, const char *host, const char *port,
	struct kube_config *ret, struct err *err)
{
	const bool v6 = strchr(host, ':') != NULL; /* needs brackets in a URL */
	struct kube_config c = { .proxy = "", .ns = "default" };
	struct err no_namespace;
	const char *ns;
	struct str server;

	str_init(&server, a, 512);
	str_addf(&server, "https://%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "", port);
	if (!str_ok(&server, "KUBERNETES_SERVICE_HOST", err) ||
		!read_text(a, arena_printf(a, "%s/ca.crt", dir), &c.ca, err))
		return false;
	if (read_text(a, arena_printf(a, "%s/namespace", dir), &ns, &no_namespace))
		c.ns = trimmed(a, ns);
	c.server = server.ptr;
	c.token_file = arena_printf(a, "%s/token", dir);
	*ret = c;
	return true;
}

/* ---- looking around ---- */

static bool exists(const char *path)
{
	FILE *f = fopen(path, "re");

	if (f)
		fclose(f);
	return f != NULL;
}

bool config_load(struct arena *a, const struct kube_options *options, struct kube_config *ret,
	struct err *err)
{
	const char *named = options->kubeconfig ? options->kubeconfig : getenv("KUBECONFIG");
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");
	const char *home = getenv("HOME");

	if (named && strchr(named, ':'))
		return err_set(err, ERR_INVALID,
			"KUBECONFIG: \"%s\" names several files, one is supported", named);
	if (!str_empty(named))
		return config_from_file(a, named, options->context, ret, err);
	if (host && *host && exists(arena_printf(a, "%s/token", pod_dir)))
		return config_from_pod(a, pod_dir, host, str_empty(port) ? "443" : port, ret, err);
	if (str_empty(home))
		return err_set(err, ERR_NOT_FOUND,
			"no KUBECONFIG, no service account, no home directory: where is the cluster?");
	return config_from_file(
		a, arena_printf(a, "%s/.kube/config", home), options->context, ret, err);
}
