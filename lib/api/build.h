/* The two notes that api-svc and builder-svc leave each other on ConfigMap
 * `<api>-dockerfile`: what is wanted (annotation apim.wso2.com/build) and what
 * became of it (apim.wso2.com/build-result).
 *
 * They are JSON objects that people may read and damage: reading checks every
 * field, and a note that is not whole counts as absent. The message
 * build.request or build.result only says that there is one.
 */
#ifndef LIB_API_BUILD_H
#define LIB_API_BUILD_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/vec.h"

struct arena;
struct json;

/* Written by api-svc. */
struct build_request {
	const char *input_hash;	     /* SHA-256 over everything that shapes the image, 64
					hex digits */
	const char *contract_sha256; /* what the Job's toolkit must arrive at; NULL:
					not checked */
	const char *image;	     /* registry/repository:tag, without scheme */
	struct vec definitions;	     /* const char *: ConfigMaps of the documents, in their
					order */
	int64_t generation;	     /* of the API */
	bool override;		     /* build once for this generation although the image exists */
	const char *attempt; /* spec.updateTimeStamp: build once for this value; NULL: none */
	/* What administrators want the Job to see:
	   [{"kind":"Secret","name":…,"path":…,"subPath":…}], ConfigMaps and Secrets of the API's
	   namespace; without a path as environment. NULL: none. */
	const struct json *mounts;
};

enum build_state {
	BUILD_READY,   /* the image exists */
	BUILD_QUEUED,  /* enough others are being built */
	BUILD_WAITING, /* the registry cannot be asked, or none is configured */
	BUILD_FAILED,  /* the last attempt failed; another follows at retry_at */
};

/* Written by builder-svc. Unset texts are NULL. */
struct build_result {
	enum build_state state;
	const char *input_hash; /* of the request it answers; one of another hash is
				   history */
	const char *force;	/* build_force() of that request */
	const char *image;
	const char *digest; /* "sha256:…", when ready */
	const char *source; /* "build" or "registry", when ready */
	const char *reason; /* of condition Built, unless ready */
	const char *message;
	const char *job; /* that was last looked at */
	const char *job_uid;
	int64_t since;	    /* when queued: seconds since 1970; 0: its turn has come */
	int64_t attempts;   /* failed ones */
	int64_t retry_at;   /* seconds since 1970 */
	const char *config; /* fingerprint of the registry settings in use */
};

/* Both are false when the object has no such annotation or a damaged one. NULL
 * object: false. */
bool build_request_read(struct arena *a, const struct json *config_map, struct build_request *ret);
bool build_result_read(struct arena *a, const struct json *config_map, struct build_result *ret);

/* The annotation's value; equal notes give equal bytes. */
char *build_request_text(struct arena *a, const struct build_request *r);
char *build_result_text(struct arena *a, const struct build_result *r);

/* What a forced build is to be done once for; "" if the build is not forced. */
const char *build_force(struct arena *a, const struct build_request *r);

/* The result answers this request (whatever the answer is). */
bool build_answers(
	struct arena *a, const struct build_result *result, const struct build_request *request);

const char *build_state_name(enum build_state s); /* "ready", "queued", "waiting", "failed" */

#endif
