/* The key and certificate of the TLS listener: made for a gateway that was given none, watched
 * where they are mounted. */
#ifndef GATEWAY_LAUNCHER_KEY_H
#define GATEWAY_LAUNCHER_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/attr.h"

struct err;

/* Writes dir/tls.key (readable by this user only) and dir/tls.crt: P-256, signed by itself, common
 * name "gateway", for localhost, valid for ten years from yesterday. */
MUST_CHECK bool key_make(const char *dir, struct err *err);

enum {
	KEY_FILES = 2
};

/* What tells dir's tls.crt and tls.key from the ones that come after them. */
struct key_version {
	bool exists; /* both do */
	uint64_t inode[KEY_FILES];
	int64_t changed_ns[KEY_FILES];
};

struct key_version key_version(const char *dir);
bool key_version_eq(const struct key_version *x, const struct key_version *y);

#endif
