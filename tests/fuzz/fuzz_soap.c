/* Any bytes as a key manager's answer, and as a token that it is asked about. Nobody is let in by
 * an answer that does not say so, for longer than is allowed, or with a header that could not be
 * one; and a reader of the question finds the token that was asked about, in one element. */
#include <expat.h>

#include "gateway/core/introspection.h"
#include "gateway/core/soap.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"

enum {
	NOW = 1700000000,
	BELIEVE_S = 900,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct contract_operation operation = { .method = METHOD_GET };
static const struct contract_path path = { .template = "/pet/{petId}" };
static const struct contract_api api = { .title = "Pets", .version = "v1", .base_path = "/pets" };

static void check_answer(struct arena *a, const struct core_question *q, struct span body)
{
	struct introspection i;

	soap_read(a, q, 200, body, NOW, BELIEVE_S, &i);
	if (i.failure && i.is_active)
		abort();
	if (i.is_active && (!memmem(body.at, body.n, "authorized", 10) ||
				   memmem(body.at, body.n, "<!DOCTYPE", 9)))
		abort();
	if (!i.failure && (i.token.exp > NOW + BELIEVE_S || (i.is_active && i.token.exp <= NOW)))
		abort();
	for (const char *c = i.token.backend_jwt; *c; c++)
		if (*c <= ' ' || *c >= 0x7f)
			abort();
	if (strlen(i.token.subject) > TOKEN_MAX_BYTES)
		abort();
}

/* ---- the question, as others read it ---- */

struct found {
	struct str token;
	size_t elements;
	bool is_inside;
};

static void XMLCALL on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
	struct found *f = data;

	(void)attributes;
	f->elements++;
	f->is_inside = str_eq(name, "http://org.apache.axis2/xsd accessToken");
}

static void XMLCALL on_end(void *data, const XML_Char *name)
{
	(void)name;
	((struct found *)data)->is_inside = false;
}

static void XMLCALL on_text(void *data, const XML_Char *text, int n)
{
	struct found *f = data;

	if (f->is_inside)
		str_addn(&f->token, text, (size_t)n);
}

static void check_question(struct arena *a, const struct core_question *q)
{
	struct span s = soap_question(a, q);
	XML_Parser p = XML_ParserCreateNS(NULL, ' ');
	struct found f = { .elements = 0 };

	str_init(&f.token, a, TOKEN_MAX_BYTES);
	XML_SetUserData(p, &f);
	XML_SetElementHandler(p, on_start, on_end);
	XML_SetCharacterDataHandler(p, on_text);
	if (XML_Parse(p, s.at, (int)s.n, 1) != XML_STATUS_OK || f.elements != 10 ||
		f.token.len != q->token.n || memcmp(f.token.ptr, q->token.at, q->token.n) != 0)
		abort();
	XML_ParserFree(p);
}

/* What the core lets be asked about. */
static struct span printable(struct arena *a, const uint8_t *data, size_t n)
{
	char *text = arena_alloc(a, n + 1);
	size_t kept = 0;

	for (size_t i = 0; i < n && kept < TOKEN_MAX_BYTES; i++)
		if (data[i] > ' ' && data[i] < 0x7f)
			text[kept++] = (char)data[i];
	return (struct span){ text, kept };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct core_question q = {
		.token = { "t", 1 }, .api = &api, .path = &path, .operation = &operation
	};

	check_answer(a, &q, (struct span){ (const char *)data, n });
	q.token = printable(a, data, n);
	check_question(a, &q);
	return 0;
}
