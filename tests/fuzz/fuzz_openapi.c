/* Any bytes as an OpenAPI document: scanning and compiling never crash, and what compiles compiles
 * to the same contract again, also from the form that the build gets. */
#include "gateway/core/contract.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "toolkit/toolkit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char key_pem[] = "-----BEGIN PUBLIC KEY-----\n"
			      "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAxeqoZYbQ/Sr8DOFQ+/qb\n"
			      "EbCp6Vzb5hzH7oa3hf2FZxRKF0H6b8COMzz8+0mvEdYVvb/31jMEL2CIQhkQRol1\n"
			      "IruD6nBOmkjuXJSBficklMaJZORhuCrB4roHxzoG19aWmscA0gnfBKo2oGXSjJmn\n"
			      "ZxIh+2X6syHCfyMZZ00LzDyrgoXWQXyFvCA2ax54s7sKiHOM3P4A9W4QUwmoEi4H\n"
			      "QmPgJjIM4eGVPh0GtIANN+BOQ1KkUI7OzteHCTLu3VjxM0sw8QRayZdhniPF+U9n\n"
			      "3fa1mO4KLBsW4mDLjg8R/JuAGTX/SEEGj0B5HWQAP6myxKFz2xwDaCGvT+rdvkkt\n"
			      "OwIDAQAB\n"
			      "-----END PUBLIC KEY-----\n";

static const struct toolkit_key key = { .bytes = key_pem, .n = sizeof(key_pem) - 1 };
static const struct toolkit_issuer issuer = { .issuer = "i", .keys = &key, .n_keys = 1 };
static const struct toolkit_security securities[] = {
	{ "default-security-jwt", "jwt", &issuer, 1 },
	{ "petstorejwt", "jwt", &issuer, 1 },
	{ "petstorebasic", "basic", NULL, 0 },
};
static const struct toolkit_endpoint_ref endpoints[] = {
	{ "products", "http://products" },
	{ "reviews.shop", "http://reviews.shop:80/api" },
};

static void print_all(struct arena *a, const struct toolkit_diagnostics *list)
{
	vec_foreach (const struct toolkit_diagnostic *, d, &list->list)
		if (str_empty(toolkit_diagnostic_text(a, d)))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct toolkit_document document = { "doc", (const char *)data, n };
	struct toolkit_inputs in = { .documents = &document,
		.n_documents = 1,
		.securities = securities,
		.n_securities = ARRAY_LEN(securities),
		.endpoints = endpoints,
		.n_endpoints = ARRAY_LEN(endpoints),
		.settings = toolkit_settings_default() };
	struct toolkit_diagnostics diagnostics = { .errors = 0 };
	struct toolkit_scan scan;
	struct contract *c;
	const char *sum;

	in.settings.validate_requests = in.settings.validate_responses = true;
	toolkit_scan(a, &document, 1, &scan);
	c = toolkit_compile(a, &in, &diagnostics);
	print_all(a, &diagnostics);
	if (!c != (diagnostics.errors > 0) || (c && scan.diagnostics.errors > 0))
		abort();
	vec_foreach (const struct toolkit_diagnostic *, d, &diagnostics.list)
		if (str_eq(d->code, "Internal"))
			abort();
	if (!c)
		return 0;
	sum = toolkit_contract_sha256(a, c);
	document.text = toolkit_canonical(a, &document, endpoints, ARRAY_LEN(endpoints));
	if (!document.text)
		abort();
	document.n = strlen(document.text);
	in.n_endpoints = 0;
	c = toolkit_compile(a, &in, &diagnostics);
	if (!c || !str_eq(toolkit_contract_sha256(a, c), sum))
		abort();
	return 0;
}
