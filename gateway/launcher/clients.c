#include "gateway/launcher/clients.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "gateway/launcher/settings.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"

enum {
	MAX_BYTES = 1024 * 1024
};

static void close_dir(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}

static void close_file(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

static bool is_certificate(const char *name)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	return strspn(name, letters) == strlen(name) && name[0] != '.' &&
	       (str_ends(name, ".crt") || str_ends(name, ".pem"));
}

const char *const *certificate_files(struct arena *a, const char *dir, const char *first)
{
	AUTO(close_dir) DIR *d = opendir(dir);
	struct vec files = { 0 };
	const struct dirent *e;

	if (first && access(first, R_OK) == 0)
		vec_add(a, &files, arena_dup(a, first));
	while (d && (e = readdir(d)))
		if (is_certificate(e->d_name))
			vec_add(a, &files, arena_printf(a, "%s/%s", dir, e->d_name));
	vec_add(a, &files, NULL);
	return (const char *const *)files.at;
}

static bool add_file(struct str *s, const char *path, struct err *err)
{
	AUTO(close_file) FILE *f = fopen(path, "rbe");
	char chunk[4096];
	size_t n;

	if (!f)
		return err_set(err, ERR_INVALID, "%s: %s", path, strerrordesc_np(errno));
	while (!s->overflow && (n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		str_addn(s, chunk, n);
	str_addc(s, '\n');
	return str_ok(s, path, err);
}

bool clients_gather(struct arena *a, const struct settings *s, bool *ret_any, struct err *err)
{
	const char *path = arena_printf(a, "%s/clients.crt", s->run_dir);
	const char *const *files = certificate_files(a, s->client_trust_dir, NULL);
	AUTO(close_file) FILE *f = NULL;
	struct str all;

	*ret_any = *files != NULL;
	if (!*files)
		return true;
	str_init(&all, a, MAX_BYTES);
	for (; *files; files++)
		if (!add_file(&all, *files, err))
			return false;
	f = fopen(path, "wbe");
	return (f && fwrite(all.ptr, 1, all.len, f) == all.len) ||
	       err_set(err, ERR_INVALID, "%s: %s", path, strerrordesc_np(errno));
}
