#include "gateway/core/decision.h"

#include <openssl/evp.h>
#include <strings.h>

#include "gateway/core/fault.h"

bool decision_refuse(struct decision *d, int code, const char *reason)
{
	fault_answer(d->a, code, reason, d->verdict);
	return false;
}

void decision_forget_refusal(struct decision *d)
{
	struct verdict *v = d->verdict;

	*v = (struct verdict){
		.api = v->api, .path = v->path, .operation = v->operation, .cors = v->cors
	};
}

bool decision_accepts(const struct decision *d, enum scheme_type type, size_t *ret)
{
	const struct contract_operation *op = d->verdict->operation;

	for (size_t i = 0; i < op->n_schemes; i++)
		if (d->core->contract->schemes[op->schemes[i]].type == type) {
			*ret = op->schemes[i];
			return true;
		}
	return false;
}

bool credentials_by(struct span header, const char *word, struct span *ret)
{
	size_t n = strlen(word);

	if (header.n < n || strncasecmp(header.at, word, n) != 0 ||
		(header.n > n && header.at[n] != ' '))
		return false;
	header.at += n;
	header.n -= n;
	while (header.n > 0 && *header.at == ' ') {
		header.at++;
		header.n--;
	}
	while (header.n > 0 && header.at[header.n - 1] == ' ')
		header.n--;
	*ret = header;
	return true;
}

void digest_token(struct core *core, struct span token, unsigned char ret[SHA256_BYTES])
{
	if (EVP_DigestInit_ex2(core->digest, core->sha256, NULL) != 1 ||
		EVP_DigestUpdate(core->digest, token.at, token.n) != 1 ||
		EVP_DigestFinal_ex(core->digest, ret, NULL) != 1)
		abort();
}

void digest_asked(struct core *core, const struct core_question *q, unsigned char ret[SHA256_BYTES])
{
	const char *security = core->contract->schemes[q->scheme].security;

	/* The name's end is part of it, and the operation always there, as the place that it has in
	 * the contract: no other question gives the same bytes. */
	if (EVP_DigestInit_ex2(core->digest, core->sha256, NULL) != 1 ||
		EVP_DigestUpdate(core->digest, security, strlen(security) + 1) != 1 ||
		EVP_DigestUpdate(core->digest, (const void *)&q->operation, sizeof(q->operation)) !=
			1 ||
		EVP_DigestUpdate(core->digest, q->token.at, q->token.n) != 1 ||
		EVP_DigestFinal_ex(core->digest, ret, NULL) != 1)
		abort();
}
