/* The list of revoked tokens is a file that may change while the gateway runs: each worker looks
 * once a second whether it is another one, and reads it again. One that is gone or cannot be read
 * changes nothing: whoever is refused stays refused. */
#include "gateway/core/revoked.h"

#include <sys/stat.h>

#include "gateway/nginx/apim.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"

enum {
	LOOK_MS = 1000
};

struct revocations {
	struct apim *apim;
	const char *path;
	struct arena *arena; /* of the list in use; NULL: none yet */
	struct stat seen;
	ngx_event_t timer;
};

static void close_file(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

static void take(struct revocations *v)
{
	AUTO(close_file) FILE *f = fopen(v->path, "rbe");
	struct arena *a = arena_new();
	struct revoked *list;
	char chunk[4096];
	struct str s;
	size_t n;

	str_init(&s, a, REVOKED_MAX_BYTES);
	while (f && !s.overflow && (n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		str_addn(&s, chunk, n);
	if (!f || ferror(f) || s.overflow) {
		ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "revoked tokens \"%s\": %s", v->path,
			s.overflow ? "too many" : "cannot be read");
		arena_free(a);
		return;
	}
	list = revoked_read(a, s.ptr, s.len);
	core_set_revoked(v->apim->core, list);
	arena_free(v->arena);
	v->arena = a;
	ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0, "%uz revoked tokens", revoked_count(list));
}

static void look(struct revocations *v)
{
	struct stat st;

	if (stat(v->path, &st) != 0)
		return;
	if (v->arena && st.st_ino == v->seen.st_ino && st.st_size == v->seen.st_size &&
		st.st_mtim.tv_sec == v->seen.st_mtim.tv_sec &&
		st.st_mtim.tv_nsec == v->seen.st_mtim.tv_nsec)
		return;
	v->seen = st;
	take(v);
}

static void on_timer(ngx_event_t *ev)
{
	struct revocations *v = ev->data;

	if (ngx_exiting)
		return;
	look(v);
	ngx_add_timer(&v->timer, LOOK_MS);
}

bool revocations_start(struct apim *m, ngx_cycle_t *cycle)
{
	struct revocations *v;

	if (m->revoked_file.len == 0 || m->contract->n_issuers == 0)
		return true;
	v = ngx_pcalloc(cycle->pool, sizeof(*v));
	if (!v)
		return false;
	v->apim = m;
	v->path = arena_dupn(m->arena, (const char *)m->revoked_file.data, m->revoked_file.len);
	m->revocations = v;
	look(v);
	v->timer =
		(ngx_event_t){ .handler = on_timer, .data = v, .log = cycle->log, .cancelable = 1 };
	ngx_add_timer(&v->timer, LOOK_MS);
	return true;
}

void revocations_stop(struct apim *m)
{
	struct revocations *v = m->revocations;

	if (!v)
		return;
	if (v->timer.timer_set)
		ngx_del_timer(&v->timer);
	core_set_revoked(m->core, NULL);
	arena_free(v->arena);
	m->revocations = NULL;
}
