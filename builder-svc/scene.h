/* One API's build as the world shows it: what is wanted, what is known, what runs. Read by the
 * rules in build.c.
 *
 * The Job of a request has one name, which follows from the notes alone: the API's first is
 * `<api>-kaniko`, and every note has the name of its request's Job, so that the next request takes
 * another. Two replicas that decide on the same request, however long one of them sleeps in
 * between, make the same Job, and the API server lets one of them. Nothing else fences a create. */
#ifndef BUILDER_SVC_SCENE_H
#define BUILDER_SVC_SCENE_H

#include <stdbool.h>
#include <stddef.h>

#include "builder-svc/amazon.h"
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
/* If they are a token: until when it lasts, and which version of which Secret it was got with. */
#define ANNOTATION_EXPIRES_AT "apim.wso2.com/expires-at"
#define ANNOTATION_GOT_WITH "apim.wso2.com/got-with"

struct scene {
	struct arena *arena;
	const struct world *w;

	const struct json *config_map; /* <api>-dockerfile */
	bool wanted;		       /* the API exists and asks for an image */
	struct build_request request;
	bool noted;    /* there is a result, of this request or an earlier one */
	bool answered; /* result is about this request */
	struct build_result result;

	const char *built_digest; /* what a pod says that has built this request; NULL: none */
	const char *built_by;	  /* its Job */
	const char *job_name;	  /* of the request's Job, existing or not; NULL: not wanted */
	bool looked;		  /* for that Job */
	const struct object *in_the_way; /* another request's, or API's, of that name; NULL: none */
	struct vec jobs;		 /* struct object *: those known */
	const struct object *job;	 /* the one that is for this request; NULL: none */
	const struct world_list *pods;	 /* of that Job; NULL: not asked for */

	bool configured; /* conf is read: it is only asked for while there is something to do */
	struct conf conf;
	const char *trouble; /* what is wrong with the registry's configuration; NULL: nothing */
	const char *trouble_reason;
	struct image image;	   /* valid unless trouble */
	const char *docker_config; /* content of .dockerconfigjson; NULL: no credentials */
	struct login login;
	struct ecr_place place;	  /* AMAZON_ECR: where its tokens come from */
	const struct json *aws;	  /* the Secret with the key of AWS; NULL: missing */
	const struct json *token; /* docker_config is made of it, just now: {password, expiresAt} */
	bool lacks_token;	  /* docker_config would be made of it */
	const char *fingerprint;  /* changes with the configuration */
};

/* Total: what is not in the world yet is absent. */
void scene_read(struct arena *a, const struct world *w, struct scene *ret);

/* Everything that has to be read for the scene to be whole. */
void scene_needs(const struct world *w, struct needs *n);

/* Of a token: what ANNOTATION_GOT_WITH says. */
char *scene_got_with(const struct scene *s);

/* No work is left: the image is known to exist. */
bool scene_is_ready(const struct scene *s);

/* Made for this API, not for an earlier one of its name. */
bool scene_is_ours(const struct scene *s, const struct object *job);

/* It has not ended. */
bool scene_is_unfinished(struct arena *a, const struct json *job);

/* The API that owns a Job or notes; NULL: none does. */
const char *scene_owner(const struct json *o);

/* The API's notes. */
const char *scene_notes_name(struct arena *a, const char *api);

#endif
