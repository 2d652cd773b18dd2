#include "lib/kube/token.h"

#include <sys/stat.h>

#include "lib/base/arena.h"
#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/kube/config.h"

static const int64_t max_age_us = 60LL * 1000 * 1000;

void token_init(struct token *t, const struct kube_config *config)
{
	*t = (struct token){ .fixed = config->token, .file = config->token_file };
}

void token_free(struct token *t)
{
	free(t->text);
	t->text = NULL;
}

/* Text that could not stand in a header is as good as none: it would forge one. */
static bool is_token(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return n > 0;
}

static void read_again(struct token *t, int64_t now_us, const struct stat *st)
{
	AUTO(arena_auto) struct arena *mem = arena_new();
	struct err ignored; /* the old token may still be good; the server will tell */
	size_t n;
	const char *text = config_read_file(mem, t->file, &n, &ignored);

	t->read_us = now_us;
	t->inode = st->st_ino;
	t->mtime_ns = st->st_mtim.tv_sec * 1000000000LL + st->st_mtim.tv_nsec;
	if (!text)
		return;
	while (n > 0 && strchr(" \t\r\n", text[n - 1]))
		n--;
	if (!is_token(text, n))
		return;
	free(t->text);
	t->text = strndup(text, n);
	if (!t->text)
		abort();
}

static bool is_stale(const struct token *t, int64_t now_us, const struct stat *st)
{
	return !t->text || now_us - t->read_us >= max_age_us || st->st_ino != t->inode ||
	       st->st_mtim.tv_sec * 1000000000LL + st->st_mtim.tv_nsec != t->mtime_ns;
}

const char *token_get(struct token *t, int64_t now_us)
{
	struct stat st;

	if (!t->file)
		return t->fixed;
	if (stat(t->file, &st) == 0 && is_stale(t, now_us, &st))
		read_again(t, now_us, &st);
	return t->text;
}

bool token_refused(struct token *t, int64_t now_us)
{
	char *before = t->text ? strdup(t->text) : NULL;
	struct stat st;
	bool changed;

	if (t->file && stat(t->file, &st) == 0)
		read_again(t, now_us, &st);
	changed = !str_eq(before, t->text);
	free(before);
	return changed;
}
