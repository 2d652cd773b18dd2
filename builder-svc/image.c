#include "builder-svc/image.h"

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGIT "0123456789"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

enum {
	MAX_TAG = 128,
	MAX_REPOSITORY = 255,
	MAX_REGISTRY = 300
};

/* Docker's rule: without a dot or a port, the first word belongs to the repository. */
static bool is_registry(const char *word)
{
	return strpbrk(word, ".:[") || str_eq(word, "localhost");
}

static bool is_docker_hub(const char *registry)
{
	return str_eq(registry, "docker.io") || str_eq(registry, "index.docker.io") ||
	       str_eq(registry, "registry-1.docker.io");
}

static bool consists_of(const char *text, const char *allowed, size_t max)
{
	size_t n = strlen(text);

	return n > 0 && n <= max && strspn(text, allowed) == n;
}

/* Components of letters, digits and separators, neither empty nor beginning or ending in a
 * separator. */
static bool repository_is_valid(const char *repository)
{
	if (!consists_of(repository, LOWER DIGIT "._-/", MAX_REPOSITORY))
		return false;
	for (const char *p = repository; *p; p++) {
		bool edge = p == repository || p[-1] == '/' || p[1] == '/' || p[1] == '\0';

		if (edge && strchr("._-/", *p))
			return false;
	}
	return true;
}

static bool check(const char *text, const struct image *i, struct err *err)
{
	if (!consists_of(i->registry, LOWER UPPER DIGIT ".-:[]", MAX_REGISTRY))
		return err_set(err, ERR_INVALID, "image \"%.200s\": \"%.100s\" is no registry",
			text, i->registry);
	if (!repository_is_valid(i->repository))
		return err_set(err, ERR_INVALID,
			"image \"%.200s\": \"%.100s\" is no repository, expected lower-case words",
			text, i->repository);
	if (!consists_of(i->tag, LOWER UPPER DIGIT "_.-", MAX_TAG) || strchr(".-", i->tag[0]))
		return err_set(
			err, ERR_INVALID, "image \"%.200s\": \"%.100s\" is no tag", text, i->tag);
	return true;
}

bool image_parse(struct arena *a, const char *text, struct image *ret, struct err *err)
{
	const char *slash = strchr(text, '/');
	const char *rest = text;
	struct image i = { .registry = "docker.io" };
	const char *colon;

	if (slash && is_registry(arena_dupn(a, text, (size_t)(slash - text)))) {
		i.registry = arena_dupn(a, text, (size_t)(slash - text));
		rest = slash + 1;
	}
	colon = strrchr(rest, ':');
	i.repository = colon ? arena_dupn(a, rest, (size_t)(colon - rest)) : rest;
	i.tag = colon ? colon + 1 : "latest";
	if (is_docker_hub(i.registry) && !strchr(i.repository, '/'))
		i.repository = arena_printf(a, "library/%s", i.repository);
	if (!check(text, &i, err))
		return false;
	i.host = is_docker_hub(i.registry) ? "registry-1.docker.io" : i.registry;
	*ret = i;
	return true;
}

/* ---- credentials ---- */

static struct login split(struct arena *a, const char *auth)
{
	size_t n = 0;
	char *text = base64_decode(a, auth, strlen(auth), &n);
	char *colon = text ? strchr(text, ':') : NULL;

	if (!colon)
		return (struct login){ NULL, NULL };
	return (struct login){ arena_dupn(a, text, (size_t)(colon - text)), colon + 1 };
}

static struct login login_of(struct arena *a, const struct json *entry)
{
	const char *auth = json_get_str(entry, "auth");
	const char *username = json_get_str(entry, "username");

	if (!str_empty(auth))
		return split(a, auth);
	if (str_empty(username))
		return (struct login){ NULL, NULL };
	return (struct login){ username, json_get_str(entry, "password") };
}

/* "https://index.docker.io/v1/" names "index.docker.io". */
static const char *registry_of_key(struct arena *a, const char *key)
{
	const char *scheme = strstr(key, "://");
	const char *host = scheme ? scheme + 3 : key;

	return arena_dupn(a, host, strcspn(host, "/"));
}

struct login image_login(
	struct arena *a, const struct image *image, const struct json *docker_config)
{
	json_foreach (entry, json_get(docker_config, "auths")) {
		const char *registry = registry_of_key(a, json_key(entry));

		if (str_eq(registry, image->registry) ||
			(is_docker_hub(registry) && is_docker_hub(image->registry)))
			return login_of(a, entry);
	}
	return (struct login){ NULL, NULL };
}
