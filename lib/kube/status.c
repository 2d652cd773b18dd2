#include "lib/kube/status.h"

#include <ctype.h>

#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

enum err_code status_code(int http)
{
	switch (http) {
	case 401:
	case 403:
		return ERR_DENIED;
	case 404:
		return ERR_NOT_FOUND;
	case 409:
		return ERR_CONFLICT;
	case 410: /* a list or watch that must begin again */
	case 429:
		return ERR_UNAVAILABLE;
	case 408:
		return ERR_TIMEOUT;
	default:
		break;
	}
	if (http >= 200 && http < 300)
		return ERR_NONE;
	return http >= 400 && http < 500 ? ERR_INVALID : ERR_UNAVAILABLE;
}

/* Proxies answer in HTML and plain text: the first line must do, and only what can be printed of
 * it. */
static const char *first_line(struct arena *a, const char *body, size_t n)
{
	enum {
		MAX_QUOTE = 200
	};
	char *text = arena_dupn(a, body, n > MAX_QUOTE ? MAX_QUOTE : n);

	text[strcspn(text, "\r\n")] = '\0';
	for (char *c = text; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
	return text;
}

static bool has_cause(const struct json *status, const char *member, const char *value)
{
	json_foreach (c, json_path(status, "details", "causes", NULL))
		if (str_eq(json_get_str(c, member), value))
			return true;
	return false;
}

static enum err_code code_of(int http, const struct json *status)
{
	/* The object of that name is another one than the uid in the request says: as if somebody
	 * had tried to change a uid. */
	if (http == 422 && has_cause(status, "field", "metadata.uid"))
		return ERR_CONFLICT;
	if (http == 403 && has_cause(status, "reason", "NamespaceTerminating"))
		return ERR_ENDING;
	return status_code(http);
}

bool status_err(int http, const char *body, size_t n, struct err *err)
{
	AUTO(arena_auto) struct arena *mem = arena_new();
	struct err not_json;
	const struct json *v = json_parse(mem, body ? body : "", n, &not_json);
	const char *message = json_get_str(v, "message");

	if (str_empty(message))
		message = first_line(mem, body, n);
	return err_set(err, code_of(http, v), "%d from the API server: %s", http,
		str_empty(message) ? "no message" : message);
}

int status_of(const struct json *object)
{
	if (!str_eq(json_get_str(object, "kind"), "Status"))
		return 0;
	return (int)json_get_int(object, "code", 500);
}
