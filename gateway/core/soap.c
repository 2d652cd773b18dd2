#include "gateway/core/soap.h"

#include <expat.h>
#include <limits.h>
#include <stdlib.h>

#include "gateway/core/introspection.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"

#define ENVELOPE "http://schemas.xmlsoap.org/soap/envelope/"
#define AXIS "http://org.apache.axis2/xsd"
#define INFO "http://dto.impl.apimgt.carbon.wso2.org/xsd"

enum {
	MS = 1000, /* of a second */
};

/* ---- the question ---- */

/* XML has no way to write most control characters. */
static void add_escaped(struct str *s, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < ' ')
			str_addc(s, ' ');
		else if (strchr("<>&\"'", c))
			str_addf(s, "&#%u;", c);
		else
			str_addc(s, text[i]);
	}
}

static void add_element(struct str *s, const char *name, const char *text, size_t n)
{
	str_addf(s, "<xsd:%s>", name);
	add_escaped(s, text, n);
	str_addf(s, "</xsd:%s>", name);
}

static void add_text(struct str *s, const char *name, const char *text)
{
	add_element(s, name, text, strlen(text));
}

/* Key managers know an API by a context with its version in it. */
static const char *context(struct arena *a, const struct contract_api *api)
{
	if (strstr(api->base_path, api->version))
		return api->base_path;
	return arena_printf(a, "%s/%s", api->base_path, api->version);
}

struct span soap_question(struct arena *a, const struct core_question *q)
{
	struct str s;

	str_init(&s, a, (size_t)256 * 1024);
	str_add(&s, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
		    "<soapenv:Envelope xmlns:soapenv=\"" ENVELOPE "\" xmlns:xsd=\"" AXIS "\">"
		    "<soapenv:Body><xsd:validateKey>");
	add_text(&s, "context", context(a, q->api));
	add_text(&s, "version", q->api->version);
	add_element(&s, "accessToken", q->token.at, q->token.n);
	add_text(&s, "requiredAuthenticationLevel", "Any");
	add_text(&s, "clientDomain", "*");
	add_text(&s, "matchingResource", q->path->template);
	add_text(&s, "httpVerb", method_name(q->operation->method));
	str_add(&s, "</xsd:validateKey></soapenv:Body></soapenv:Envelope>");
	return (struct span){ s.ptr, s.len };
}

/* ---- the answer as a document ---- */

/* Names are written as expat gives them: namespace, blank, name. */
static const char *const levels[] = { ENVELOPE " Envelope", ENVELOPE " Body",
	AXIS " validateKeyResponse", AXIS " return" };

enum field {
	AUTHORIZED,
	VALIDATION_STATUS,
	TIER,
	API_TIER,
	APPLICATION_TIER,
	APPLICATION_ID,
	APPLICATION_NAME,
	KEY_TYPE,
	USER,
	USER_TOKEN,
	STOP_ON_QUOTA,
	VALIDITY_MS,
	ISSUED_MS,
	FIELDS, /* also: none */
};

static const char *const names[FIELDS] = {
	[AUTHORIZED] = INFO " authorized",
	[VALIDATION_STATUS] = INFO " validationStatus",
	[TIER] = INFO " tier",
	[API_TIER] = INFO " apiTier",
	[APPLICATION_TIER] = INFO " applicationTier",
	[APPLICATION_ID] = INFO " applicationId",
	[APPLICATION_NAME] = INFO " applicationName",
	[KEY_TYPE] = INFO " type",
	[USER] = INFO " endUserName",
	[USER_TOKEN] = INFO " endUserToken",
	[STOP_ON_QUOTA] = INFO " stopOnQuotaReach",
	[VALIDITY_MS] = INFO " validityPeriod",
	[ISSUED_MS] = INFO " issuedTime",
};

struct reading {
	struct arena *a;
	XML_Parser parser;
	size_t depth;	/* elements that are open, */
	size_t matched; /* and how many of them, from the outermost on, are those of levels */
	bool is_found;	/* the last of levels was there */
	enum field field;
	struct str text; /* of that field */
	const char *values[FIELDS];
};

static void give_up(struct reading *r)
{
	(void)XML_StopParser(r->parser, XML_FALSE);
}

static void start_field(struct reading *r, const char *name)
{
	enum field f = 0;

	while (f < FIELDS && strcmp(names[f], name) != 0)
		f++;
	if (f == FIELDS)
		return;
	if (r->values[f]) {
		give_up(r);
		return;
	}
	r->field = f;
	str_init(&r->text, r->a, TOKEN_MAX_BYTES);
}

static void XMLCALL on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
	struct reading *r = data;

	(void)attributes;
	if (r->field != FIELDS) {
		give_up(r); /* fields have no parts */
	} else if (r->matched == ARRAY_LEN(levels) && r->depth == r->matched) {
		start_field(r, name);
	} else if (r->matched == r->depth && strcmp(name, levels[r->depth]) == 0) {
		r->matched++;
		if (r->matched == ARRAY_LEN(levels) && r->is_found)
			give_up(r);
		r->is_found = r->is_found || r->matched == ARRAY_LEN(levels);
	}
	r->depth++;
}

