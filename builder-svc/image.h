/* The name of an image, as people and Docker write it, and where its registry answers. */
#ifndef BUILDER_SVC_IMAGE_H
#define BUILDER_SVC_IMAGE_H

#include <stdbool.h>

#include "lib/base/attr.h"

struct arena;
struct err;
struct json;

struct image {
	const char *registry; /* as written, "docker.io" when left out */
	const char *host; /* where the API answers: Docker Hub has a machine of its own for it */
	const char *repository; /* "library/" stands before a single word on Docker Hub */
	const char *tag;
};

struct login {
	const char *username; /* NULL: anonymous */
	const char *password;
};

/* `[registry/]repository:tag`. ERR_INVALID says which part is wrong. Everything that passes may
 * stand in a URL. */
bool image_parse(struct arena *a, const char *text, struct image *ret, struct err *err) MUST_CHECK;

/* The registry's user and password in a Docker configuration ({"auths":{"<registry>":{"auth":…}}}),
 * under any of the spellings that Docker itself accepts. Anonymous when there is none. */
struct login image_login(
	struct arena *a, const struct image *image, const struct json *docker_config);

#endif
