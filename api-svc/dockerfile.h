/* The Dockerfile of a gateway image. */
#ifndef API_SVC_DOCKERFILE_H
#define API_SVC_DOCKERFILE_H

struct arena;

/* Two stages: the toolkit compiles the mounted inputs, refuses them if they are not what was
 * hashed, boots the gateway and proves it; the runtime gets the contract. */
char *dockerfile_text(struct arena *a, const char *toolkit_image, const char *runtime_image);

#endif
