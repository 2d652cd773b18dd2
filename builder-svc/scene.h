/* One API's build as the world shows it: what is wanted, what is known, what runs. Read by the
 * rules in build.c. */
#ifndef BUILDER_SVC_SCENE_H
#define BUILDER_SVC_SCENE_H

#include <stdbool.h>
#include <stddef.h>

#include "builder-svc/image.h"
#include "lib/api/build.h"
#include "lib/base/vec.h"
#include "lib/conf/conf.h"

struct arena;
struct json;
struct needs;
struct object;
struct world;
struct world_list;

/* The registry's credentials, where Jobs and gateways use them. */
#define CREDENTIALS_SECRET "docker-registry-credentials"

struct scene {
	struct arena *arena;
	const struct world *w;

	const struct json *config_map; /* <api>-dockerfile */
	bool wanted;		       /* the API exists and asks for an image */
	struct build_request request;
	bool noted;    /* there is a result, of this request or an earlier one */
	bool answered; /* result is about this request */
	struct build_result result;

	const char *built_digest;      /* what a pod says that has built this request; NULL: none */
	const char *built_by;	       /* its Job */
	bool looked;		       /* for Jobs of this API */
	bool has_first;		       /* and there is one of that name, whosever it is */
	struct vec jobs;	       /* struct object *: those known */
	const struct object *job;      /* the one that is for this request; NULL: none */
	const struct world_list *pods; /* of that Job; NULL: not asked for */

	bool configured; /* conf is read: it is only asked for while there is something to do */
	struct conf conf;
	const char *trouble; /* what is wrong with the registry's configuration; NULL: nothing */
	const char *trouble_reason;
	struct image image;	   /* valid unless trouble */
	const char *docker_config; /* content of .dockerconfigjson; NULL: no credentials */
	struct login login;
	const char *fingerprint; /* changes with the configuration */
};

/* Total: what is not in the world yet is absent. */
void scene_read(struct arena *a, const struct world *w, struct scene *ret);

/* Everything that has to be read for the scene to be whole. */
void scene_needs(const struct world *w, struct needs *n);

/* No work is left: the image is known to exist. */
bool scene_is_ready(const struct scene *s);

/* Made for this API, not for an earlier one of its name. */
bool scene_is_ours(const struct scene *s, const struct object *job);

/* It has not ended. */
bool scene_is_unfinished(struct arena *a, const struct json *job);

/* How many builds may run at a time in the whole cluster, and whether one more may. */
size_t scene_parallelism(const struct scene *s);
bool scene_has_room(const struct scene *s);

#endif
