/* spec of kind API, decoded: three published schemas as one model.
 *
 * Total: any JSON value gives a struct; what is wrong is a finding. Strings are borrowed from the
 * object or live in the arena.
 */
#ifndef LIB_API_API_H
#define LIB_API_API_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/api/mode.h"
#include "lib/base/vec.h"

struct arena;
struct findings;
struct json;

/* In a namespace of APIs: a Secret with entry "key", by which replicas of its gateways know each
 * other, and a headless Service by which they find each other. */
#define API_REPLICAS "mgw-replicas"

struct api_env {
	const char *name;
	const char *value; /* "" when nothing follows the = */
};

struct api {
	/* Names: const char *, each once, in order. */
	struct vec definitions;		  /* ConfigMaps of the OpenAPI texts */
	struct vec ballerina;		  /* ConfigMaps of interceptors, which stop the build */
	struct vec java;		  /* the same */
	struct vec hooks;		  /* ConfigMaps of scripts, *.lua */
	struct vec endpoint_certificates; /* Secrets with keys alias and certificate.crt */

	enum mode mode; /* of spec; MODE_UNSET: not said */
	int64_t replicas;
	bool override;
	struct vec env; /* struct api_env *, each name once */

	/* NULL: not said. */
	const char *version;
	const char *image; /* ready-made: nothing is built */
	const char *ingress_hostname;
	const char *update_timestamp;
};

/* object: the whole API object. */
void api_decode(struct arena *a, const struct json *object, struct api *ret, struct findings *f);

/* The mode in force, given x-wso2-mode of the only document (NULL: none; ignored with several): the
 * document's, else spec.mode, else privateJet; with several documents spec.mode, else shared. Never
 * MODE_UNSET; MODE_UNKNOWN comes with a fatal finding. Says which of the two was not used. */
enum mode api_effective_mode(const struct api *api, const char *document_mode, struct findings *f);

/* What the image tag begins with: info.version of the only document, or spec.version, else v1.0.0.
 * In characters that a tag can hold. */
char *api_tag_base(struct arena *a, const struct api *api, const char *info_version);

/* The field or object that names an interceptor, for the message; NULL: none. */
const char *api_interceptor(const struct api *api);

#endif
