#include "gateway/hook/change.h"

#include "lib/base/arena.h"
#include "lib/base/str.h"

/* They say how a message is carried, which is the gateway's and nginx' to know. */
static const char *const framing[] = { "connection", "content-length", "content-encoding", "expect",
	"host", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te",
	"trailer", "transfer-encoding", "upgrade" };

static const char token_letters[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~";

const char *change_lower(const char *name, size_t n, char *ret)
{
	if (n == 0 || n > HOOK_MAX_NAME)
		return "a header's name has 1 to 128 letters";
	for (size_t i = 0; i < n; i++) {
		if (!memchr(token_letters, name[i], sizeof(token_letters) - 1))
			return "a letter that no header's name has";
		ret[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] | 0x20 : name[i]);
	}
	ret[n] = '\0';
	return NULL;
}

const struct hook_header *change_find(struct change_list list, const char *lower)
{
	for (size_t i = 0; i < *list.n; i++)
		if (str_eq(list.at[i]->lower, lower))
			return list.at[i];
	return NULL;
}

static bool is_framing(const char *lower)
{
	for (size_t i = 0; i < ARRAY_LEN(framing); i++)
		if (str_eq(framing[i], lower))
			return true;
	return false;
}

static struct hook_header *place_for(struct arena *a, struct change_list list, const char *lower)
{
	struct hook_header *h;

	for (size_t i = 0; i < *list.n; i++)
		if (str_eq(list.at[i]->lower, lower))
			return list.at[i];
	if (*list.n == HOOK_MAX_HEADERS)
		return NULL;
	h = arena_alloc(a, sizeof(*h));
	list.at[(*list.n)++] = h;
	return h;
}

const char *change_set(struct arena *a, struct change_list list, const struct hook_view *view,
	const char *name, size_t n, struct hook_header **ret)
{
	char lower[HOOK_MAX_NAME + 1];
	const char *why = change_lower(name, n, lower);
	struct hook_header *h;

	if (why)
		return why;
	if (is_framing(lower) || (view->is_reserved && view->is_reserved(view->arg, lower)))
		return "this header is the gateway's own";
	h = place_for(a, list, lower);
	if (!h)
		return "more than 64 headers are changed";
	h->name = arena_dupn(a, name, n);
	h->lower = arena_dupn(a, lower, n);
	h->n = 0;
	*ret = h;
	return NULL;
}

/* Visible characters, spaces and tabs between them (RFC 9110, section 5.5), and what is beyond
 * ASCII. */
static bool is_value(const char *value, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)value[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

const char *change_add(struct arena *a, struct hook_header *h, const char *value, size_t n)
{
	if (n > HOOK_MAX_VALUE)
		return "a header's value has at most 8192 bytes";
	if (h->n == HOOK_MAX_VALUES)
		return "a header has at most 16 values";
	if (!is_value(value, n))
		return "a control character in a header's value";
	h->value[h->n++] = (struct span){ arena_dupn(a, value, n), n };
	return NULL;
}

const char *change_query(const char *query, size_t n)
{
	if (n > HOOK_MAX_VALUE)
		return "a query has at most 8192 bytes";
	for (size_t i = 0; i < n; i++)
		if (query[i] <= ' ' || query[i] >= 0x7f || query[i] == '#')
			return "a character in the query that has to be percent-encoded";
	return NULL;
}
