/* What Kubernetes accepts as a name, so that a bad one is a condition and not a refused write. */
#ifndef LIB_API_NAME_H
#define LIB_API_NAME_H

#include <stdbool.h>

struct arena;

bool name_is_subdomain(const char *text);  /* RFC 1123 subdomain: object names, host names */
bool name_is_label(const char *text);	   /* RFC 1123 label: namespaces, containers */
bool name_is_service(const char *text);	   /* RFC 1035 label: Services begin with a letter */
bool name_is_port(const char *text);	   /* RFC 6335: at most 15, with a letter */
bool name_is_env(const char *text);	   /* environment variable */
bool name_is_annotation(const char *text); /* or key of a label: `name` or `prefix/name` */

/* Characters that an image reference may consist of; a registry judges the rest. */
bool name_is_image(const char *text);

/* Text as part of an image tag: what a tag cannot hold becomes "-". Never longer than 100
 * characters, never empty. */
char *name_for_tag(struct arena *a, const char *text);

#endif
