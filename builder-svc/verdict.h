/* What the pods of a build have to say: the digest of the image, why there is none, or what they
 * wait for. */
#ifndef BUILDER_SVC_VERDICT_H
#define BUILDER_SVC_VERDICT_H

struct arena;
struct login;
struct world_list;

/* "sha256:…", from the termination message of a container that ended well; NULL if there is none.
 */
const char *verdict_digest(struct arena *a, const struct world_list *pods);

/* The last useful lines of the log (at most a kilobyte, without colours, without the registry's
 * password), or what kept the container from starting. Never NULL. */
const char *verdict_failure(
	struct arena *a, const struct world_list *pods, const struct login *login);

/* Why a pod that should run does not: "ImagePullBackOff: …"; NULL while there is nothing to
 * complain of. */
const char *verdict_trouble(struct arena *a, const struct world_list *pods);

#endif
