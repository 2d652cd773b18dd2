/* The Kaniko Job that builds one gateway image.
 *
 * Names, container, mounts and the first three arguments are what users of the original know. The
 * inputs are mounted under /usr/wso2: swagger/project-<i>/ (one per document), dockerfile/,
 * policy/, mgwconf/. The image's digest is the pod's termination message; when Kaniko fails, the
 * end of its log is.
 */
#ifndef BUILDER_SVC_JOB_H
#define BUILDER_SVC_JOB_H

#include <stdbool.h>

#include "lib/base/vec.h"

struct arena;
struct build_request;
struct json;

/* Which build a Job stands for. */
#define LABEL_INPUT_HASH "apim.wso2.com/input-hash" /* job_hash_label() */
#define ANNOTATION_IMAGE "apim.wso2.com/image"	    /* where to */
#define ANNOTATION_FORCE "apim.wso2.com/force"	    /* build_force(); absent: not forced */

struct job {
	const char *name;
	const char *api;
	const struct build_request *request;
	const char *force; /* "": not forced */
	const char *kaniko_image;
	bool plain_http; /* the registry speaks no TLS */
	const char
		*credentials; /* Secret with .dockerconfigjson in the API's namespace; NULL: none */
	struct vec arguments; /* const char *: of the administrator, last */
};

struct json *job_manifest(struct arena *a, const struct job *j);

/* "<api>-kaniko", at most 63 characters: the name also becomes a label. */
const char *job_name(struct arena *a, const char *api);

/* The same with what tells builds apart: updateTimeStamp if it can be part of a name, else digits
 * of the hash. */
const char *job_name_by_attempt(struct arena *a, const char *api, const struct build_request *r);
const char *job_name_by_hash(struct arena *a, const char *api, const struct build_request *r);
const char *job_name_by_all(struct arena *a, const char *api, const struct build_request *r);

/* As much of the input hash as a label holds. */
const char *job_hash_label(struct arena *a, const char *input_hash);

/* This Job builds (or has built) what is requested. */
bool job_is_for(struct arena *a, const struct json *job, const struct build_request *r);

#endif
