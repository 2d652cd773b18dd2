#include "apictl/document.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/yaml/yaml.h"

/* ---- files ---- */

static void close_file(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

static void close_dir(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}

static bool folder_has_files(const char *path)
{
	AUTO(close_dir) DIR *d = opendir(path);
	const struct dirent *entry;

	if (!d)
		return false;
	/* Only this thread reads this stream. */
	while ((entry = readdir(d)) != NULL) // NOLINT(concurrency-mt-unsafe)
		if (entry->d_name[0] != '.')
			return true;
	return false;
}

/* Where the document stands in the folder of an API Manager project. */
static bool find_in_project(struct arena *a, const char *folder, const char **ret, struct err *err)
{
	const char *interceptors = arena_printf(a, "%s/Interceptors", folder);
	const char *path = arena_printf(a, "%s/Meta-information/swagger.yaml", folder);
	struct stat st;

	if (folder_has_files(interceptors))
		return err_set(err, ERR_INVALID,
			"%s: the gateway runs no interceptors; remove them from the project, and write hooks "
			"instead (x-apim-request-hook of the document)",
			interceptors);
	if (stat(path, &st) != 0)
		return err_set(err, ERR_INVALID,
			"%s: a folder without Meta-information/swagger.yaml; name the OpenAPI file itself",
			folder);
	*ret = path;
	return true;
}

static bool read_text(
	struct arena *a, const char *path, const char **ret, size_t *ret_n, struct err *err)
{
	AUTO(close_file) FILE *f = fopen(path, "re");
	char *text;
	size_t n;

	if (!f)
		return err_set(err, ERR_INVALID, "%s: %s", path,
			strerror(errno)); // NOLINT(concurrency-mt-unsafe)
	text = arena_alloc(a, DOCUMENT_MAX + 2);
	n = fread(text, 1, DOCUMENT_MAX + 1, f);
	if (ferror(f))
		return err_set(err, ERR_INVALID, "%s: cannot be read", path);
	if (n > DOCUMENT_MAX)
		return err_set(err, ERR_INVALID,
			"%s: larger than %d bytes, which is what a ConfigMap can hold; split the API or leave out examples",
			path, DOCUMENT_MAX);
	*ret = text;
	*ret_n = n;
	return true;
}

/* ---- content ---- */

static const char *entry_key(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *key = arena_dup(a, slash ? slash + 1 : path);

	for (char *p = key; *p; p++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.",
			    *p))
			*p = '-';
	return key;
}

static bool is_openapi(struct arena *a, const struct document *d, struct err *err)
{
	const struct json *root = yaml_parse(a, d->text, d->n, NULL, err);

	if (!root)
		return err_wrap(err, "%s", d->path);
	if (!json_get(root, "openapi") && !json_get(root, "swagger"))
		return err_set(err, ERR_INVALID,
			"%s: neither openapi nor swagger stands at the top level, so this is no OpenAPI document",
			d->path);
	if (!json_len(json_get(root, "paths")))
		return err_set(err, ERR_INVALID,
			"%s: paths is empty or missing; a gateway needs at least one operation to serve",
			d->path);
	return true;
}

bool document_read(struct arena *a, const char *path, struct document *ret, struct err *err)
{
	struct document d = { .path = path };
	struct stat st;

	if (stat(path, &st) != 0)
		return err_set(err, ERR_INVALID, "%s: %s; check the path given with --from-file",
			path,
			strerror(errno)); // NOLINT(concurrency-mt-unsafe)
	if (S_ISDIR(st.st_mode) && !find_in_project(a, path, &d.path, err))
		return false;
	if (!read_text(a, d.path, &d.text, &d.n, err))
		return false;
	if (strspn(d.text, " \t\r\n") == d.n)
		return err_set(
			err, ERR_INVALID, "%s: is empty; expected an OpenAPI document", d.path);
	if (!is_openapi(a, &d, err))
		return false;
	d.key = entry_key(a, d.path);
	*ret = d;
	return true;
}

bool document_read_all(struct arena *a, const struct vec *paths, struct vec *ret, struct err *err)
{
	for (size_t i = 0; i < paths->n; i++) {
		struct document *d = arena_alloc(a, sizeof(*d));

		if (!document_read(a, paths->at[i], d, err))
			return false;
		vec_add(a, ret, d);
	}
	return true;
}
