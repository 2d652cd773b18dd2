/* x-wso2-endpoint-implementation-type: MOCKED_OAS. Operations that the examples of their responses
 * answer, without a backend. */
#include "gateway/core/mock.h"

#include <ctype.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "toolkit/body.h"

static const char name[] = "x-wso2-endpoint-implementation-type";

bool mock_is_asked(struct reader *r, struct place root, struct place operation)
{
	struct place p = inside(r, operation, name);

	if (!p.at)
		p = inside(r, root, name);
	if (!p.at || str_eq(json_str(p.at), "ENDPOINT"))
		return false;
	if (str_eq(json_str(p.at), "MOCKED_OAS"))
		return true;
	refuse(r, "InvalidDocument", p, "expected MOCKED_OAS or ENDPOINT");
	return false;
}

/* What the examples of one response have in common. */
struct response {
	uint16_t status;
	struct answer_header *headers;
	size_t n_headers;
};

/* ---- one example ---- */

static bool is_json(const char *type)
{
	size_t n = strcspn(type, "; ");

	return strncasecmp(type, "application/json", n) == 0 ||
	       (n > 5 && strncasecmp(type + n - 5, "+json", 5) == 0);
}

/* A text of a JSON type may be what is meant, or stand for it. */
static const char *body_text(struct reader *r, const char *type, const struct json *value)
{
	AUTO(arena_auto) struct arena *tmp = arena_new();
	const char *text = json_str(value);
	const struct json *meant;
	struct err err;

	if (!text)
		return json_text(r->a, value);
	if (!is_json(type))
		return text;
	meant = json_parse(tmp, text, strlen(text), &err);
	return json_is_object(meant) || json_is_array(meant) ? text : json_text(r->a, value);
}

static void add(struct reader *r, struct model_operation *op, struct place p,
	const struct response *of, const char *type, const char *called, const struct json *value)
{
	struct contract_example *e = arena_alloc(r->a, sizeof(*e));

	*e = (struct contract_example){ .status = of->status,
		.name = called,
		.type = type,
		.body = "",
		.headers = of->headers,
		.n_headers = of->n_headers };
	if (value)
		e->body = body_text(r, type, value);
	for (const char *c = type; *c; c++)
		if (*c < ' ' || *c > '~') {
			refuse(r, "InvalidDocument", p, "expected a media type");
			return;
		}
	if (strlen(e->body) > MOCK_MAX_BYTES || op->examples.n >= MOCK_MAX_EXAMPLES ||
		strlen(type) > CONTRACT_MAX_TEXT || strlen(called) > CONTRACT_MAX_TEXT)
		refuse(r, "LimitExceeded", p,
			"examples of more than %d bytes, or more than %d of them", MOCK_MAX_BYTES,
			MOCK_MAX_EXAMPLES);
	else
		vec_add(r->a, &op->examples, e);
}

static const struct json *schema_example(struct reader *r, const struct json *schema)
{
	const struct json *s = reference_followed(r->a, r->root, schema);
	const struct json *e = json_get(s, "example");

	return e ? e : json_at(json_get(s, "examples"), 0);
}

static void read_media(
	struct reader *r, struct model_operation *op, struct place p, const struct response *of)
{
	const char *type = json_key(p.at);
	struct place examples = inside(r, p, "examples");
	const struct json *one = json_get(p.at, "example");

	if (!one && !examples.at)
		one = schema_example(r, json_get(p.at, "schema"));
	if (one)
		add(r, op, p, of, type, "", one);
	json_foreach (v, examples.at) {
		const struct json *e = reference_followed(r->a, r->root, v);

		if (json_get(e, "value"))
			add(r, op, member(r, examples, v), of, type, json_key(v),
				json_get(e, "value"));
	}
}

/* ---- one response ---- */

