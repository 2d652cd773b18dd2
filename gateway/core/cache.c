#include "gateway/core/cache.h"

#include <stdint.h>

#include "gateway/core/token.h"

struct entry {
	unsigned char key[SHA256_BYTES];
	struct entry *chain; /* next in the same bucket */
	struct entry *older;
	struct entry *newer;
	struct token token;
	char texts[];
};

struct cache {
	struct entry **buckets;
	size_t mask;
	size_t n;
	size_t max;
	struct entry *newest;
	struct entry *oldest;
};

struct cache *cache_new(size_t max_entries)
{
	struct cache *c = calloc(1, sizeof(*c));
	size_t buckets = 1;

	while (buckets < max_entries)
		buckets *= 2;
	if (!c || !(c->buckets = calloc(buckets, sizeof(struct entry *))))
		abort();
	c->mask = buckets - 1;
	c->max = max_entries;
	return c;
}

void cache_free(struct cache *c)
{
	if (!c)
		return;
	while (c->newest) {
		struct entry *older = c->newest->older;

		free(c->newest);
		c->newest = older;
	}
	free(c->buckets);
	free(c);
}

/* A digest is as good as random: its first bytes are the hash. */
static struct entry **bucket(struct cache *c, const unsigned char key[SHA256_BYTES])
{
	uint64_t bits;

	memcpy(&bits, key, sizeof(bits));
	return &c->buckets[bits & c->mask];
}

static struct entry *find(struct cache *c, const unsigned char key[SHA256_BYTES])
{
	struct entry *e = *bucket(c, key);

	while (e && memcmp(e->key, key, SHA256_BYTES) != 0)
		e = e->chain;
	return e;
}

static void unlink_age(struct cache *c, struct entry *e)
{
	*(e->newer ? &e->newer->older : &c->newest) = e->older;
	*(e->older ? &e->older->newer : &c->oldest) = e->newer;
}

static void link_newest(struct cache *c, struct entry *e)
{
	e->newer = NULL;
	e->older = c->newest;
	*(c->newest ? &c->newest->newer : &c->oldest) = e;
	c->newest = e;
}

static void drop(struct cache *c, struct entry *e)
{
	struct entry **at = bucket(c, e->key);

	while (*at != e)
		at = &(*at)->chain;
	*at = e->chain;
	unlink_age(c, e);
	free(e);
	c->n--;
}

const struct token *cache_get(struct cache *c, const unsigned char key[SHA256_BYTES])
{
	struct entry *e = find(c, key);

	if (!e)
		return NULL;
	if (e != c->newest) {
		unlink_age(c, e);
		link_newest(c, e);
	}
	return &e->token;
}

static const char *put(char **at, const char *bytes, size_t n)
{
	char *copy = *at;

	if (n > 0)
		memcpy(copy, bytes, n);
	*at += n;
	return copy;
}

/* What of a token points outside of it. */
static const size_t texts[] = {
	offsetof(struct token, id),
	offsetof(struct token, issuer),
	offsetof(struct token, backend_jwt),
	offsetof(struct token, subject),
	offsetof(struct token, application),
	offsetof(struct token, application_id),
	offsetof(struct token, application_tier),
	offsetof(struct token, api_tier),
	offsetof(struct token, scope),
};

static const size_t lists[] = {
	offsetof(struct token, audience),
	offsetof(struct token, subscribed),
};

static const char **text_in(struct token *t, size_t i)
{
	return (const char **)((char *)t + texts[i]);
}

static struct texts *list_in(struct token *t, size_t i)
{
	return (struct texts *)((char *)t + lists[i]);
}

static size_t size_of(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

static struct entry *copy_of(struct token t)
{
	size_t bytes = 0;
	struct entry *e;
	char *at;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		bytes += size_of(*text_in(&t, i));
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		bytes += list_in(&t, i)->bytes;
	e = calloc(1, sizeof(*e) + bytes);
	if (!e)
		abort();
	at = e->texts;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (*text_in(&t, i))
			*text_in(&t, i) = put(&at, *text_in(&t, i), size_of(*text_in(&t, i)));
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		list_in(&t, i)->at = put(&at, list_in(&t, i)->at, list_in(&t, i)->bytes);
	e->token = t;
	return e;
}

void cache_put(struct cache *c, const unsigned char key[SHA256_BYTES], const struct token *t)
{
	struct entry *old = find(c, key);
	struct entry *e;

	if (c->max == 0)
		return;
	e = copy_of(*t);
	if (old)
		drop(c, old);
	else if (c->n == c->max)
		drop(c, c->oldest);
	memcpy(e->key, key, SHA256_BYTES);
	e->chain = *bucket(c, key);
	*bucket(c, key) = e;
	link_newest(c, e);
	c->n++;
}

void cache_clear(struct cache *c)
{
	while (c->oldest)
		drop(c, c->oldest);
}

size_t cache_entries(const struct cache *c)
{
	return c->n;
}
