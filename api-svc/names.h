/* Names of the objects that belong to one API; users and scripts rely on them. */
#ifndef API_SVC_NAMES_H
#define API_SVC_NAMES_H

#include "lib/api/object.h"

struct arena;
struct conf_registry;

#define DEFAULT_SECURITY "default-security-jwt"
#define CLIENT_TRUST_SECRET                                                                        \
	"gateway-clients" /* the user's: whom clients have to be vouched for by */
#define BACKEND_JWT_SECRET                                                                         \
	"gateway-backend-jwt" /* the user's: tls.key signs what backends are told */
#define PULL_SECRET                                                                                \
	"docker-registry-credentials" /* builder-svc writes it where the registry asks for a       \
					 password */

char *names_dockerfile(struct arena *a, const char *api);   /* ConfigMap <api>-dockerfile */
char *names_gateway_conf(struct arena *a, const char *api); /* Secret <api>-mgw-conf */
#define GATEWAY_CONF_KEY "micro-gw.conf"

/* ConfigMap <cm>-mgw where the document's ConfigMap is called after the API, as apictl calls it;
 * else <api>-mgw-<cm>, since other APIs may be made from it, too. */
char *names_processed(struct arena *a, const char *api, const char *definition);

/* Secret <api>-credentials-<security> */
char *names_credentials(struct arena *a, const char *api, const char *security);

/* What all pods of the API's gateway are called, within Service mgw-replicas: <api>, shortened to
 * what a host may be called. */
char *names_replicas(struct arena *a, const char *api);

char *names_gateway_container(struct arena *a, const char *api); /* mgw<api> */

/* "products" is of the API's namespace, "products.backends" of namespace backends. */
struct ref names_target_endpoint(struct arena *a, const char *ns, const char *name);

/* <repository>/<namespace>.<api>:<tag base>-<12 digits of the input hash>. A namespace has no dot,
 * so no two APIs share a repository. At Amazon somebody has to make each repository first, so all
 * share one, and namespace and API are the beginning of the tag. */
char *names_image(struct arena *a, const struct conf_registry *r, struct ref api,
	const char *tag_base, const char *input_hash);

#endif
