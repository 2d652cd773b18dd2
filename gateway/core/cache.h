/* Tokens whose signature was verified, by SHA-256 of the token: bounded, the longest unused goes
 * first.
 *
 * An entry remembers what the token says and which key signed it, nothing that depends on time or
 * on the operation: those are judged anew on every request. Entries are copies on the heap; a
 * pointer is good until the next cache_put.
 */
#ifndef GATEWAY_CORE_CACHE_H
#define GATEWAY_CORE_CACHE_H

#include <stddef.h>

#include "lib/base/hash.h"

struct token;
struct cache;

struct cache *cache_new(size_t max_entries); /* 0: remembers nothing */
void cache_free(struct cache *c);	     /* accepts NULL */

/* NULL when not there. */
const struct token *cache_get(struct cache *c, const unsigned char key[SHA256_BYTES]);

/* Copies t; replaces an entry of the same key. */
void cache_put(struct cache *c, const unsigned char key[SHA256_BYTES], const struct token *t);

/* Forgets everything. */
void cache_clear(struct cache *c);

size_t cache_entries(const struct cache *c);

#endif
