/* What add and update have in common: documents into ConfigMaps, an API that names them. */
#ifndef APICTL_PUBLISH_H
#define APICTL_PUBLISH_H

#include <stdbool.h>
#include <stddef.h>

#include "apictl/commands.h"
#include "apictl/document.h"
#include "lib/base/attr.h"

#define APICTL "apictl" /* field manager */
#define ANNOTATION_CREATED_BY "apim.wso2.com/created-by"

struct json;

/* ERR_INVALID when a gateway cannot be called so. */
bool api_name_check(const char *name, struct err *err) MUST_CHECK;

/* Reads one object of the command's namespace; *ret is NULL if there is none. */
bool publish_get(struct cli *cli, enum kind kind, const char *name, const struct json **ret,
	struct err *err) MUST_CHECK;

/* ConfigMaps that an API's spec names, in order (const char *). */
void publish_definitions(struct arena *a, const struct json *api, struct vec *ret);

/* Makes `name` hold exactly the document and prints what became of it. An existing entry keeps its
 * key. live NULL: it does not exist; ERR_CONFLICT if it does by now. */
bool publish_document(struct cli *cli, const char *name, const struct document *d,
	const struct json *live, struct err *err) MUST_CHECK;

/* Creates the API (live NULL) or makes it so, and prints what became of it. */
bool publish_api(
	struct cli *cli, struct json *body, const struct json *live, struct err *err) MUST_CHECK;

/* The manifest of an API. configmaps: names of its documents (const char *). */
struct json *publish_api_body(struct arena *a, const struct cli *cli, const struct args *args,
	const struct vec *configmaps, const struct json *live);

#endif
