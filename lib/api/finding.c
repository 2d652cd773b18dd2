#include "lib/api/finding.h"

#include <stdarg.h>

#include "lib/base/arena.h"
#include "lib/base/str.h"

enum {
	MAX_TEXT = 1024,    /* of a condition's or event's message */
	MAX_MESSAGE = 1024, /* of one finding */
};

void findings_init(struct findings *f, struct arena *a)
{
	*f = (struct findings){ .arena = a };
}

void finding_add(
	struct findings *f, enum finding_kind kind, const char *path, const char *message_fmt, ...)
{
	struct finding *found;
	char message[MAX_MESSAGE];
	va_list ap;

	if (f->all.n == FINDINGS_MAX) {
		f->left_out++;
		return;
	}
	va_start(ap, message_fmt);
	if (vsnprintf(message, sizeof(message), message_fmt, ap) < 0)
		abort();
	va_end(ap);
	found = arena_alloc(f->arena, sizeof(*found));
	*found = (struct finding){ kind, arena_dup(f->arena, path), arena_dup(f->arena, message) };
	vec_add(f->arena, &f->all, found);
}

bool finding_is_fatal(enum finding_kind kind)
{
	return kind < FINDING_UNUSED;
}

const struct finding *findings_fatal(const struct findings *f)
{
	vec_foreach (const struct finding *, x, &f->all)
		if (finding_is_fatal(x->kind))
			return x;
	return NULL;
}

bool findings_have(const struct findings *f, enum finding_kind kind)
{
	vec_foreach (const struct finding *, x, &f->all)
		if (x->kind == kind)
			return true;
	return false;
}

static bool any_fatal(const struct finding *x, enum finding_kind unused)
{
	(void)unused;
	return finding_is_fatal(x->kind);
}

static bool same_kind(const struct finding *x, enum finding_kind kind)
{
	return x->kind == kind;
}

static char *text(const struct findings *f, enum finding_kind kind,
	bool (*wanted)(const struct finding *, enum finding_kind))
{
	size_t more = 0;
	struct str s;

	str_init(&s, f->arena, MAX_TEXT + MAX_MESSAGE * 2);
	vec_foreach (const struct finding *, x, &f->all) {
		if (!wanted(x, kind))
			continue;
		if (s.len + strlen(x->path) + strlen(x->message) > MAX_TEXT && s.len > 0) {
			more++;
			continue;
		}
		str_addf(&s, "%s%.300s: %s", s.len > 0 ? "; " : "", x->path, x->message);
	}
	if (s.len > 0 && more + f->left_out > 0)
		str_addf(&s, "; and %zu more", more + f->left_out);
	return s.ptr;
}

char *findings_text(const struct findings *f, enum finding_kind kind)
{
	return text(f, kind, same_kind);
}

char *findings_fatal_text(const struct findings *f)
{
	return text(f, FINDING_INVALID_FIELD, any_fatal);
}
