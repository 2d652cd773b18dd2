#include "gateway/core/body.h"

#include <ctype.h>
#include <strings.h>

#include "gateway/core/contract.h"
#include "gateway/core/fault.h"
#include "gateway/core/field.h"
#include "gateway/schema/schema.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

/* ---- loading ---- */

static void free_schema(void *s)
{
	schema_free(s);
}

static bool load_schema(struct loader *l, const struct json *v, struct contract_schema *s)
{
	char why[512];

	if (!json_is_object(v) && !json_is_bool(v))
		return err_set(l->err, ERR_INVALID, "expected a schema");
	s->text = json_canonical(l->a, v);
	s->compiled = schema_new(s->text, strlen(s->text), why, sizeof(why));
	if (!s->compiled)
		return err_set(l->err, ERR_INVALID, "%s", why);
	arena_defer(l->a, free_schema, s->compiled);
	return true;
}

bool schemas_load(struct loader *l, const struct json *root)
{
	struct contract *c = l->c;
	size_t i = 0;

	if (!json_get(root, "schemas"))
		return true;
	if (!field_list(l, root, "schemas", BODY_MAX_SCHEMAS, &c->n_schemas))
		return false;
	c->schemas = arena_alloc(l->a, (c->n_schemas + 1) * sizeof(*c->schemas));
	json_foreach (v, json_get(root, "schemas")) {
		if (!load_schema(l, v, &c->schemas[i]))
			return field_within(l->err, "schemas", i);
		i++;
	}
	return true;
}

bool body_type_ok(const char *type)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789!#$&^_.+-*/";
	const char *slash = strchr(type, '/');

	return slash && slash != type && slash[1] && strspn(type, letters) == strlen(type);
}

static bool load_media(struct loader *l, const struct json *v, struct contract_media *m)
{
	static const char *const names[] = { "type", "schema" };
	int64_t n;

	if (!field_object(l, v, names, ARRAY_LEN(names)) || !field_text(l, v, "type", &m->type))
		return false;
	if (!body_type_ok(m->type))
		return field_bad(l, "type", "a media type in lower case, without parameters");
	m->schema = SIZE_MAX;
	if (!json_get(v, "schema"))
		return true;
	if (!json_int(json_get(v, "schema"), &n) || n < 0 || (size_t)n >= l->c->n_schemas)
		return field_bad(l, "schema", "the number of an existing schema");
	m->schema = (size_t)n;
	return true;
}

static bool load_types(struct loader *l, const struct json *v, struct contract_body *b)
{
	size_t i = 0;

	if (!field_list(l, v, "types", BODY_MAX_TYPES, &b->n_types))
		return false;
	b->types = arena_alloc(l->a, (b->n_types + 1) * sizeof(*b->types));
	json_foreach (x, json_get(v, "types")) {
		if (!load_media(l, x, &b->types[i]))
			return field_within(l->err, "types", i);
		i++;
	}
	return true;
}

static bool load_request(struct loader *l, const struct json *v, struct contract_operation *op)
{
	static const char *const names[] = { "required", "types" };

	op->request = arena_alloc(l->a, sizeof(*op->request));
	return field_object(l, v, names, ARRAY_LEN(names)) &&
	       field_flag(l, v, "required", &op->request->required) &&
	       load_types(l, v, op->request);
}

static bool load_answer(struct loader *l, const struct json *v, struct contract_body *b)
{
	static const char *const names[] = { "status", "types" };
	int64_t status;

	if (!field_object(l, v, names, ARRAY_LEN(names)) ||
		!field_number(l, v, "status", 0, 599, &status) || !load_types(l, v, b))
		return false;
	if (status > 5 && status < 100)
		return field_bad(l, "status", "a status, its first digit, or 0");
	b->status = (uint16_t)status;
	return true;
}

bool bodies_load(struct loader *l, const struct json *v, struct contract_operation *op)
{
	size_t i = 0;

	if (json_get(v, "request") && !load_request(l, json_get(v, "request"), op))
		return err_wrap(l->err, "request");
	if (!json_get(v, "responses"))
		return true;
	if (!field_list(l, v, "responses", BODY_MAX_ANSWERS, &op->n_answers))
		return false;
	op->answers = arena_alloc(l->a, (op->n_answers + 1) * sizeof(*op->answers));
	json_foreach (x, json_get(v, "responses")) {
		if (!load_answer(l, x, &op->answers[i]))
			return field_within(l->err, "responses", i);
		i++;
	}
	return true;
}

/* ---- writing ---- */

struct json *schemas_json(struct arena *a, const struct contract *c)
{
	struct json *list = json_array(a);

	for (size_t i = 0; i < c->n_schemas; i++) {
		struct err err;
		struct json *v =
			json_parse(a, c->schemas[i].text, strlen(c->schemas[i].text), &err);

		json_add(list, v ? v : json_null(a)); /* which no loader takes */
	}
	return list;
}

static struct json *types_json(struct arena *a, const struct contract_body *b)
{
	struct json *list = json_array(a);

	for (size_t i = 0; i < b->n_types; i++) {
		struct json *o = json_object(a);

		json_set_str(a, o, "type", b->types[i].type);
		if (b->types[i].schema != SIZE_MAX)
			json_set_int(a, o, "schema", (int64_t)b->types[i].schema);
		json_add(list, o);
	}
	return list;
}

