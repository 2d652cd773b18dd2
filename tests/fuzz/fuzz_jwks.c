/* Any bytes as the keys that an issuer publishes; what is taken over can be asked about a token. */
#include "gateway/core/jwks.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char signature[512] = "\1";
	static const struct contract c = { .n_issuers = 1 };
	struct token_parts p = { .signed_bytes = { "a.b", 3 }, .kid = "kid" };
	struct jwks *k = jwks_new(&c);
	struct err err;

	if (!jwks_take(k, 0, (const char *)data, n, &err) && err.code == ERR_NONE)
		abort(); /* nothing was known before */
	if (jwks_has_keys(k, 0) != (err.code == ERR_NONE))
		abort();
	for (unsigned int alg = ALG_RS256; alg <= ALG_EDDSA; alg <<= 1) {
		p.alg = (enum signature_alg)alg;
		p.signature = (struct span){ signature, alg & ALG_ES512 ? 132 : 64 };
		if (jwks_signer(k, 0, &p))
			abort();
	}
	jwks_free(k);
	return 0;
}
