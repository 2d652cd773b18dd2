/* Foreign bytes made safe for a line of text. All write at most `end - at` bytes, and return the
 * new `at`. */
#ifndef GATEWAY_NGINX_TEXT_H
#define GATEWAY_NGINX_TEXT_H

#include <stddef.h>

#include "gateway/core/core.h"

/* Between the quotes of a JSON string. Bytes that are not UTF-8, and NUL, become U+FFFD. */
char *text_json(char *at, const char *end, struct span s);

/* A request path between the quotes of a JSON string: all that is not printable ASCII is
 * percent-encoded. */
char *text_path(char *at, const char *end, struct span s);

/* Between the quotes of a Prometheus label value. */
char *text_label(char *at, const char *end, struct span s);

char *text_add(char *at, const char *end, const char *s);
char *text_number(char *at, const char *end, uint64_t n);

struct span text_span(const char *s); /* NULL is empty */

#endif
