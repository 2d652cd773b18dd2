#include "gateway/core/mock.h"

#include <ctype.h>
#include <strings.h>

#include "gateway/core/contract.h"
#include "gateway/core/fault.h"
#include "gateway/core/field.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

/* ---- headers ---- */

static const char *const reserved[] = { "connection", "content-encoding", "content-length",
	"content-type", "date", "keep-alive", "proxy-authenticate", "proxy-connection", "server",
	"te", "trailer", "transfer-encoding", "upgrade", "x-request-id" };
static const char *const reserved_prefixes[] = { "access-control-", "x-accel-" };

static bool is_reserved(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
		if (strcasecmp(name, reserved[i]) == 0)
			return true;
	for (size_t i = 0; i < ARRAY_LEN(reserved_prefixes); i++)
		if (strncasecmp(name, reserved_prefixes[i], strlen(reserved_prefixes[i])) == 0)
			return true;
	return false;
}

const char *mock_header_wrong(const char *name, const char *value)
{
	if (!*name || strlen(name) > MOCK_MAX_HEADER || strlen(value) > MOCK_MAX_HEADER)
		return "a header's name or value is empty or longer than 1024 bytes";
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("!#$%&'*+-.^_`|~", *c))
			return "a letter that no header's name has";
	for (const char *c = value; *c; c++)
		if (*c < ' ' || *c > '~')
			return "a letter that no header's value has";
	return is_reserved(name) ? "the gateway says that header itself" : NULL;
}

static bool load_header(struct loader *l, const struct json *v, struct answer_header *ret)
{
	static const char *const names[] = { "name", "value" };
	const char *why;

	if (!field_object(l, v, names, ARRAY_LEN(names)) || !field_text(l, v, "name", &ret->name) ||
		!field_text(l, v, "value", &ret->value))
		return false;
	why = mock_header_wrong(ret->name, ret->value);
	return !why || err_set(l->err, ERR_INVALID, "name: %s", why);
}

static bool load_headers(struct loader *l, const struct json *v, struct contract_example *e)
{
	struct answer_header *headers;
	size_t i = 0;

	if (!json_get(v, "headers"))
		return true;
	if (!field_list(l, v, "headers", MOCK_MAX_HEADERS, &e->n_headers))
		return false;
	headers = arena_alloc(l->a, (e->n_headers + 1) * sizeof(*headers));
	e->headers = headers;
	json_foreach (h, json_get(v, "headers")) {
		if (!load_header(l, h, &headers[i]))
			return field_within(l->err, "headers", i);
		i++;
	}
	return true;
}

static struct json *headers_json(struct arena *a, const struct contract_example *e)
{
	struct json *list = json_array(a);

	for (size_t i = 0; i < e->n_headers; i++) {
		struct json *h = json_object(a);

		json_set_str(a, h, "name", e->headers[i].name);
		json_set_str(a, h, "value", e->headers[i].value);
		json_add(list, h);
	}
	return list;
}

/* ---- the contract ---- */

static bool load_example(struct loader *l, const struct json *v, struct contract_example *e)
{
	static const char *const names[] = { "status", "name", "type", "body", "headers" };
	const char *body = json_get_str(v, "body");
	int64_t status;

	if (!field_object(l, v, names, ARRAY_LEN(names)) ||
		!field_number(l, v, "status", 2, 599, &status) ||
		!field_text(l, v, "name", &e->name) || !field_text(l, v, "type", &e->type) ||
		!load_headers(l, v, e))
		return false;
	for (const char *c = e->type; *c; c++)
		if (*c <= ' ' || *c > '~')
			return field_bad(l, "type", "a media type");
	if (status > 5 && status < 200)
		return field_bad(l, "status", "a status or its first digit");
	if (!body || strlen(body) > MOCK_MAX_BYTES)
		return field_bad(l, "body", "a text of at most 64 KiB");
	e->status = (uint16_t)status;
	e->body = arena_dup(l->a, body);
	return true;
}

