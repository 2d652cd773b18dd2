#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/x509/chain.h"
#include "toolkit/model.h"

static int by_text(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

const char **trust_read(struct reader *whole, const struct toolkit_inputs *in, size_t *ret_n)
{
	const char **all = arena_alloc(whole->a, (in->n_certificates + 1) * sizeof(*all));
	size_t unique = 0;
	size_t n = 0;

	if (in->n_certificates > CONTRACT_MAX_TRUST)
		refuse(whole, "LimitExceeded", (struct place){ .path = "certificates" },
			"%zu certificates for backends, the limit is %d", in->n_certificates,
			CONTRACT_MAX_TRUST);
	for (size_t i = 0; i < in->n_certificates; i++) {
		const struct toolkit_certificate *c = &in->certificates[i];
		struct place p = { .path = arena_printf(whole->a, "certificates.%.253s", c->name) };
		struct err err;
		const char *pem = chain_pem(whole->a, c->bytes, c->n, &err);

		if (pem)
			all[n++] = pem;
		else
			refuse(whole, "InvalidCertificate", p, "%s", err.msg);
	}
	if (n > 1)
		qsort(all, n, sizeof(*all), by_text);
	for (size_t i = 0; i < n; i++)
		if (unique == 0 || !str_eq(all[unique - 1], all[i]))
			all[unique++] = all[i];
	*ret_n = unique;
	return all;
}
