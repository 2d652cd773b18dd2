/* The table of configuration keys, and one value read by it. Internal to lib/conf. */
#ifndef LIB_CONF_KEYS_H
#define LIB_CONF_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/conf/conf.h"

enum conf_type {
	CONF_TEXT,	/* const char * */
	CONF_NAME,	/* const char *: name of an object */
	CONF_IMAGE,	/* const char *: image reference of ours, not a WSO2 gateway's */
	CONF_QUANTITY,	/* const char * */
	CONF_INT,	/* int64_t in [min, max] */
	CONF_BOOL,	/* bool: "true" or "false" */
	CONF_MODE,	/* enum operator_mode */
	CONF_LEVEL,	/* const char * */
	CONF_HOST,	/* const char *: host name, perhaps with a wildcard in front */
	CONF_TRANSPORT, /* const char *: "http" or "https" */
	CONF_READ,	/* known; read by code of its own */
	CONF_IGNORED,	/* known; without effect */
};

struct conf_key {
	const char *object;
	const char *key;
	enum conf_type type;
	size_t offset;
	int64_t min;
	int64_t max;
	const char *shipped; /* of CONF_IGNORED: the value that files of the original have, which is
				not worth a word */
};

extern const struct conf_key conf_keys[];
extern const size_t conf_keys_n;

/* NULL: unknown. */
const struct conf_key *conf_key_find(const char *object, const char *key);

#endif