bool mock_load(struct loader *l, const struct json *v, struct contract_operation *op)
{
	size_t i = 0;

	if (!json_get(v, "examples"))
		return true;
	if (!field_list(l, v, "examples", MOCK_MAX_EXAMPLES, &op->n_examples))
		return false;
	if (op->n_examples == 0)
		return field_bad(l, "examples", "at least one");
	op->examples = arena_alloc(l->a, op->n_examples * sizeof(*op->examples));
	json_foreach (x, json_get(v, "examples")) {
		if (!load_example(l, x, &op->examples[i]))
			return field_within(l->err, "examples", i);
		i++;
	}
	return true;
}

void mock_write(struct arena *a, const struct contract_operation *op, struct json *o)
{
	struct json *list = json_array(a);

	for (size_t i = 0; i < op->n_examples; i++) {
		struct json *e = json_object(a);

		json_set_int(a, e, "status", op->examples[i].status);
		json_set_str(a, e, "name", op->examples[i].name);
		json_set_str(a, e, "type", op->examples[i].type);
		json_set_str(a, e, "body", op->examples[i].body);
		if (op->examples[i].n_headers > 0)
			json_set(a, e, "headers", headers_json(a, &op->examples[i]));
		json_add(list, e);
	}
	if (op->n_examples > 0)
		json_set(a, o, "examples", list);
}

/* ---- what the client prefers ---- */

static struct span trimmed(const char *at, size_t n)
{
	while (n > 0 && isspace((unsigned char)*at)) {
		at++;
		n--;
	}
	while (n > 0 && isspace((unsigned char)at[n - 1]))
		n--;
	return (struct span){ at, n };
}

/* The next of a list between such characters; false at its end. */
static bool next_item(struct span *rest, char separator, struct span *ret)
{
	const char *end;

	if (rest->n == 0)
		return false;
	end = memchr(rest->at, separator, rest->n);
	*ret = trimmed(rest->at, end ? (size_t)(end - rest->at) : rest->n);
	if (end) {
		rest->n -= (size_t)(end - rest->at) + 1;
		rest->at = end + 1;
	} else {
		rest->n = 0;
	}
	return true;
}

static bool is_word(struct span s, const char *word)
{
	return s.n == strlen(word) && strncasecmp(s.at, word, s.n) == 0;
}

struct wish {
	struct span code;    /* empty: none */
	struct span example; /* empty: none */
	struct span accept;  /* empty: everything */
};

static void read_prefer(struct span prefer, struct wish *w)
{
	struct span item;

	while (next_item(&prefer, ',', &item)) {
		struct span rest = item;
		struct span name, value;

		if (!next_item(&rest, '=', &name))
			continue;
		value = trimmed(rest.at, rest.n);
		if (value.n >= 2 && value.at[0] == '"' && value.at[value.n - 1] == '"')
			value = (struct span){ value.at + 1, value.n - 2 };
		if (is_word(name, "code"))
			w->code = value;
		else if (is_word(name, "example"))
			w->example = value;
	}
}

/* The header as a client may send it: several are one list. */
static void read_wish(const struct core_request *r, struct wish *w)
{
	struct span value;
	size_t n;

	if (!r->header)
		return;
	if (r->header(r->arg, "prefer", &value, &n))
		read_prefer(value, w);
	if (r->header(r->arg, "accept", &value, &n))
		w->accept = value;
}

/* Thousandths of a range's weight. */
static int weight(struct span parameters)
{
	struct span item;

	while (next_item(&parameters, ';', &item)) {
		int value = 0;
		int digit = 100;

		if (item.n < 3 || tolower((unsigned char)item.at[0]) != 'q' || item.at[1] != '=')
			continue;
		if (item.at[2] == '1')
			return 1000;
		for (size_t i = 4; i < item.n && isdigit((unsigned char)item.at[i]); i++) {
			value += digit * (item.at[i] - '0');
			digit /= 10;
		}
		return value;
	}
	return 1000;
}

