#include "lib/api/api.h"

#include "lib/api/field.h"
#include "lib/api/finding.h"
#include "lib/api/name.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

enum {
	MAX_SUFFIX = 20, /* of updateTimeStamp in a Job's name */
};

/* Fields as the schemas have them, before they are made one model. */
struct written {
	const char *configmap;
	struct vec configmaps;
	const char *type;
	const char *interceptor;
	struct vec env;
	const char *mode;
};

static const struct field spec_fields[] = {
	{ "replicas", offsetof(struct api, replicas), FIELD_INT, FIELD_REQUIRED, 0, INT32_MAX },
	{ "version", offsetof(struct api, version), FIELD_STRING, 0, 0, 0 },
	{ "image", offsetof(struct api, image), FIELD_STRING, 0, 0, 0 },
	{ "ingressHostname", offsetof(struct api, ingress_hostname), FIELD_STRING, FIELD_NAME, 0,
		0 },
	{ "updateTimeStamp", offsetof(struct api, update_timestamp), FIELD_STRING, 0, 0, 0 },
	{ "override", offsetof(struct api, override), FIELD_BOOL, 0, 0, 0 },
};

static const struct field definition_fields[] = {
	{ "endpointCertificates", offsetof(struct api, endpoint_certificates), FIELD_STRINGS,
		FIELD_NAME, 0, 0 },
	{ "hooks", offsetof(struct api, hooks), FIELD_STRINGS, FIELD_NAME, 0, 0 },
};

static const struct field interceptor_fields[] = {
	{ "ballerina", offsetof(struct api, ballerina), FIELD_STRINGS, 0, 0, 0 },
	{ "java", offsetof(struct api, java), FIELD_STRINGS, 0, 0, 0 },
};

static const struct field written_spec[] = {
	{ "interceptorConfName", offsetof(struct written, interceptor), FIELD_STRING, 0, 0, 0 },
	{ "environmentVariables", offsetof(struct written, env), FIELD_STRINGS, 0, 0, 0 },
	{ "mode", offsetof(struct written, mode), FIELD_STRING, 0, 0, 0 },
};

static const struct field written_definition[] = {
	{ "configmapName", offsetof(struct written, configmap), FIELD_STRING, FIELD_NAME, 0, 0 },
	{ "swaggerConfigmapNames", offsetof(struct written, configmaps), FIELD_STRINGS, FIELD_NAME,
		0, 0 },
	{ "type", offsetof(struct written, type), FIELD_STRING, 0, 0, 0 },
};

static bool vec_has(const struct vec *v, const char *text)
{
	vec_foreach (const char *, have, v)
		if (str_eq(have, text))
			return true;
	return false;
}

static void decode_definitions(struct arena *a, const struct json *definition,
	const struct written *w, struct api *ret, struct findings *f)
{
	vec_foreach (char *, name, &w->configmaps) {
		if (!vec_has(&ret->definitions, name))
			vec_add(a, &ret->definitions, name);
	}
	if (json_len(json_get(definition, "swaggerConfigmapNames")) == 0) {
		if (w->configmap)
			vec_add(a, &ret->definitions, arena_dup(a, w->configmap));
		else if (!field_given(definition, "configmapName"))
			finding_add(f, FINDING_INVALID_FIELD, "spec.definition",
				"names no ConfigMap, expected swaggerConfigmapNames or configmapName");
	} else if (w->configmap) {
		finding_add(f, FINDING_UNUSED, "spec.definition.configmapName",
			"swaggerConfigmapNames is used");
	}
	if (w->type && !str_eq_nocase(w->type, "swagger"))
		finding_add(f, FINDING_UNUSED, "spec.definition.type", "has no effect");
}

static struct api_env *env_named(const struct api *api, const char *name)
{
	vec_foreach (struct api_env *, e, &api->env)
		if (str_eq(e->name, name))
			return e;
	return NULL;
}

/* The value may hold a password, so that no message quotes an entry. */
static void decode_env(
	struct arena *a, const char *entry, const char *path, struct api *ret, struct findings *f)
{
	const char *equals = strchr(entry, '=');
	struct api_env *e;
	char *name;

	if (!equals) {
		finding_add(f, FINDING_INVALID_ENV, path, "has no \"=\", expected NAME=value");
		return;
	}
	name = arena_dupn(a, entry, (size_t)(equals - entry));
	if (!name_is_env(name)) {
		finding_add(f, FINDING_INVALID_ENV, path,
			"its name is not that of an environment variable, expected letters, digits, \"_\", \"-\" and \".\"");
		return;
	}
	e = env_named(ret, name);
	if (e) {
		finding_add(
			f, FINDING_ADJUSTED, path, "sets %.64s again; the last one counts", name);
	} else {
		e = arena_alloc(a, sizeof(*e));
		vec_add(a, &ret->env, e);
	}
	*e = (struct api_env){ name, equals + 1 };
}

