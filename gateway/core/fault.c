#include "gateway/core/fault.h"

#include "lib/base/arena.h"
#include "lib/base/str.h"

/* Sorted by code. The spelling mistakes are the original's. */
static const struct fault faults[] = {
	{ 101503, 500, "Runtime Error", "Error connecting to the back end" },
	{ 101504, 500, "Runtime Error", "Connection timed out" },
	{ 101505, 500, "Runtime Error", "Malformed URL" },
	{ FAULT_HOOK, 500, "Internal Server Error", "A hook of the API failed" },
	{ 900800, 429, "Message throttled out", "You have exceeded your quota" },
	{ 900802, 429, "Message throttled out", "You have exceeded your quota" },
	{ 900803, 429, "Message throttled out", "You have exceeded your quota" },
	{ 900804, 429, "Message throttled out", "You have exceeded your quota" },
	{ 900805, 403, "Message blocked", "You have been blocked from accesing the resource" },
	{ 900806, 429, "Message throttled out", "You have exceeded your quota" },
	{ 900808, 500, "Internal server error occured", "Internal server error occured" },
	{ 900809, 500, "Internal server error occured", "POLICY ENFORCEMENT ERROR" },
	{ 900900, 500, "Unclassified Authentication Failure",
		"Unclassified Authentication Failure. Unclassified Authentication Failure" },
	{ 900901, 401, "Invalid Credentials",
		"Invalid Credentials. Make sure you have given the correct access token" },
	{ 900902, 401, "Missing Credentials",
		"Missing Credentials. Make sure your API request provides required credentials" },
	{ 900903, 401, "Access Token Expired",
		"Access Token Expired. Renew the access token and try again" },
	{ 900904, 401, "Access Token Inactive",
		"Access Token Inactive. Unclassified Authentication Failure" },
	{ 900905, 401, "Incorrect Access Token Type is provided",
		"Incorrect Access Token Type is provided. Unclassified Authentication Failure" },
	{ 900906, 403, "No matching resource found in the API for the given request",
		"No matching resource found in the API for the given request. Check the API "
		"documentation and add a proper REST resource path to the invocation URL" },
	{ 900907, 401, "The requested API is temporarily blocked",
		"The requested API is temporarily blocked. Unclassified Authentication Failure" },
	{ 900908, 403, "Resource forbidden ",
		"Resource forbidden . Unclassified Authentication Failure" },
	{ 900909, 401, "The subscription to the API is inactive",
		"The subscription to the API is inactive. Unclassified Authentication Failure" },
	{ 900910, 403, "The access token does not allow you to access the requested resource",
		"The access token does not allow you to access the requested resource" },
	{ 900911, 401, "Invalid Credentials",
		"Invalid Credentials. Make sure you have given the correct username and password" },
	{ 900912, 401, "Invalid Format",
		"Invalid Format. Make sure you have given the credentials in correct format with "
		"\":\" character" },
	{ 900917, 401, "Invalid Authentication scheme",
		"Invalid Authentication scheme. API can not be used with this authentication scheme" },
};

const struct fault *fault_find(int code)
{
	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		if (faults[i].code == code)
			return &faults[i];
	return NULL;
}

static void add_escaped(struct str *s, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x20) {
			str_addf(s, "\\u%04x", c);
			continue;
		}
		if (c == '"' || c == '\\')
			str_addc(s, '\\');
		str_addc(s, *text);
	}
}

struct span core_fault(struct arena *a, int code, const char *message, const char *description)
{
	struct str s;

	str_init(&s, a, (size_t)64 * 1024);
	str_addf(&s, "{\"fault\":{\"code\":%d, \"message\":\"", code);
	add_escaped(&s, message);
	str_add(&s, "\", \"description\":\"");
	add_escaped(&s, description);
	str_add(&s, "\"}}");
	return (struct span){ s.ptr, s.len };
}

static void answer(
	int status, const char *type, struct span body, const char *reason, struct verdict *ret)
{
	ret->kind = VERDICT_ANSWER;
	ret->status = status;
	ret->content_type = type;
	ret->body = body;
	ret->reason = reason;
}

void fault_answer(struct arena *a, int code, const char *reason, struct verdict *ret)
{
	const struct fault *f = fault_find(code);

	if (!f)
		abort(); /* codes are constants of ours */
	ret->fault_code = f->code;
	answer(f->status, "application/json", core_fault(a, f->code, f->message, f->description),
		reason, ret);
}

void fault_opaque_scope(struct arena *a, struct verdict *ret)
{
	const struct fault *f = fault_find(900910);
	const char *description =
		arena_printf(a, "%s. Unclassified Authentication Failure", f->message);

	ret->fault_code = f->code;
	answer(f->status, "application/json", core_fault(a, f->code, f->message, description),
		"scope", ret);
}

void fault_text(int status, const char *body, const char *reason, struct verdict *ret)
{
	answer(status, "text/plain", (struct span){ body, strlen(body) }, reason, ret);
}

void fault_no_endpoint(struct verdict *ret)
{
	static const char production[] =
		"{\"ERROR_CODE\":\"900901\", \"ERROR_MESSAGE\":\"Production key offered to the API "
		"with no production endpoint\"}";
	static const char sandbox[] =
		"{\"ERROR_CODE\":\"900901\", \"ERROR_MESSAGE\":\"Sandbox key offered to the API "
		"with no sandbox endpoint\"}";
	const char *body = ret->sandbox ? sandbox : production;

	ret->fault_code = 900901;
	answer(403, "application/json", (struct span){ body, strlen(body) },
		"no endpoint for the key type", ret);
}

void fault_body(struct arena *a, int code, const char *errors, struct verdict *ret)
{
	ret->fault_code = code;
	answer(code, "application/json",
		core_fault(a, code, code == 400 ? "Bad Request" : "Bad Response", errors),
		"body not valid", ret);
}

void fault_coding(struct arena *a, struct verdict *ret)
{
	ret->fault_code = 415;
	answer(415, "application/json",
		core_fault(a, 415, "Unsupported Media Type", "The body has a Content-Encoding"),
		"body is compressed", ret);
}

void fault_bad_path(struct arena *a, const char *reason, struct verdict *ret)
{
	ret->fault_code = 400;
	answer(400, "application/json",
		core_fault(a, 400, "Bad Request", "The path of the request is not allowed"), reason,
		ret);
}
