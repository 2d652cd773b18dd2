/* One way to fail: functions return false and fill a struct err that lives on the caller's stack.
 *
 * A success never touches the err. The code decides what becomes of the event in hand
 * (lib/svc/fate.c); the message is "path: what is wrong, what is expected", lower case, no full
 * stop, never a secret.
 */
#ifndef LIB_BASE_ERR_H
#define LIB_BASE_ERR_H

#include <stdbool.h>

#include "lib/base/attr.h"

enum err_code {
	ERR_NONE,
	ERR_INVALID,	 /* the input is wrong and stays wrong until somebody changes it */
	ERR_NOT_FOUND,	 /* the named thing does not exist */
	ERR_CONFLICT,	 /* somebody else changed it first; read again */
	ERR_DENIED,	 /* credentials or permissions are missing */
	ERR_ENDING,	 /* what it would belong to is going, with all that is in it */
	ERR_LIMIT,	 /* a bound of ours was exceeded */
	ERR_TIMEOUT,	 /* no answer in time */
	ERR_UNAVAILABLE, /* the other side is down or asks to come back later */
	ERR_BUG,	 /* our own mistake */
};

struct err {
	enum err_code code;
	char msg[512];
};

/* Sets code and message; always returns false, so that raising is `return err_set(err, …);`. */
bool err_set(struct err *err, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Prefixes the message with context ("apply ConfigMap a/b: …") and keeps the code; always returns
 * false. */
bool err_wrap(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The code as the word that logs and metrics use: "invalid", "not_found", … */
const char *err_code_name(enum err_code code);

#endif
