#include "toolkit/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/core/script.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"

enum {
	MAX_DEPTH = 8
};

static bool failed(struct err *err, const char *path)
{
	return err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_UNAVAILABLE, "%s: %s", path,
		strerrordesc_np(errno));
}

static void close_file(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

static void close_folder(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}

char *file_read(struct arena *a, const char *path, size_t max_bytes, size_t *ret_n, struct err *err)
{
	AUTO(arena_auto) struct arena *tmp = arena_new(); /* of a text that grows */
	AUTO(close_file) FILE *f = fopen(path, "rbe");
	char chunk[16 * 1024];
	struct str s;
	size_t n;

	if (!f) {
		failed(err, path);
		return NULL;
	}
	str_init(&s, tmp, max_bytes);
	while (!s.overflow && (n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		str_addn(&s, chunk, n);
	if (ferror(f)) {
		failed(err, path);
		return NULL;
	}
	if (!str_ok(&s, path, err))
		return NULL;
	*ret_n = s.len;
	return arena_dupn(a, s.ptr, s.len);
}

bool file_write(struct arena *a, const char *path, const char *text, size_t n, struct err *err)
{
	const char *fresh = arena_printf(a, "%s.new", path);
	FILE *f = fopen(fresh, "wbe");
	bool ok;

	if (!f)
		return failed(err, fresh);
	ok = fwrite(text, 1, n, f) == n;
	ok = fclose(f) == 0 && ok;
	if (!ok || rename(fresh, path) != 0) {
		failed(err, path);
		(void)unlink(fresh);
		return false;
	}
	return true;
}

bool folder_make(const char *path, struct err *err)
{
	return mkdir(path, 0755) == 0 || errno == EEXIST || failed(err, path);
}

static bool is_document(const char *name)
{
	return str_ends(name, ".yaml") || str_ends(name, ".yml") || str_ends(name, ".json");
}

static bool is_script(const char *name)
{
	return str_ends(name, ".lua");
}

static bool walk(struct arena *a, const char *folder, const char *below, int depth,
	bool (*is_wanted)(const char *), struct vec *names, struct err *err)
{
	const char *path = *below ? arena_printf(a, "%s/%s", folder, below) : folder;
	AUTO(close_folder) DIR *d = opendir(path);
	const struct dirent *e;

	if (!d)
		return failed(err, path);
	if (depth > MAX_DEPTH)
		return err_set(err, ERR_LIMIT, "%s: folders nested too deeply", path);
	while ((e = readdir(d))) {
		char *name = *below ? arena_printf(a, "%s/%s", below, e->d_name)
				    : arena_dup(a, e->d_name);
		struct stat st;

		if (e->d_name[0] == '.' || stat(arena_printf(a, "%s/%s", folder, name), &st) != 0)
			continue;
		if (S_ISDIR(st.st_mode) && !walk(a, folder, name, depth + 1, is_wanted, names, err))
			return false;
		if (S_ISREG(st.st_mode) && is_wanted(e->d_name))
			vec_add(a, names, name);
	}
	return true;
}

static int by_text(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static bool read_all(struct arena *a, const char *folder, struct vec *names,
	struct toolkit_document **ret, struct err *err)
{
	struct toolkit_document *list = arena_alloc(a, (names->n + 1) * sizeof(*list));

	if (names->n > 1)
		qsort(names->at, names->n, sizeof(void *), by_text);
	for (size_t i = 0; i < names->n; i++) {
		list[i].name = names->at[i];
		list[i].text = file_read(a, arena_printf(a, "%s/%s", folder, list[i].name),
			TOOLKIT_MAX_DOCUMENT_BYTES, &list[i].n, err);
		if (!list[i].text)
			return false;
	}
	*ret = list;
	return true;
}

bool documents_read(struct arena *a, const char *folder, struct toolkit_document **ret,
	size_t *ret_n, struct err *err)
{
	struct vec names = { 0 };

	if (!walk(a, folder, "", 0, is_document, &names, err))
		return false;
	if (names.n == 0 || names.n > TOOLKIT_MAX_DOCUMENTS)
		return err_set(err, ERR_INVALID,
			"%s: %zu OpenAPI documents (*.yaml, *.yml, *.json), "
			"expected 1 to %d",
			folder, names.n, TOOLKIT_MAX_DOCUMENTS);
	*ret_n = names.n;
	return read_all(a, folder, &names, ret, err);
}

bool scripts_read(struct arena *a, const char *folder, struct toolkit_document **ret, size_t *ret_n,
	struct err *err)
{
	struct vec names = { 0 };

	if (!walk(a, folder, "", 0, is_script, &names, err))
		return false;
	if (names.n > SCRIPT_MAX)
		return err_set(err, ERR_LIMIT, "%s: %zu scripts (*.lua), the limit is %d", folder,
			names.n, SCRIPT_MAX);
	*ret_n = names.n;
	return read_all(a, folder, &names, ret, err);
}
