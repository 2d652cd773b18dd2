/* Whom clients' certificates have to be vouched for by: the certificates of one directory, in the
 * one file that nginx takes. */
#ifndef GATEWAY_LAUNCHER_CLIENTS_H
#define GATEWAY_LAUNCHER_CLIENTS_H

#include <stdbool.h>

#include "lib/base/attr.h"

struct arena;
struct err;
struct settings;

/* Writes run_dir/clients.crt from client_trust_dir/{*.crt,*.pem}. *ret_any is false when there is
 * no certificate: then no client is trusted. */
bool clients_gather(
	struct arena *a, const struct settings *s, bool *ret_any, struct err *err) MUST_CHECK;

/* The certificates of a directory by path, NULL at the end. Names that could be more than a name in
 * nginx.conf are left out. */
const char *const *certificate_files(struct arena *a, const char *dir, const char *first);

#endif
