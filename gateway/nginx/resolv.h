/* What the C library would do with a host name before it asks a name server, as data:
 * /etc/resolv.conf and /etc/hosts.
 *
 * nginx' resolver knows neither a search list nor a hosts file, but inside a Kubernetes pod a
 * Service is called "products", not "products.default.svc.cluster.local". Files are read once, when
 * the configuration is loaded. Never fails: what is missing or malformed counts as absent.
 */
#ifndef GATEWAY_NGINX_RESOLV_H
#define GATEWAY_NGINX_RESOLV_H

#include <stddef.h>

#include "lib/base/attr.h"

struct arena;

enum {
	RESOLV_MAX_SERVERS = 3,
	RESOLV_MAX_SEARCH = 16,
	RESOLV_MAX_FILE = 64 * 1024,
};

struct resolv {
	const char *servers[RESOLV_MAX_SERVERS]; /* as written; "address:port" is accepted too */
	size_t n_servers;
	const char *search[RESOLV_MAX_SEARCH];
	size_t n_search;
	unsigned int ndots;
};

void resolv_parse(struct arena *a, const char *text, struct resolv *ret);

/* The names to ask for, in order, NULL at the end: a host with fewer than ndots dots goes through
 * the search list first, a host that ends with a dot is asked for as it is. All are copies. */
const char **resolv_candidates(struct arena *a, const struct resolv *r, const char *host);

/* The addresses that a hosts file gives a name, NULL at the end. */
const char **resolv_hosts(struct arena *a, const char *text, const char *host);

/* A whole small file, "" when it cannot be read. */
char *resolv_read(struct arena *a, const char *path);

#endif
