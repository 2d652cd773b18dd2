#include "api-svc/names.h"

#include <string.h>

#include "lib/base/arena.h"
#include "lib/base/attr.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/conf/conf.h"

enum {
	MAX_LABEL = 63, /* characters of one label of a name */
	HASH_DIGITS = 8,
};

char *names_dockerfile(struct arena *a, const char *api)
{
	return arena_printf(a, "%s-dockerfile", api);
}

char *names_gateway_conf(struct arena *a, const char *api)
{
	return arena_printf(a, "%s-mgw-conf", api);
}

static bool is_named_after(const char *definition, const char *api)
{
	const char *rest = definition + strlen(api);

	return str_starts(definition, api) && (*rest == '\0' || *rest == '-');
}

char *names_processed(struct arena *a, const char *api, const char *definition)
{
	if (is_named_after(definition, api))
		return arena_printf(a, "%s-mgw", definition);
	return arena_printf(a, "%s-mgw-%s", api, definition);
}

char *names_credentials(struct arena *a, const char *api, const char *security)
{
	return arena_printf(a, "%s-credentials-%s", api, security);
}

char *names_replicas(struct arena *a, const char *api)
{
	size_t n = strlen(api);

	if (n <= MAX_LABEL)
		return arena_dup(a, api);
	return arena_printf(a, "%.*s-%.*s", MAX_LABEL - HASH_DIGITS - 1, api, HASH_DIGITS,
		sha256_hex(a, api, n));
}

char *names_gateway_container(struct arena *a, const char *api)
{
	return arena_printf(a, "mgw%s", api);
}

struct ref names_target_endpoint(struct arena *a, const char *ns, const char *name)
{
	const char *dot = strrchr(name, '.');

	if (!dot || dot == name || !dot[1])
		return (struct ref){ KIND_TARGET_ENDPOINT, ns, name };
	return (struct ref){ KIND_TARGET_ENDPOINT, arena_dup(a, dot + 1),
		arena_dupn(a, name, (size_t)(dot - name)) };
}

char *names_image(struct arena *a, const struct conf_registry *r, struct ref api,
	const char *tag_base, const char *input_hash)
{
	enum {
		TAG_MAX = 128, /* of the distribution specification */
		HASH = 12
	};

	if (r->type == REGISTRY_AMAZON_ECR)
		return arena_printf(a, "%s:%.*s-%.*s", r->repository, TAG_MAX - 1 - HASH,
			arena_printf(a, "%s.%s-%s", api.ns, api.name, tag_base), HASH, input_hash);
	return arena_printf(
		a, "%s/%s.%s:%s-%.*s", r->repository, api.ns, api.name, tag_base, HASH, input_hash);
}