/* RFC 9110, 12.5.1: the most specific range that names the type has the word. */
static int acceptance(struct span accept, const char *type)
{
	size_t own = strcspn(type, ";");
	struct span range;
	int specific = 0;
	int ret = 0;

	if (accept.n == 0)
		return 1000;
	while (next_item(&accept, ',', &range)) {
		struct span rest = range;
		struct span name;
		int s = 0;

		if (!next_item(&rest, ';', &name) || name.n == 0)
			continue;
		if (name.n == own && strncasecmp(name.at, type, own) == 0)
			s = 3;
		else if (is_word(name, "*/*"))
			s = 1;
		else if (name.n > 2 && name.at[name.n - 1] == '*' && name.n - 1 < own &&
			 strncasecmp(name.at, type, name.n - 1) == 0)
			s = 2;
		if (s > specific) {
			specific = s;
			ret = weight(rest);
		}
	}
	return ret;
}

static unsigned int number(struct span digits)
{
	unsigned int n = 0;

	for (size_t i = 0; i < digits.n && i < 4; i++)
		n = isdigit((unsigned char)digits.at[i]) ? n * 10 + (unsigned)(digits.at[i] - '0')
							 : 9999;
	return n;
}

static bool has_status(const struct contract_operation *op, unsigned int status)
{
	for (size_t i = 0; i < op->n_examples; i++)
		if (op->examples[i].status == status)
			return true;
	return false;
}

/* Which examples may answer: those of a status, of its range, or, when only a name is asked for, of
 * all. Those that an operation usually answers with stand first. */
static unsigned int status_for(const struct contract_operation *op, const struct wish *w)
{
	unsigned int code = number(w->code);

	if (w->code.n > 0)
		return has_status(op, code) ? code : code / 100;
	return w->example.n > 0 ? 0 : op->examples[0].status;
}

static const struct contract_example *choose(
	const struct contract_operation *op, const struct wish *w, bool *ret_exists)
{
	const struct contract_example *best = NULL;
	unsigned int status = status_for(op, w);
	int most = 0;

	for (size_t i = 0; i < op->n_examples; i++) {
		const struct contract_example *e = &op->examples[i];
		int acceptable = *e->type ? acceptance(w->accept, e->type) : 1000;

		if ((status != 0 || w->code.n > 0) && e->status != status)
			continue;
		if (w->example.n > 0 && !is_word(w->example, e->name))
			continue;
		*ret_exists = true;
		if (acceptable > most) {
			most = acceptable;
			best = e;
		}
	}
	return best;
}

static int status_of(const struct contract_example *e, const struct wish *w)
{
	if (e->status >= 100)
		return e->status;
	return w->code.n > 0 ? (int)number(w->code) : e->status * 100;
}

void mock_answer(const struct contract_operation *op, const struct core_request *r, struct arena *a,
	struct verdict *ret)
{
	struct wish w = { .code = { "", 0 } };
	const struct contract_example *e;
	bool exists = false;

	read_wish(r, &w);
	e = choose(op, &w, &exists);
	ret->kind = VERDICT_ANSWER;
	if (e) {
		ret->status = status_of(e, &w);
		ret->content_type = *e->type ? e->type : NULL;
		ret->body = (struct span){ e->body, strlen(e->body) };
		ret->headers = e->headers;
		ret->n_headers = e->n_headers;
		return;
	}
	ret->status = ret->fault_code = exists ? 406 : 404;
	ret->content_type = "application/json";
	ret->reason = "no such example";
	ret->body = exists ? core_fault(a, 406, "Not Acceptable",
				     "The document has no example of an accepted type")
			   : core_fault(a, 404, "Not Found",
				     "The document has no such example for this operation");
}
