/* Where gateway images go: the form of the first releases (dockerRegistry and Secret docker-secret)
 * and the later one (ConfigMap docker-registry-config), which wins. */
#include "lib/api/finding.h"
#include "lib/api/name.h"
#include "lib/api/object.h"
#include "lib/base/arena.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/conf/read.h"
#include "lib/json/json.h"

static const struct registry_form {
	const char *name;
	enum registry_type type;
	const char *secret;
} forms[] = {
	{ "DOCKER_HUB", REGISTRY_DOCKER_HUB, "docker-registry-credentials" },
	{ "AMAZON_ECR", REGISTRY_AMAZON_ECR, "aws-credentials" },
	{ "GCR", REGISTRY_GCR, "google-application-credentials" },
	{ "HTTP", REGISTRY_HTTP, "docker-registry-credentials" },
	{ "HTTPS", REGISTRY_HTTPS, "docker-registry-credentials" },
	{ "QUAY", REGISTRY_QUAY, "docker-registry-credentials" },
};

static char *trimmed(struct arena *a, const char *text)
{
	size_t n;

	text += strspn(text, " \t\r\n");
	n = strlen(text);
	while (n > 0 && strchr(" \t\r\n/", text[n - 1]))
		n--;
	return arena_dupn(a, text, n);
}

/* A place in a registry: lower case, as the registry protocol wants it, and perhaps a port. */
static bool is_repository(const char *text)
{
	const char *path;

	if (!name_is_image(text) || strchr(text, '@'))
		return false;
	path = strchr(text, '/');
	for (const char *c = path ? path : text; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			return false;
	return true;
}

static bool set_repository(struct arena *a, const char *text, const char *path,
	struct conf_registry *r, struct findings *f)
{
	char *repository = trimmed(a, text);

	if (str_starts(repository, "http://")) {
		repository += strlen("http://");
		r->insecure = true;
	} else if (str_starts(repository, "https://")) {
		repository += strlen("https://");
	}
	if (*repository == '\0')
		return false;
	if (!is_repository(repository)) {
		finding_add(f, FINDING_INVALID_FIELD, path,
			"\"%.100s\" is not a place in a registry, expected something like registry.example:5000/gateways",
			repository);
		return false;
	}
	r->repository = repository;
	return true;
}

static const struct registry_form *form_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (str_eq_nocase(name, forms[i].name))
			return &forms[i];
	return NULL;
}

void conf_split_names(
	struct conf_read *r, const char *path, const char *what, const char *text, struct vec *ret)
{
	while (*text) {
		size_t n = strcspn(text, ",");
		char *name = trimmed(r->arena, arena_dupn(r->arena, text, n));

		if (name_is_subdomain(name))
			vec_add(r->arena, ret, name);
		else if (*name)
			finding_add(r->findings, FINDING_INVALID_FIELD, path,
				"\"%.64s\" is not the name of %s", name, what);
		text += n + (text[n] == ',');
	}
}

static bool read_new_form(struct conf_read *r, struct conf_registry *ret)
{
	const char *repository = conf_text(r, CONF_REGISTRY, "repositoryName");
	const char *type = conf_text(r, CONF_REGISTRY, "registryType");
	const struct registry_form *form = form_by_name(type ? type : "DOCKER_HUB");

	if (!form) {
		finding_add(r->findings, FINDING_INVALID_FIELD,
			"docker-registry-config.registryType",
			"\"%.32s\" is not a type of registry, expected DOCKER_HUB, HTTP, HTTPS, QUAY, GCR or AMAZON_ECR",
			type);
		return false;
	}
	if (!repository || !set_repository(r->arena, repository,
				   "docker-registry-config.repositoryName", ret, r->findings))
		return false;
	ret->type = form->type;
	ret->insecure = ret->insecure || form->type == REGISTRY_HTTP;
	if (!ret->secret)
		ret->secret = form->secret;
	return true;
}

static void read_old_form(struct conf_read *r, struct conf_registry *ret)
{
	const char *registry = conf_text(r, CONF_CONTROLLER, "dockerRegistry");

	/* As shipped, the value still has a place for the user to fill in. */
	if (!registry || strchr(registry, '<'))
		return;
	if (!set_repository(
		    r->arena, registry, "controller-config.dockerRegistry", ret, r->findings))
		return;
	ret->type = ret->insecure ? REGISTRY_HTTP : REGISTRY_DOCKER_HUB;
	ret->secret_is_userpass = ret->secret == NULL;
	if (!ret->secret)
		ret->secret = CONF_DOCKER_SECRET;
}

void conf_read_registry(struct conf_read *r, struct conf_registry *ret)
{
	const char *pull = conf_text(r, CONF_REGISTRY, "imagePullSecretNames");

	if (pull)
		conf_split_names(r, "docker-registry-config.imagePullSecretNames", "a Secret", pull,
			&ret->pull_secrets);
	if (!read_new_form(r, ret))
		read_old_form(r, ret);
}

/* Docker Hub is known to clients by an address that is not part of image names. */
static char *auth_key(struct arena *a, const char *repository)
{
	size_t n = strcspn(repository, "/");
	char *host = arena_dupn(a, repository, n);

	if (strpbrk(host, ".:") == NULL && !str_eq(host, "localhost"))
		return arena_dup(a, "https://index.docker.io/v1/");
	if (str_eq(host, "docker.io") || str_eq(host, "index.docker.io"))
		return arena_dup(a, "https://index.docker.io/v1/");
	return host;
}

char *conf_docker_login(
	struct arena *a, const struct conf_registry *r, const char *username, const char *password)
{
	struct json *auths = json_object(a);
	struct json *config = json_object(a);
	char *pair = arena_printf(a, "%s:%s", username, password);

	json_set(a, auths, auth_key(a, r->repository),
		json_format(a, "{'auth':%s}", base64_encode(a, pair, strlen(pair))));
	json_set(a, config, "auths", auths);
	return json_text(a, config);
}

/* A service account's key is the password of a user of this name. */
#define GOOGLE_USER "_json_key"
#define GOOGLE_KEY "gcr_key.json"

char *conf_docker_config(struct arena *a, const struct conf_registry *r, const struct json *secret)
{
	const char *ready = data_entry(a, secret, ".dockerconfigjson", NULL);
	const char *username = data_entry(a, secret, "username", NULL);
	const char *password = data_entry(a, secret, "password", NULL);
	const char *google = data_entry(a, secret, GOOGLE_KEY, NULL);

	if (!r->repository)
		return NULL;
	if (ready && !r->secret_is_userpass)
		return arena_dup(a, ready);
	if (r->type == REGISTRY_GCR && !str_empty(google))
		return conf_docker_login(a, r, GOOGLE_USER, trimmed(a, google));
	if (str_empty(username) || str_empty(password))
		return NULL;
	return conf_docker_login(a, r, trimmed(a, username), trimmed(a, password));
}
