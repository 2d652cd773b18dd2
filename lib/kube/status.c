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

/* The object of that name is another one than the uid in the request says: 422, as if somebody had
 * tried to change a uid. */
static bool is_another_object(const struct json *status)
{
	json_foreach (c, json_path(status, "details", "causes", NULL))
		if (str_eq(json_get_str(c, "field"), "metadata.uid"))
			return true;
	return false;
}

bool status_err(int http, const char *body, size_t n, struct err *err)
{
	AUTO(arena_auto) struct arena *mem = arena_new();
	struct err not_json;
	const struct json *v = json_parse(mem, body ? body : "", n, &not_json);
	const char *message = json_get_str(v, "message");

	if (str_empty(message))
		message = first_line(mem, body, n);
	return err_set(err, http == 422 && is_another_object(v) ? ERR_CONFLICT : status_code(http),
		"%d from the API server: %s", http, str_empty(message) ? "no message" : message);
}

int status_of(const struct json *object)
{
	if (!str_eq(json_get_str(object, "kind"), "Status"))
		return 0;
	return (int)json_get_int(object, "code", 500);
}