/* A text, a number or a flag of the header's own example, the first of several, or its schema's. */
static const char *header_value(struct reader *r, const struct json *header)
{
	const struct json *one = json_get(header, "example");

	if (!one && json_get(header, "examples"))
		one = json_get(
			reference_followed(r->a, r->root, json_first(json_get(header, "examples"))),
			"value");
	if (!one)
		one = schema_example(r, json_get(header, "schema"));
	if (!one || json_is_object(one) || json_is_array(one) || json_is_null(one))
		return NULL;
	return json_str(one) ? json_str(one) : json_text(r->a, one);
}

static void read_headers(struct reader *r, struct place p, struct response *ret)
{
	struct place list = inside(r, p, "headers");

	ret->headers = arena_alloc(r->a, MOCK_MAX_HEADERS * sizeof(*ret->headers));
	json_foreach (v, list.at) {
		const char *value = header_value(r, reference_followed(r->a, r->root, v));
		const char *why = value ? mock_header_wrong(json_key(v), value) : NULL;

		if (!value)
			continue;
		if (!why && ret->n_headers == MOCK_MAX_HEADERS)
			why = "a response has at most 32";
		if (why)
			warn(r, "NotSupported", member(r, list, v),
				"examples are answered without it: %s", why);
		else
			ret->headers[ret->n_headers++] =
				(struct answer_header){ json_key(v), value };
	}
}

static void read_swagger2(
	struct reader *r, struct model_operation *op, struct place p, const struct response *of)
{
	struct place examples = inside(r, p, "examples");
	const struct json *one = schema_example(r, json_get(p.at, "schema"));
	const struct json *types = json_get(op->place.at, "produces");
	const char *type;

	json_foreach (v, examples.at)
		add(r, op, member(r, examples, v), of, json_key(v), "", v);
	if (examples.at || !one) {
		if (!examples.at && !json_get(p.at, "schema"))
			add(r, op, p, of, "", "", NULL);
		return;
	}
	type = json_str(json_at(types ? types : json_get(r->root, "produces"), 0));
	add(r, op, p, of, type ? type : "application/json", "", one);
}

static void read_response(
	struct reader *r, struct model_operation *op, struct place p, uint16_t status)
{
	struct response of = { .status = status };
	struct place content;

	p.around = p.at;
	p.at = reference_followed(r->a, r->root, p.at);
	if (r->swagger2) {
		read_swagger2(r, op, p, &of);
		return;
	}
	read_headers(r, p, &of);
	content = inside(r, p, "content");
	if (json_is_object(p.at) && json_len(content.at) == 0)
		add(r, op, p, &of, "", "", NULL);
	json_foreach (v, content.at)
		read_media(r, op, member(r, content, v), &of);
}

/* 200, 201, …, 2XX, then the others: what an operation usually answers stands first. */
static unsigned int rank(uint16_t status)
{
	unsigned int class = status < 100 ? status : status / 100U;

	return (class == 2 ? 0 : class * 10000) + (status < 100 ? 9999 : status);
}

static int by_rank(const void *x, const void *y)
{
	const struct contract_example *a = *(const struct contract_example *const *)x;
	const struct contract_example *b = *(const struct contract_example *const *)y;
	int order = (int)rank(a->status) - (int)rank(b->status);

	order = order ? order : strcmp(a->type, b->type);
	return order ? order : strcmp(a->name, b->name);
}

void read_examples(struct reader *r, struct model_operation *op)
{
	struct place list = inside(r, op->place, "responses");

	json_foreach (v, list.at) {
		uint16_t status;

		if (answer_status(json_key(v), &status) && status != 0 && status / 100 != 1 &&
			status != 1)
			read_response(r, op, member(r, list, v), status);
	}
	if (op->examples.n > 1)
		qsort(op->examples.at, op->examples.n, sizeof(void *), by_rank);
	if (op->examples.n == 0)
		refuse(r, "NoExample", op->place,
			"mocked, and no response has an example; add one, or %s: ENDPOINT", name);
}