static void XMLCALL on_text(void *data, const XML_Char *text, int n)
{
	struct reading *r = data;

	if (r->field == FIELDS)
		return;
	str_addn(&r->text, text, (size_t)n);
	if (r->text.overflow)
		give_up(r);
}

static void XMLCALL on_end(void *data, const XML_Char *name)
{
	struct reading *r = data;

	(void)name;
	r->depth--;
	if (r->matched > r->depth)
		r->matched = r->depth;
	if (r->field == FIELDS)
		return;
	r->values[r->field] = r->text.ptr;
	r->field = FIELDS;
}

static void XMLCALL on_doctype(void *data, const XML_Char *name, const XML_Char *system_id,
	const XML_Char *public_id, int has_internal_subset)
{
	(void)name;
	(void)system_id;
	(void)public_id;
	(void)has_internal_subset;
	give_up(data);
}

static bool parse(struct reading *r, struct span body)
{
	XML_Parser p = XML_ParserCreateNS("UTF-8", ' ');
	bool ok;

	if (!p)
		abort(); /* as arenas do */
	r->parser = p;
	XML_SetUserData(p, r);
	XML_SetElementHandler(p, on_start, on_end);
	XML_SetCharacterDataHandler(p, on_text);
	XML_SetStartDoctypeDeclHandler(p, on_doctype);
	ok = body.n <= INTROSPECTION_MAX_BYTES &&
	     XML_Parse(p, body.at, (int)body.n, 1) == XML_STATUS_OK;
	XML_ParserFree(p);
	return ok && r->is_found;
}

/* ---- what it says ---- */

static const char *value(const struct reading *r, enum field f)
{
	return r->values[f] ? r->values[f] : "";
}

static bool number(const struct reading *r, enum field f, int64_t *ret)
{
	const char *text = value(r, f);
	size_t n = strspn(text, "0123456789");

	if (n == 0 || n > 18 || text[n] != '\0')
		return false;
	*ret = strtoll(text, NULL, 10);
	return true;
}

/* A lifetime that is none, or as long as a number can be, has no end. */
static void read_end(const struct reading *r, int64_t now_s, struct introspection *ret)
{
	int64_t issued_ms = now_s * MS;
	int64_t lifetime_ms;
	int64_t end_s;

	if (!number(r, VALIDITY_MS, &lifetime_ms) || lifetime_ms == 0)
		return;
	(void)number(r, ISSUED_MS, &issued_ms);
	end_s = (issued_ms + lifetime_ms) / MS;
	if (end_s <= now_s) {
		ret->is_active = false;
		ret->token.refused = 900903;
	} else if (end_s < ret->token.exp) {
		ret->token.exp = end_s;
	}
}

/* Title, version and tier of the one API that was asked about. */
static struct texts subscription(struct arena *a, const struct contract_api *api, const char *tier)
{
	struct str s;

	str_init(&s, a, (size_t)64 * 1024);
	str_addn(&s, api->title, strlen(api->title) + 1);
	str_addn(&s, api->version, strlen(api->version) + 1);
	str_addn(&s, tier, strlen(tier) + 1);
	return (struct texts){ s.ptr, s.len };
}

static void read_authorized(const struct reading *r, const struct core_question *q, int64_t now_s,
	struct introspection *ret)
{
	struct token *t = &ret->token;

	ret->is_active = true;
	t->is_judged = true;
	t->subject = value(r, USER);
	t->application_id = value(r, APPLICATION_ID);
	t->application = value(r, APPLICATION_NAME);
	if (!*t->application)
		t->application = t->application_id;
	t->application_tier = value(r, APPLICATION_TIER);
	t->api_tier = value(r, API_TIER);
	t->subscribed = subscription(r->a, q->api, value(r, TIER));
	t->over_quota = str_eq(value(r, STOP_ON_QUOTA), "false");
	t->sandbox = str_eq(value(r, KEY_TYPE), "SANDBOX");
	t->backend_jwt = token_backend_jwt(value(r, USER_TOKEN));
	read_end(r, now_s, ret);
}

/* Those faults that are about a token; any other status is 900901. */
static int refusal(const struct reading *r)
{
	int64_t status;

	if (!number(r, VALIDATION_STATUS, &status) || status < 900903 || status > 900910)
		return 900901;
	return (int)status;
}

void soap_read(struct arena *a, const struct core_question *q, int status, struct span body,
	int64_t now_s, int64_t believe_s, struct introspection *ret)
{
	struct reading r = { .a = a, .field = FIELDS };
	const char *authorized;

	if (!introspection_begin(a, status, now_s, believe_s, ret))
		return;
	authorized = parse(&r, body) ? value(&r, AUTHORIZED) : "";
	if (str_eq(authorized, "true")) {
		read_authorized(&r, q, now_s, ret);
	} else if (!str_eq(authorized, "false")) {
		ret->failure = "key manager: no answer of validateKey";
		return;
	} else if (str_eq(value(&r, VALIDATION_STATUS), "900900")) {
		ret->failure = "key manager: an error of its own, 900900";
		return;
	} else {
		ret->token.refused = refusal(&r);
	}
	introspection_end(now_s, believe_s, ret);
}
