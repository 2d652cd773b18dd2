/* From an image to a gateway that serves: which objects are wanted, and what the live ones say. */
#ifndef API_SVC_ROLLOUT_H
#define API_SVC_ROLLOUT_H

#include <stdbool.h>

struct inputs;
struct needs;
struct plan;
struct world;

/* The image to run. */
struct image {
	const char *ref;	/* registry/repository:tag or what the user wrote; NULL: none yet */
	const char *digest;	/* NULL: not known (provided by the user) */
	const char *input_hash; /* NULL: provided by the user */
};

/* Children that the last pass recorded, to look at their status. */
void rollout_need(const struct world *w, struct needs *n);

/* Fields that ask for more than the configuration allows become findings. */
void rollout_check(struct inputs *in);

/* Applies Deployment, Service, HPA, and what brings requests to them, for the image. */
void rollout_apply(struct plan *p, const struct inputs *in, const struct image *image);

/* Conditions Programmed and Exposed and status.endpoint, from the live objects. Call after
 * rollout_apply if that is called at all. */
void rollout_judge(struct plan *p, const struct inputs *in);

#endif
