/* Takes the place of OpenSSL's reading of public keys (by the linker's --wrap): a run reads the
 * same few thousands of times, and each time takes OpenSSL as long as all the rest of a pass.
 */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

enum {
	KEYS = 8
};

static struct {
	char *pem;
	EVP_PKEY *key;
} known[KEYS];

EVP_PKEY *__real_PEM_read_bio_PUBKEY(BIO *in, EVP_PKEY **x, pem_password_cb *cb, void *u);
EVP_PKEY *__wrap_PEM_read_bio_PUBKEY(BIO *in, EVP_PKEY **x, pem_password_cb *cb, void *u);

EVP_PKEY *__wrap_PEM_read_bio_PUBKEY(BIO *in, EVP_PKEY **x, pem_password_cb *cb, void *u)
{
	char *bytes = NULL;
	size_t n = (size_t)BIO_get_mem_data(in, &bytes);
	size_t i = 0;
	char *pem;

	for (; i < KEYS && known[i].pem; i++)
		if (strlen(known[i].pem) == n && memcmp(known[i].pem, bytes, n) == 0) {
			EVP_PKEY_up_ref(known[i].key);
			return known[i].key;
		}
	if (i == KEYS || !(pem = strndup(bytes, n)))
		return __real_PEM_read_bio_PUBKEY(in, x, cb, u);
	known[i].key = __real_PEM_read_bio_PUBKEY(in, x, cb, u);
	if (!known[i].key) {
		free(pem);
		return NULL;
	}
	known[i].pem = pem;
	EVP_PKEY_up_ref(known[i].key);
	return known[i].key;
}
