/* Certificates that are trusted, as PEM text: what comes in any spelling becomes one spelling. */
#ifndef LIB_X509_CHAIN_H
#define LIB_X509_CHAIN_H

#include <stddef.h>

#include "lib/base/attr.h"

struct arena;
struct err;

/* All certificates of a PEM file, or the one of a DER file, without what stands around them. NULL:
 * there is none, or one is damaged; a private key is refused and never quoted. */
char *chain_pem(struct arena *a, const void *bytes, size_t n, struct err *err) MUST_CHECK;

#endif
