#include <ctype.h>

#include "gateway/core/contract.h"
#include "gateway/core/segment.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

static const struct {
	enum method method;
	const char *name;
} methods[] = {
	{ METHOD_GET, "GET" },
	{ METHOD_HEAD, "HEAD" },
	{ METHOD_POST, "POST" },
	{ METHOD_PUT, "PUT" },
	{ METHOD_DELETE, "DELETE" },
	{ METHOD_PATCH, "PATCH" },
	{ METHOD_OPTIONS, "OPTIONS" },
};

const char *method_name(enum method m)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (methods[i].method == m)
			return methods[i].name;
	return "OTHER";
}

enum method method_parse(const char *name, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (strlen(methods[i].name) == n && memcmp(methods[i].name, name, n) == 0)
			return methods[i].method;
	return METHOD_OTHER;
}

static bool segment_ok(const char *at, size_t n, struct err *err)
{
	if (n == 0)
		return err_set(err, ERR_INVALID, "an empty segment (\"//\", or \"/\" at the end)");
	if (at[0] == '.' && (n == 1 || (n == 2 && at[1] == '.')))
		return err_set(err, ERR_INVALID, "a segment \"%.*s\"", (int)n, at);
	for (size_t i = 0; i < n; i++)
		if (iscntrl((unsigned char)at[i]) || strchr("\\;?#", at[i]))
			return err_set(err, ERR_INVALID,
				"the character \"%c\", which no path may contain",
				iscntrl((unsigned char)at[i]) ? ' ' : at[i]);
	return true;
}

static bool plain(const char *at, size_t n, bool last, struct err *err)
{
	(void)last;
	if (memchr(at, '{', n) || memchr(at, '}', n))
		return err_set(err, ERR_INVALID, "a parameter in the base path");
	return segment_ok(at, n, err);
}

static bool templated(const char *at, size_t n, bool last, struct err *err)
{
	if (n == 1 && at[0] == '*' && last)
		return true;
	if (memchr(at, '*', n))
		return err_set(err, ERR_INVALID, "\"*\" is allowed as the whole last segment only");
	if (!segment_parameters_ok((struct span){ at, n }, err))
		return false;
	return segment_ok(at, n, err);
}

static bool segments_ok(const char *path,
	bool (*ok)(const char *at, size_t n, bool last, struct err *err), struct err *err)
{
	int segments = 0;

	if (strlen(path) > CONTRACT_MAX_TEXT)
		return err_set(err, ERR_LIMIT, "a path longer than %d bytes", CONTRACT_MAX_TEXT);
	while (*path) {
		size_t n;

		if (*path != '/')
			return err_set(
				err, ERR_INVALID, "\"%.100s\" does not begin with \"/\"", path);
		if (++segments > CONTRACT_MAX_SEGMENTS)
			return err_set(err, ERR_LIMIT, "a path of more than %d segments",
				CONTRACT_MAX_SEGMENTS);
		n = strcspn(++path, "/");
		if (!ok(path, n, path[n] == '\0', err))
			return false;
		path += n;
	}
	return true;
}

bool contract_base_path_ok(const char *path, struct err *err)
{
	return segments_ok(path, plain, err);
}

bool contract_template_ok(const char *path, struct err *err)
{
	if (str_empty(path))
		return err_set(err, ERR_INVALID, "an empty path, expected \"/…\"");
	return str_eq(path, "/") || segments_ok(path, templated, err);
}

char *contract_template_shape(struct arena *a, const char *path)
{
	char *shape = arena_alloc(a, strlen(path) + 1);
	bool inside = false;
	size_t n = 0;

	for (; *path; path++) {
		if (*path == '}')
			inside = false;
		if (!inside)
			shape[n++] = *path;
		if (*path == '{')
			inside = true;
	}
	return shape;
}
