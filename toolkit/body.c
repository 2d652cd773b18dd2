#include "toolkit/body.h"

#include <ctype.h>

#include "gateway/core/body.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "toolkit/schema.h"

/* What a contract_body will be made of. */
struct media {
	const char *type;
	const char *schema; /* NULL: none */
};

struct body {
	uint16_t status;
	bool required;
	struct vec types; /* struct media *, by type */
};

struct operation_bodies {
	struct body *request;
	struct vec answers; /* struct body *, by status */
};

struct bodies {
	struct arena *a;
	const struct toolkit_settings *settings;
	struct vec texts; /* const char *, then sorted, each once */
};

/* ---- media types ---- */

static const char *media_type(struct arena *a, const char *key)
{
	size_t n = strcspn(key, ";");
	char *type;

	while (n > 0 && isspace((unsigned char)key[n - 1]))
		n--;
	type = arena_dupn(a, key, n);
	for (char *c = type; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return type;
}

/* What a body of that type could be JSON by. */
static bool may_be_json(const char *type)
{
	return str_eq(type, "application/json") || str_eq(type, "text/json") ||
	       str_ends(type, "+json") || str_ends(type, "/*");
}

static void add_media(struct bodies *b, struct reader *r, struct body *to, struct place p,
	const char *key, struct place schema, bool is_request)
{
	struct media *m = arena_alloc(b->a, sizeof(*m));

	m->type = media_type(b->a, key);
	vec_foreach (const struct media *, other, &to->types)
		if (str_eq(other->type, m->type)) {
			refuse(r, "InvalidDocument", p, "the type \"%.100s\" stands here twice",
				m->type);
			return;
		}
	if (!body_type_ok(m->type)) {
		refuse(r, "InvalidDocument", p,
			"\"%.100s\" is not a media type such as application/json", m->type);
		return;
	}
	if (to->types.n >= BODY_MAX_TYPES) {
		refuse(r, "LimitExceeded", p, "more than %d media types", BODY_MAX_TYPES);
		return;
	}
	if (schema.at && may_be_json(m->type))
		m->schema = schema_text(r, schema, is_request);
	if (m->schema)
		vec_add(b->a, &b->texts, (void *)(uintptr_t)m->schema);
	vec_add(b->a, &to->types, m);
}

static int by_type(const void *x, const void *y)
{
	const struct media *const *a = x;
	const struct media *const *b = y;

	return strcmp((*a)->type, (*b)->type);
}

static void sort_types(struct body *b)
{
	if (b->types.n > 1)
		qsort(b->types.at, b->types.n, sizeof(void *), by_type);
}

/* ---- OpenAPI 3 ---- */

static struct place followed(struct reader *r, struct place p)
{
	const struct json *at = reference_followed(r->a, r->root, p.at);

	if (json_get(p.at, "$ref") && !at)
		refuse(r, "InvalidDocument", inside(r, p, "$ref"),
			"\"%.100s\" leads nowhere in this document", json_get_str(p.at, "$ref"));
	p.around = p.at;
	p.at = at;
	return p;
}

static void read_content(
	struct bodies *b, struct reader *r, struct place owner, struct body *to, bool is_request)
{
	struct place content = inside(r, owner, "content");

	json_foreach (v, content.at) {
		struct place p = member(r, content, v);

		add_media(b, r, to, p, json_key(v), inside(r, p, "schema"), is_request);
	}
	sort_types(to);
}

/* ---- Swagger 2 ---- */

/* The operation's list, the document's, or JSON. */
static void read_types(struct bodies *b, struct reader *r, struct place operation, const char *key,
	struct place schema, struct body *to, bool is_request)
{
	const struct json *list = json_get(operation.at, key);
	size_t n = 0;

	if (!list)
		list = json_get(r->root, key);
	json_foreach (v, list)
		if (json_str(v)) {
			add_media(b, r, to, operation, json_str(v), schema, is_request);
			n++;
		}
	if (n == 0)
		add_media(b, r, to, operation, "application/json", schema, is_request);
	sort_types(to);
}

/* The body is a parameter there, or the form's fields are. */
static bool find_body_parameter(
	struct reader *r, struct place owner, struct place *ret, bool *ret_form)
{
	struct place list = inside(r, owner, "parameters");
	size_t i = 0;

	json_foreach (v, list.at) {
		struct place p = followed(r, element(r, list, i++, v));
		const char *in = json_get_str(p.at, "in");

		*ret_form = *ret_form || str_eq(in, "formData");
		if (str_eq(in, "body")) {
			*ret = p;
			return true;
		}
	}
	return false;
}

static struct body *request_of_swagger2(
	struct bodies *b, struct reader *r, const struct model_operation *op)
{
	struct body *body = arena_alloc(b->a, sizeof(*body));
	struct place none = { .path = "" };
	struct place p;
	bool form = false;

	if (find_body_parameter(r, op->place, &p, &form) ||
		(!form && find_body_parameter(r, op->item, &p, &form))) {
		body->required = json_get_bool(p.at, "required", false);
		read_types(b, r, op->place, "consumes", inside(r, p, "schema"), body, true);
		return body;
	}
	if (!form)
		return NULL;
	read_types(b, r, op->place, "consumes", none, body, true);
	return body;
}

/* ---- operations ---- */

static struct body *read_request(
	struct bodies *b, struct reader *r, const struct model_operation *op)
{
	struct place p = inside(r, op->place, "requestBody");
	struct body *body;

	if (r->swagger2)
		return request_of_swagger2(b, r, op);
	if (!p.at)
		return NULL;
	p = followed(r, p);
	body = arena_alloc(b->a, sizeof(*body));
	body->required = json_get_bool(p.at, "required", false);
	read_content(b, r, p, body, true);
	return body;
}

bool answer_status(const char *key, uint16_t *ret)
{
	bool is_range = key[0] >= '1' && key[0] <= '5' && strcasecmp(key + 1, "XX") == 0;

	*ret = 0;
	if (str_eq(key, "default"))
		return true;
	if (is_range)
		*ret = (uint16_t)(key[0] - '0');
	else if (strlen(key) == 3 && strspn(key, "0123456789") == 3 && key[0] >= '1' &&
		 key[0] <= '5')
		*ret = (uint16_t)strtoul(key, NULL, 10);
	return *ret > 0;
}

static int by_status(const void *x, const void *y)
{
	const struct body *const *a = x;
	const struct body *const *b = y;

	return (*a)->status - (*b)->status;
}

static void read_answer(struct bodies *b, struct reader *r, const struct model_operation *op,
	struct place p, struct operation_bodies *to)
{
	struct body *body = arena_alloc(b->a, sizeof(*body));

	if (!answer_status(json_key(p.at), &body->status))
		return; /* an extension, or nothing that is ever answered */
	p = followed(r, p);
	if (!r->swagger2)
		read_content(b, r, p, body, false);
	else if (json_get(p.at, "schema"))
		read_types(b, r, op->place, "produces", inside(r, p, "schema"), body, false);
	if (to->answers.n >= BODY_MAX_ANSWERS)
		refuse(r, "LimitExceeded", p, "more than %d responses", BODY_MAX_ANSWERS);
	else
		vec_add(b->a, &to->answers, body);
}

static void read_answers(struct bodies *b, struct reader *r, const struct model_operation *op,
	struct operation_bodies *to)
{
	struct place list = inside(r, op->place, "responses");
	bool is_any_judged = false;

	json_foreach (v, list.at)
		read_answer(b, r, op, member(r, list, v), to);
	vec_foreach (const struct body *, body, &to->answers)
		vec_foreach (const struct media *, m, &body->types)
			is_any_judged = is_any_judged || m->schema;
	if (!is_any_judged)
		to->answers.n = 0;
	if (to->answers.n > 1)
		qsort(to->answers.at, to->answers.n, sizeof(void *), by_status);
}

static void read_operation(struct bodies *b, struct model *m, struct model_operation *op)
{
	op->bodies = arena_alloc(b->a, sizeof(*op->bodies));
	if (b->settings->validate_requests)
		op->bodies->request = read_request(b, &m->reader, op);
	/* An example is the document's own. */
	if (b->settings->validate_responses && !op->is_mocked)
		read_answers(b, &m->reader, op, op->bodies);
}

static int by_text(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static void number(struct bodies *b)
{
	struct vec once = { 0 };

	if (b->texts.n > 1)
		qsort(b->texts.at, b->texts.n, sizeof(void *), by_text);
	vec_foreach (const char *, text, &b->texts)
		if (once.n == 0 || !str_eq(once.at[once.n - 1], text))
			vec_add(b->a, &once, (void *)(uintptr_t)text);
	b->texts = once;
}

struct bodies *bodies_read(
	struct arena *a, const struct toolkit_settings *s, const struct vec *models)
{
	struct bodies *b = arena_alloc(a, sizeof(*b));

	*b = (struct bodies){ .a = a, .settings = s };
	if (!s->validate_requests && !s->validate_responses)
		return b;
	vec_foreach (struct model *, m, models)
		vec_foreach (const struct model_path *, p, &m->paths)
			vec_foreach (struct model_operation *, op, &p->operations)
				read_operation(b, m, op);
	number(b);
	return b;
}

/* ---- into the contract ---- */

struct contract_schema *bodies_schemas(struct bodies *b, size_t *ret_n)
{
	struct contract_schema *list = arena_alloc(b->a, (b->texts.n + 1) * sizeof(*list));

	for (size_t i = 0; i < b->texts.n; i++)
		list[i].text = b->texts.at[i];
	*ret_n = b->texts.n;
	return list;
}

static size_t number_of(const struct bodies *b, const char *text)
{
	void **found = text && b->texts.n > 0
			       ? bsearch(&text, b->texts.at, b->texts.n, sizeof(void *), by_text)
			       : NULL;

	return found ? (size_t)(found - (void **)b->texts.at) : SIZE_MAX;
}

static void put_body(const struct bodies *b, const struct body *from, struct contract_body *to)
{
	to->status = from->status;
	to->required = from->required;
	to->types = arena_alloc(b->a, (from->types.n + 1) * sizeof(*to->types));
	vec_foreach (const struct media *, m, &from->types)
		to->types[to->n_types++] =
			(struct contract_media){ m->type, number_of(b, m->schema) };
}

void bodies_put(
	const struct bodies *b, const struct model_operation *from, struct contract_operation *to)
{
	if (!from->bodies)
		return;
	if (from->bodies->request) {
		to->request = arena_alloc(b->a, sizeof(*to->request));
		put_body(b, from->bodies->request, to->request);
	}
	to->answers = arena_alloc(b->a, (from->bodies->answers.n + 1) * sizeof(*to->answers));
	vec_foreach (const struct body *, body, &from->bodies->answers)
		put_body(b, body, &to->answers[to->n_answers++]);
}
