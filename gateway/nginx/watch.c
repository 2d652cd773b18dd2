/* Credentials are files that may change while the gateway runs: each worker looks once a second
 * whether they are others, and reads them again. A file that cannot be read changes nothing: the
 * worker goes on with what it has. */
#include <sys/stat.h>

#include "gateway/core/assertion.h"
#include "gateway/core/credentials.h"
#include "gateway/nginx/apim.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

enum {
	LOOK_MS = 1000
};

/* What tells one version of a file from the next. Kubernetes replaces mounted files, others may
 * write into them. */
struct version {
	uint64_t inode;
	int64_t size;
	int64_t changed_s;
	int64_t changed_ns;
};

struct watch {
	struct apim *apim;
	struct arena *arena; /* of the credentials in use */
	const struct credentials *credentials;
	struct version *versions;
	ngx_event_t timer;
};

static struct version version_of(const char *path)
{
	struct version v = { 0 };
	struct stat st;

	if (stat(path, &st) == 0)
		v = (struct version){ st.st_ino, st.st_size, st.st_mtim.tv_sec,
			st.st_mtim.tv_nsec };
	return v;
}

/* Behind the schemes stands the key that the gateway's own tokens are signed with. */
static size_t n_files(const struct apim *m)
{
	return m->contract->n_schemes + (m->contract->assertion != NULL);
}

static const char *path_of(struct arena *a, const struct apim *m, size_t scheme)
{
	if (scheme == m->contract->n_schemes)
		return arena_printf(a, "%.*s/backend-jwt.key", (int)m->credentials_dir.len,
			m->credentials_dir.data);
	return arena_printf(a, "%.*s/%s.json", (int)m->credentials_dir.len, m->credentials_dir.data,
		m->contract->schemes[scheme].security);
}

static void close_file(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

static bool read_file(
	struct arena *a, const char *path, const char **ret, size_t *ret_n, struct err *err)
{
	AUTO(close_file) FILE *f = fopen(path, "rbe");
	char chunk[4096];
	struct str s;
	size_t n;

	if (!f)
		return err_set(err, ERR_NOT_FOUND, "%s", strerrordesc_np(errno));
	str_init(&s, a, CREDENTIALS_MAX_BYTES);
	while (!s.overflow && (n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		str_addn(&s, chunk, n);
	if (ferror(f))
		return err_set(err, ERR_INVALID, "cannot be read");
	*ret = s.ptr;
	*ret_n = s.len;
	return str_ok(&s, "the file", err);
}

static bool read_scheme(struct arena *a, struct credentials *to, const struct apim *m, size_t i)
{
	AUTO(arena_auto) struct arena *tmp = arena_new();
	const char *path = path_of(tmp, m, i);
	const char *text = NULL;
	struct err err;
	size_t n = 0;

	if (read_file(tmp, path, &text, &n, &err) &&
		credentials_read(a, to, m->contract, i, text, n, &err))
		return true;
	ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "credentials \"%s\": %s", path, err.msg);
	return false;
}

/* One that is broken changes nothing: the one before is used on. */
static void read_key(const struct apim *m)
{
	AUTO(arena_auto) struct arena *tmp = arena_new();
	const char *path = path_of(tmp, m, m->contract->n_schemes);
	const char *text = NULL;
	struct err err;
	size_t n = 0;

	if (!read_file(tmp, path, &text, &n, &err) ||
		!assertions_take_key(m->assertions, text, n, &err))
		ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "key of backend JWTs \"%s\": %s",
			path, err.msg);
}

static bool have_changed(struct watch *w)
{
	AUTO(arena_auto) struct arena *tmp = arena_new();
	const struct apim *m = w->apim;
	bool changed = false;

	for (size_t i = 0; i < n_files(m); i++) {
		struct version v = version_of(path_of(tmp, m, i));

		changed = changed || memcmp(&v, &w->versions[i], sizeof(v)) != 0;
		w->versions[i] = v;
	}
	return changed;
}

/* At the start whatever can be read counts; later all or nothing, so that a file that is broken for
 * a moment locks nobody out. */
static void read_all(struct watch *w)
{
	const struct apim *m = w->apim;
	struct arena *a = arena_new();
	struct credentials *fresh = credentials_new(a, m->contract);
	bool complete = true;

	if (m->assertions)
		read_key(m);
	for (size_t i = 0; i < m->contract->n_schemes; i++)
		complete = read_scheme(a, fresh, m, i) && complete;
	if (!complete && w->arena) {
		arena_free(a);
		return;
	}
	core_set_credentials(m->core, fresh);
	w->credentials = fresh;
	arena_free(w->arena);
	w->arena = a;
}

static void look(ngx_event_t *ev)
{
	struct watch *w = ev->data;

	if (ngx_exiting)
		return;
	if (have_changed(w)) {
		read_all(w);
		ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0, "credentials read again");
	}
	ngx_add_timer(&w->timer, LOOK_MS);
}

bool watch_start(struct apim *m, ngx_cycle_t *cycle)
{
	size_t n = n_files(m);
	struct watch *w;

	if (n == 0)
		return true;
	w = ngx_pcalloc(cycle->pool, sizeof(*w));
	if (!w)
		return false;
	w->versions = ngx_pcalloc(cycle->pool, n * sizeof(*w->versions));
	if (!w->versions)
		return false;
	w->apim = m;
	m->watch = w;
	if (m->contract->assertion)
		m->assertions = assertions_new(m->contract);
	(void)have_changed(w);
	read_all(w);
	w->timer = (ngx_event_t){ .handler = look, .data = w, .log = cycle->log, .cancelable = 1 };
	ngx_add_timer(&w->timer, LOOK_MS);
	return true;
}

const struct credentials *watch_credentials(const struct apim *m)
{
	return m->watch ? m->watch->credentials : NULL;
}

void watch_stop(struct apim *m)
{
	struct watch *w = m->watch;

	if (!w)
		return;
	if (w->timer.timer_set)
		ngx_del_timer(&w->timer);
	core_set_credentials(m->core, NULL);
	assertions_free(m->assertions);
	m->assertions = NULL;
	arena_free(w->arena);
	m->watch = NULL;
}
