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

/* clang-format off */
/* One more than the value of a digit in either alphabet; 0: it is none. */
static const unsigned char digits_of[256] = {
	['A'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
		14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
	['a'] = 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39,
		40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52,
	['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62,
	['+'] = 63, ['-'] = 63, ['/'] = 64, ['_'] = 64,
};
/* clang-format on */

enum {
	NO_DIGIT = 64
};

/* 62 and 63 differ between the two alphabets. */
static unsigned int digit(char c, const char last[2])
{
	unsigned int d = digits_of[(unsigned char)c] - 1U;

	return d < 62 || (d < 64 && c == last[d - 62]) ? d : NO_DIGIT;
}

/* Four digits are three bytes. *ret_n: how many digits were, up to the first place where something
 * else stands. */
static size_t decode_fours(const char *text, size_t n, const char last[2], char *out, size_t *ret_n)
{
	size_t len = 0;
	size_t i = 0;

	for (; n - i >= 4; i += 4) {
		unsigned int a = digit(text[i], last);
		unsigned int b = digit(text[i + 1], last);
		unsigned int c = digit(text[i + 2], last);
		unsigned int d = digit(text[i + 3], last);

		if ((a | b | c | d) & NO_DIGIT)
			break;
		out[len++] = (char)(a << 2 | b >> 4);
		out[len++] = (char)(b << 4 | c >> 2);
		out[len++] = (char)(c << 6 | d);
	}
	*ret_n = i;
	return len;
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
	size_t digits;
	size_t len = decode_fours(text, n, last, out, &digits);
	size_t pad = 0;

	for (size_t i = digits; i < n; i++) {
		unsigned int d = digit(text[i], last);

		if (spaces && is_space(text[i]))
			continue;
		if (text[i] == '=') {
			pad++;
			continue;
		}
		if (d == NO_DIGIT || pad > 0)
			return NULL;
		bits = bits << 6 | d;
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

char *base64url_encode(struct arena *a, const void *bytes, size_t n)
{
	char *text = base64_encode(a, bytes, n);

	for (char *p = text; *p; p++) {
		if (*p == '+')
			*p = '-';
		if (*p == '/')
			*p = '_';
		if (*p == '=')
			*p = '\0';
	}
	return text;
}
