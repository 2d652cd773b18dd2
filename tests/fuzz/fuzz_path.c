/* Whatever a namespace, a name and a selector are called, the URL is of that depth and of URL
 * characters. */
#include <ctype.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/kube/list.h"
#include "lib/kube/ops.h"
#include "lib/kube/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count(const char *text, char c)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == c;
	return n;
}

static void check(const char *path, size_t slashes, size_t questions)
{
	for (const char *c = path; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-._~%/?&=", *c))
			abort();
	if (count(path, '/') != slashes || count(path, '?') != questions || strstr(path, "//") ||
		strstr(path, "/../") || strstr(path, "/./") || str_ends(path, "/") ||
		str_ends(path, "/.") || str_ends(path, "/.."))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const char *text[3];
	const char *at;
	const char *end;
	const char *path;
	struct err err;
	enum kind kind;
	size_t depth;

	if (size < 4)
		return 0;
	kind = (enum kind)(1 + data[0] % (KIND_COUNT - 1));
	depth = strchr(kind_info(kind)->api_version, '/') ? 7 : 6;
	at = arena_dupn(a, data + 1, size - 1);
	end = at + size - 1;
	for (size_t i = 0; i < ARRAY_LEN(text); i++) {
		text[i] = at;
		at += strlen(at);
		at += at < end;
	}
	if (path_object(a, (struct ref){ kind, text[0], text[1] }, NULL, &path, &err))
		check(path, depth, 0);
	if (path_object(a, (struct ref){ kind, text[0], text[1] }, "status", &path, &err))
		check(path, depth + 1, 0);
	if (path_collection(a, kind, text[0], &path, &err))
		check(path, depth - 1, 0);
	if (list_path(a, &(struct kube_query){ .kind = kind, .labels = text[2] }, 500, text[1],
		    &path, &err))
		check(path, depth - 3, 1);
	return 0;
}
