#include "api-svc/names.h"

#include "lib/base/arena.h"
#include "lib/base/attr.h"

char *names_dockerfile(struct arena *a, const char *api)
{
	return arena_printf(a, "%s-dockerfile", api);
}

char *names_gateway_conf(struct arena *a, const char *api)
{
	return arena_printf(a, "%s-mgw-conf", api);
}

char *names_processed(struct arena *a, const char *definition)
{
	return arena_printf(a, "%s-mgw", definition);
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

char *names_image(struct arena *a, const char *repository, struct ref api, const char *tag_base,
	const char *input_hash)
{
	return arena_printf(
		a, "%s/%s.%s:%s-%.12s", repository, api.ns, api.name, tag_base, input_hash);
}
