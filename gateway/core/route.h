/* Request target → operation. A trie over decoded path segments, built once per contract.
 *
 * A target has one meaning here: it is decoded once, what could be read in two ways is refused
 * (400), the rest is matched segment by segment, and what was matched is what is forwarded, encoded
 * anew in one canonical spelling. So no other spelling of a protected path reaches the backend
 * through an open one:
 *
 *   400  "%2f" "%5c" "\" "%00" and other control characters, ";", "#", "." and ".." segments, a
 * broken "%" 404  empty segments ("//"): they match nothing. One "/" at the end is ignored when
 * matching and forwarded as sent 414  longer than the contract allows
 *
 * The longest base path wins; below it a literal segment goes before "{x}.json", that before
 * "{x}", that before "*". "*" matches any rest, also none.
 */
#ifndef GATEWAY_CORE_ROUTE_H
#define GATEWAY_CORE_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/core/core.h"

struct arena;
struct route_table;

struct route_table *route_table_new(struct arena *a, const struct contract *c);

struct target {
	struct span sent;  /* path as sent */
	struct span query; /* as sent, with its "?"; empty when there is none */
	struct span path;  /* decoded */
};

/* Decodes; *ret_why says what is wrong with a target that is refused. */
bool target_read(struct arena *a, struct span raw, struct target *ret, const char **ret_why);

bool target_is_health(const struct target *t);

struct route {
	const struct contract_api *api;	  /* NULL: no document has this base path */
	const struct contract_path *path; /* NULL: the document has no such path */
	struct span rest;		  /* decoded path below the base path, "/" at least */
};

void route_find(const struct route_table *table, const struct target *t, struct route *ret);

/* What stands behind the path of a backend's target: rest, query as sent. */
struct span route_forward(struct arena *a, struct span rest, struct span query);

#endif
