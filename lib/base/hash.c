#include "lib/base/hash.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "lib/base/arena.h"

void sha256(const void *bytes, size_t n, unsigned char ret[SHA256_BYTES])
{
	if (EVP_Digest(bytes, n, ret, NULL, EVP_sha256(), NULL) != 1)
		abort();
}

void hmac_sha256(
	const void *key, size_t key_n, const void *bytes, size_t n, unsigned char ret[SHA256_BYTES])
{
	if (!HMAC(EVP_sha256(), key, (int)key_n, bytes, n, ret, NULL))
		abort();
}

char *hex(struct arena *a, const void *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *in = bytes;
	char *out = arena_alloc(a, 2 * n + 1);

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[in[i] >> 4];
		out[2 * i + 1] = digits[in[i] & 15];
	}
	return out;
}

char *sha256_hex(struct arena *a, const void *bytes, size_t n)
{
	unsigned char sum[SHA256_BYTES];

	sha256(bytes, n, sum);
	return hex(a, sum, sizeof(sum));
}

char *base64_encode(struct arena *a, const void *bytes, size_t n)
{
	char *out = arena_alloc(a, 4 * ((n + 2) / 3) + 1);

	EVP_EncodeBlock((unsigned char *)out, bytes, (int)n);
	return out;
}

/* Value of one digit, -1 if it is none. 62 and 63 differ between the two alphabets. */
static int digit(char c, const char last[2])
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == last[0])
		return 62;
	return c == last[1] ? 63 : -1;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static char *decode(
	struct arena *a, const char *text, size_t n, const char last[2], bool spaces, size_t *ret_n)
{
	char *out = arena_alloc(a, n / 4 * 3 + 4);
	unsigned int bits = 0;
	size_t digits = 0;
	size_t pad = 0;
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		int d = digit(text[i], last);

		if (spaces && is_space(text[i]))
			continue;
		if (text[i] == '=') {
			pad++;
			continue;
		}
		if (d < 0 || pad > 0)
			return NULL;
		bits = bits << 6 | (unsigned int)d;
		if (++digits % 4 != 1)
			out[len++] = (char)(bits >> (6 - 2 * ((digits - 1) % 4)) & 0xff);
	}
	/* One left-over digit holds no byte; unused bits of the last digit must be zero (no two
	 * spellings). */
	if (digits % 4 == 1 || pad > 2 || (pad > 0 && (digits + pad) % 4 != 0))
		return NULL;
	if ((digits % 4 == 2 && (bits & 15)) || (digits % 4 == 3 && (bits & 3)))
		return NULL;
	out[len] = '\0';
	*ret_n = len;
	return out;
}

char *base64_decode(struct arena *a, const char *text, size_t n, size_t *ret_n)
{
	return decode(a, text, n, "+/", true, ret_n);
}

char *base64url_decode(struct arena *a, const char *text, size_t n, size_t *ret_n)
{
	return decode(a, text, n, "-_", false, ret_n);
}
