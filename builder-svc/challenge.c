#include "builder-svc/challenge.h"

#include <strings.h>

#include "lib/base/arena.h"
#include "lib/base/str.h"

static const char token_end[] = " \t,=\"";

static const char *skip(const char *p, const char *what)
{
	return p + strspn(p, what);
}

/* A quoted string or a word; *p moves behind it. */
static const char *value(struct arena *a, const char **p)
{
	struct str s;
	size_t n;

	if (**p != '"') {
		n = strcspn(*p, " \t,");
		*p += n;
		return arena_dupn(a, *p - n, n);
	}
	str_init(&s, a, 8192);
	for ((*p)++; **p && **p != '"'; (*p)++) {
		if (**p == '\\' && (*p)[1])
			(*p)++;
		str_addc(&s, **p);
	}
	if (**p == '"')
		(*p)++;
	return s.ptr;
}

static void take(struct challenge *c, const char *name, const char *v)
{
	if (strcasecmp(name, "realm") == 0)
		c->realm = v;
	else if (strcasecmp(name, "service") == 0)
		c->service = v;
	else if (strcasecmp(name, "scope") == 0)
		c->scope = v;
}

/* The parameters up to the next scheme (a word that no `=` follows). */
static const char *parameters(struct arena *a, const char *p, struct challenge *c)
{
	for (;;) {
		size_t n;
		const char *after;
		const char *name;

		p = skip(p, " \t,");
		n = strcspn(p, token_end);
		after = skip(p + n, " \t");
		if (n == 0 || *after != '=')
			return p;
		name = arena_dupn(a, p, n);
		p = skip(after + 1, " \t");
		take(c, name, value(a, &p));
	}
}

static enum challenge_scheme scheme_by_name(const char *name)
{
	if (strcasecmp(name, "Bearer") == 0)
		return CHALLENGE_BEARER;
	return strcasecmp(name, "Basic") == 0 ? CHALLENGE_BASIC : CHALLENGE_NONE;
}

struct challenge challenge_parse(struct arena *a, const char *header)
{
	const char *p = header ? skip(header, " \t,") : "";

	while (*p) {
		size_t n = strcspn(p, token_end);
		struct challenge c = { scheme_by_name(arena_dupn(a, p, n)), NULL, NULL, NULL };
		const char *before = p;

		p = parameters(a, p + n, &c);
		if (c.scheme == CHALLENGE_BASIC || (c.scheme == CHALLENGE_BEARER && c.realm))
			return c;
		if (p == before)
			p++;
	}
	return (struct challenge){ CHALLENGE_NONE, NULL, NULL, NULL };
}