void bodies_write(struct arena *a, const struct contract_operation *op, struct json *o)
{
	struct json *answers = json_array(a);

	if (op->request) {
		struct json *request = json_object(a);

		json_set_bool(a, request, "required", op->request->required);
		json_set(a, request, "types", types_json(a, op->request));
		json_set(a, o, "request", request);
	}
	for (size_t i = 0; i < op->n_answers; i++) {
		struct json *answer = json_object(a);

		json_set_int(a, answer, "status", op->answers[i].status);
		json_set(a, answer, "types", types_json(a, &op->answers[i]));
		json_add(answers, answer);
	}
	if (op->n_answers > 0)
		json_set(a, o, "responses", answers);
}

/* ---- judging ---- */

/* "Application/JSON; charset=utf-8" → "application/json" */
static struct span essence(struct span type)
{
	const char *end = memchr(type.at, ';', type.n);

	if (end)
		type.n = (size_t)(end - type.at);
	while (type.n > 0 && isspace((unsigned char)type.at[type.n - 1]))
		type.n--;
	return type;
}

static bool is_type(struct span s, const char *type)
{
	return s.n == strlen(type) && strncasecmp(s.at, type, s.n) == 0;
}

static bool is_json(struct span s)
{
	static const char suffix[] = "+json";
	const size_t n = sizeof(suffix) - 1;

	return is_type(s, "application/json") || is_type(s, "text/json") ||
	       (s.n > n && strncasecmp(s.at + s.n - n, suffix, n) == 0);
}

/* How well an entry fits: 3 the type itself, 2 "text/ *", 1 all types, 0 not. */
static int fit(const char *entry, struct span type)
{
	size_t n = strlen(entry);

	if (is_type(type, entry))
		return 3;
	if (str_eq(entry, "*/*"))
		return 1;
	return n > 2 && str_eq(entry + n - 2, "/*") && type.n > n - 1 &&
			       strncasecmp(type.at, entry, n - 1) == 0
		       ? 2
		       : 0;
}

static const struct contract_media *media_for(const struct contract_body *b, struct span type)
{
	const struct contract_media *best = NULL;
	int most = 0;

	for (size_t i = 0; i < b->n_types; i++) {
		int f = fit(b->types[i].type, type);

		if (f > most) {
			most = f;
			best = &b->types[i];
		}
	}
	return best;
}

const char *body_wrong(struct arena *a, const struct contract_schema *s, struct span body)
{
	char *errors = arena_alloc(a, SCHEMA_MAX_MESSAGE);

	return schema_check(
		       s->compiled, body.n > 0 ? body.at : "", body.n, errors, SCHEMA_MAX_MESSAGE)
		       ? NULL
		       : errors;
}

const char *body_request_wrong(struct arena *a, const struct contract *c,
	const struct contract_operation *op, struct span type, size_t n_types, struct span body)
{
	const struct contract_media *m;

	if (body.n == 0)
		return op->request->required ? "a body is required, " : NULL;
	if (n_types != 1)
		return n_types == 0 ? "the body has no Content-Type, "
				    : "the body has more than one Content-Type, ";
	type = essence(type);
	m = media_for(op->request, type);
	if (!m)
		return "the body is of a Content-Type that this operation does not take, ";
	if (m->schema == SIZE_MAX || !is_json(type))
		return NULL;
	return body_wrong(a, &c->schemas[m->schema], body);
}

size_t body_hooked(const struct core_request *r, const struct verdict *v)
{
	if (r->is_stream || v->operation->n_examples > 0)
		return 0; /* examples are answers without hooks */
	return script_least_body(v->api->hooks.request, v->operation->hooks.request);
}

/* CGI-like backends take both names for the same. */
static bool is_coded(const struct core_request *r)
{
	struct span coding;
	size_t n;

	return r->header && (r->header(r->arg, "content-encoding", &coding, &n) ||
				    r->header(r->arg, "content_encoding", &coding, &n));
}

bool body_is_admitted(struct arena *a, const struct contract *c, const struct core_request *r,
	struct verdict *ret)
{
	size_t hooked = body_hooked(r, ret);

	if (!ret->operation->request && hooked == 0)
		return true;
	if (hooked > 0 && is_coded(r)) {
		fault_coding(a, ret);
		return false;
	}
	if (!r->body) {
		ret->kind = VERDICT_READ;
		ret->most_body = hooked > 0 ? hooked : SCHEMA_MAX_BODY;
		return false;
	}
	return hooked > 0 || body_is_as_documented(a, c, r, ret);
}

bool body_is_as_documented(struct arena *a, const struct contract *c, const struct core_request *r,
	struct verdict *ret)
{
	struct span type = { "", 0 };
	const char *wrong;
	size_t n_types = 0;

	if (!ret->operation->request)
		return true;
	if (r->header)
		(void)r->header(r->arg, "content-type", &type, &n_types);
	wrong = body_request_wrong(a, c, ret->operation, type, n_types, *r->body);
	if (wrong)
		fault_body(a, 400, wrong, ret);
	return !wrong;
}

const struct contract_schema *body_answer_schema(const struct contract *c,
	const struct contract_operation *op, unsigned int status, struct span type)
{
	const struct contract_body *best = NULL;
	const struct contract_media *m;

	for (size_t i = 0; i < op->n_answers; i++) {
		const struct contract_body *b = &op->answers[i];

		if (b->status == status) {
			best = b;
			break;
		}
		if (b->status == status / 100 || (b->status == 0 && !best))
			best = b;
	}
	type = essence(type);
	m = best && is_json(type) ? media_for(best, type) : NULL;
	return m && m->schema != SIZE_MAX ? &c->schemas[m->schema] : NULL;
}
