#include "gateway/nginx/resolv.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/base/arena.h"

static const char blank[] = " \t\r";

/* The next word of a line; *at moves behind it. NULL at the end of the line or at a comment. */
static char *word(struct arena *a, const char **at)
{
	const char *from = *at + strspn(*at, blank);
	size_t n = strcspn(from, " \t\r\n#;");

	*at = from + n;
	return n > 0 ? arena_dupn(a, from, n) : NULL;
}

static const char *next_line(const char *at)
{
	at += strcspn(at, "\n");
	return *at == '\n' ? at + 1 : at;
}

static void read_search(struct arena *a, const char *at, struct resolv *r)
{
	const char *domain;

	r->n_search = 0;
	while (r->n_search < RESOLV_MAX_SEARCH && (domain = word(a, &at))) {
		size_t n = strlen(domain);

		while (n > 0 && domain[n - 1] == '.')
			n--;
		if (n > 0)
			r->search[r->n_search++] = arena_dupn(a, domain, n);
	}
}

static void read_options(struct arena *a, const char *at, struct resolv *r)
{
	const char *option;
	unsigned int n;

	while ((option = word(a, &at)))
		if (sscanf(option, "ndots:%2u", &n) == 1)
			r->ndots = n > 15 ? 15 : n;
}

void resolv_parse(struct arena *a, const char *text, struct resolv *ret)
{
	*ret = (struct resolv){ .ndots = 1 };
	for (const char *at = text; *at; at = next_line(at)) {
		const char *rest = at;
		const char *key = word(a, &rest);
		const char *server;

		if (!key)
			continue;
		if (strcmp(key, "search") == 0 || strcmp(key, "domain") == 0)
			read_search(a, rest, ret);
		else if (strcmp(key, "options") == 0)
			read_options(a, rest, ret);
		else if (strcmp(key, "nameserver") == 0 && ret->n_servers < RESOLV_MAX_SERVERS &&
			 (server = word(a, &rest)))
			ret->servers[ret->n_servers++] = server;
	}
}

const char **resolv_candidates(struct arena *a, const struct resolv *r, const char *host)
{
	const char **names = arena_alloc(a, (r->n_search + 2) * sizeof(*names));
	size_t n = strlen(host);
	unsigned int dots = 0;
	size_t count = 0;

	if (n > 0 && host[n - 1] == '.') {
		names[0] = arena_dupn(a, host, n - 1);
		return names;
	}
	for (const char *p = host; *p; p++)
		dots += *p == '.';
	if (dots >= r->ndots)
		names[count++] = arena_dup(a, host);
	for (size_t i = 0; i < r->n_search; i++)
		names[count++] = arena_printf(a, "%s.%s", host, r->search[i]);
	if (dots < r->ndots)
		names[count++] = arena_dup(a, host);
	return names;
}

const char **resolv_hosts(struct arena *a, const char *text, const char *host)
{
	enum {
		MOST = 8
	};
	const char **found = arena_alloc(a, (MOST + 1) * sizeof(*found));
	size_t n = 0;

	for (const char *at = text; *at && n < MOST; at = next_line(at)) {
		const char *rest = at;
		const char *address = word(a, &rest);
		const char *name;

		while (address && (name = word(a, &rest)))
			if (strcasecmp(name, host) == 0) {
				found[n++] = address;
				break;
			}
	}
	return found;
}

static void close_file(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

char *resolv_read(struct arena *a, const char *path)
{
	AUTO(close_file) FILE *f = fopen(path, "rbe");
	char *text = arena_alloc(a, RESOLV_MAX_FILE + 1);
	size_t n = f ? fread(text, 1, RESOLV_MAX_FILE, f) : 0;

	text[n] = '\0';
	return text;
}