static void decode_envs(
	struct arena *a, const struct written *w, struct api *ret, struct findings *f)
{
	size_t i = 0;

	vec_foreach (const char *, entry, &w->env)
		decode_env(
			a, entry, arena_printf(a, "spec.environmentVariables[%zu]", i++), ret, f);
}

static void decode_mode(const struct written *w, struct api *ret, struct findings *f)
{
	ret->mode = mode_parse(w->mode);
	if (ret->mode == MODE_UNKNOWN)
		finding_add(f, FINDING_UNKNOWN_MODE, "spec.mode",
			"\"%.32s\" is not a mode, expected privateJet, sidecar, shared or serverless",
			w->mode);
}

/* Fields that have no effect beside others. */
static void note_unused(const struct json *spec, const struct api *api, struct findings *f)
{
	if (field_given(spec, "apiEndPoint"))
		finding_add(f, FINDING_UNUSED, "spec.apiEndPoint",
			"has no effect; the address is in status.endpoint");
	if (api->version && api->definitions.n == 1)
		finding_add(f, FINDING_UNUSED, "spec.version",
			"info.version of the only definition is used");
	if (api->image && api->update_timestamp)
		finding_add(f, FINDING_UNUSED, "spec.updateTimeStamp", "spec.image is used");
	if (api->image && api->endpoint_certificates.n > 0)
		finding_add(f, FINDING_UNUSED, "spec.definition.endpointCertificates",
			"spec.image is used");
	if (api->image && api->hooks.n > 0)
		finding_add(f, FINDING_UNUSED, "spec.definition.hooks", "spec.image is used");
	if (api->image && api->override)
		finding_add(f, FINDING_UNUSED, "spec.override", "spec.image is used");
}

static void check(const struct api *api, struct findings *f)
{
	if (api->image && !name_is_image(api->image))
		finding_add(f, FINDING_INVALID_FIELD, "spec.image",
			"is not an image reference, expected registry/repository:tag");
	if (api->update_timestamp && (!name_is_label(api->update_timestamp) ||
					     strlen(api->update_timestamp) > MAX_SUFFIX))
		finding_add(f, FINDING_ADJUSTED, "spec.updateTimeStamp",
			"cannot be part of a Job's name; a content hash is used for that");
}

void api_decode(struct arena *a, const struct json *object, struct api *ret, struct findings *f)
{
	const struct json *spec = json_get(object, "spec");
	const struct json *definition = json_get(spec, "definition");
	const struct json *interceptors = json_get(definition, "interceptors");
	struct written w = { 0 };

	*ret = (struct api){ .replicas = 1 };
	fields_read(f, "spec", spec, spec_fields, ARRAY_LEN(spec_fields), ret);
	fields_read(f, "spec", spec, written_spec, ARRAY_LEN(written_spec), &w);
	fields_read(f, "spec.definition", definition, definition_fields,
		ARRAY_LEN(definition_fields), ret);
	fields_read(f, "spec.definition", definition, written_definition,
		ARRAY_LEN(written_definition), &w);
	fields_read(f, "spec.definition.interceptors", interceptors, interceptor_fields,
		ARRAY_LEN(interceptor_fields), ret);
	if (w.interceptor)
		vec_add(a, &ret->ballerina, arena_dup(a, w.interceptor));
	decode_definitions(a, definition, &w, ret, f);
	decode_envs(a, &w, ret, f);
	decode_mode(&w, ret, f);
	note_unused(spec, ret, f);
	check(ret, f);
}

enum mode api_effective_mode(const struct api *api, const char *document_mode, struct findings *f)
{
	enum mode of_document = mode_parse(document_mode);

	if (api->definitions.n > 1)
		return api->mode == MODE_UNSET ? MODE_SHARED : api->mode;
	if (of_document == MODE_UNSET)
		return api->mode == MODE_UNSET ? MODE_PRIVATE_JET : api->mode;
	if (of_document == MODE_UNKNOWN)
		finding_add(f, FINDING_UNKNOWN_MODE, "x-wso2-mode",
			"\"%.32s\" is not a mode, expected privateJet, sidecar, shared or serverless",
			document_mode);
	else if (api->mode != MODE_UNSET && api->mode != of_document)
		finding_add(f, FINDING_UNUSED, "spec.mode",
			"x-wso2-mode %s of the definition is used", mode_name(of_document));
	return of_document;
}

char *api_tag_base(struct arena *a, const struct api *api, const char *info_version)
{
	const char *text = api->definitions.n > 1 ? api->version : info_version;

	return name_for_tag(a, str_empty(text) ? "v1.0.0" : text);
}

const char *api_interceptor(const struct api *api)
{
	if (api->ballerina.n > 0)
		return api->ballerina.at[0];
	return api->java.n > 0 ? api->java.at[0] : NULL;
}
