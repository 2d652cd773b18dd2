#include "gateway/core/revoked.h"

#include "gateway/core/core.h"
#include "lib/base/arena.h"

struct revoked {
	struct span *ids; /* sorted */
	size_t n;
};

static int compare(const void *x, const void *y)
{
	const struct span *a = x;
	const struct span *b = y;

	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	return memcmp(a->at, b->at, a->n);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Cuts the first line off, without blanks around it. */
static struct span line_of(struct span *left)
{
	const char *end = memchr(left->at, '\n', left->n);
	struct span line = { left->at, end ? (size_t)(end - left->at) : left->n };
	size_t used = line.n + (end != NULL);

	left->at += used;
	left->n -= used;
	for (; line.n > 0 && is_blank(*line.at); line.n--)
		line.at++;
	while (line.n > 0 && is_blank(line.at[line.n - 1]))
		line.n--;
	return line;
}

struct revoked *revoked_read(struct arena *a, const char *text, size_t n)
{
	struct revoked *r = arena_alloc(a, sizeof(*r));
	struct span left = { text, n };
	size_t lines = 1;

	for (size_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	r->ids = arena_alloc(a, lines * sizeof(*r->ids));
	while (left.n > 0) {
		struct span line = line_of(&left);

		if (line.n > 0 && *line.at != '#')
			r->ids[r->n++] = line;
	}
	if (r->n > 1)
		qsort(r->ids, r->n, sizeof(*r->ids), compare);
	return r;
}

bool revoked_has(const struct revoked *r, const char *id)
{
	struct span wanted = { id, strlen(id) };

	return r && wanted.n > 0 && r->n > 0 &&
	       bsearch(&wanted, r->ids, r->n, sizeof(*r->ids), compare);
}

size_t revoked_count(const struct revoked *r)
{
	return r ? r->n : 0;
}
