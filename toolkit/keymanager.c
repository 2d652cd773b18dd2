#include "toolkit/keymanager.h"

#include "lib/api/security.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

static size_t length_without_slash(const char *url)
{
	size_t n = strlen(url);

	while (n > 0 && url[n - 1] == '/')
		n--;
	return n;
}

/* The original's users give the key manager's URL, others the endpoint's own. */
bool key_manager_of(struct arena *a, const char *endpoint, struct key_manager *ret, struct err *err)
{
	struct contract_target e;
	const char *path;
	size_t n;

	if (!contract_target_parse(a, endpoint, &e, err))
		return false;
	*ret = (struct key_manager){ .asked = e };
	if (str_ends(e.path, "/introspect"))
		return true;
	ret->is_soap = str_ends(e.path, SECURITY_SOAP_PATH);
	path = ret->is_soap ? SECURITY_SOAP_PATH : "/oauth2/introspect";
	n = ret->is_soap ? strlen(e.url) - strlen(path) : length_without_slash(e.url);
	ret->tokens_url = arena_printf(a, "%.*s/oauth2", (int)n, e.url);
	return contract_target_parse(
		a, arena_printf(a, "%.*s%s", (int)n, e.url, path), &ret->asked, err);
}
