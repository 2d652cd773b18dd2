/* Names of the objects that belong to one API; users and scripts rely on them. */
#ifndef API_SVC_NAMES_H
#define API_SVC_NAMES_H

#include "lib/api/object.h"

struct arena;

#define DEFAULT_SECURITY "default-security-jwt"
#define CLIENT_TRUST_SECRET                                                                        \
	"gateway-clients" /* the user's: whom clients have to be vouched for by */
#define PULL_SECRET                                                                                \
	"docker-registry-credentials" /* builder-svc writes it where the registry asks for a       \
					 password */

char *names_dockerfile(struct arena *a, const char *api);	/* ConfigMap <api>-dockerfile */
char *names_gateway_conf(struct arena *a, const char *api);	/* Secret <api>-mgw-conf */
char *names_processed(struct arena *a, const char *definition); /* ConfigMap <cm>-mgw */

char *names_gateway_container(struct arena *a, const char *api); /* mgw<api> */

/* "products" is of the API's namespace, "products.backends" of namespace backends. */
struct ref names_target_endpoint(struct arena *a, const char *ns, const char *name);

/* <repository>/<namespace>.<api>:<tag base>-<12 digits of the input hash>. A namespace has no dot,
 * so no two APIs share a repository. */
char *names_image(struct arena *a, const char *repository, struct ref api, const char *tag_base,
	const char *input_hash);

#endif
