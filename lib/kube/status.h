/* What an answer of the API server means: HTTP status and Status object become a struct err. */
#ifndef LIB_KUBE_STATUS_H
#define LIB_KUBE_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

/* ERR_NONE for 2xx. */
enum err_code status_code(int http);

/* Sets err from an answer that is not 2xx: the Status object's message, else the beginning of the
 * body. Always returns false. */
bool status_err(int http, const char *body, size_t n, struct err *err);

/* The code of a Status object that arrives where another object was expected (a watch's ERROR
 * event); 0 if it is none. */
struct json;
int status_of(const struct json *object);

#endif
