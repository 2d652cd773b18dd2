#include "builder-svc/amazon.h"

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGIT "0123456789"

enum {
	ACCOUNT_DIGITS = 12,
	MAX_REGION = 32,
	MAX_VALUE = 4096, /* of a credentials file; session tokens are long */
};

/* ---- where ---- */

bool ecr_place_of(struct arena *a, const char *registry, const char *endpoint,
	struct ecr_place *ret, struct err *err)
{
	static const struct {
		const char *registry;
		const char *api;
		const char *domain;
	} forms[] = {
		{ ".dkr.ecr.", "api.ecr", ".amazonaws.com" },
		{ ".dkr.ecr.", "api.ecr", ".amazonaws.com.cn" },
		{ ".dkr.ecr-fips.", "ecr-fips", ".amazonaws.com" },
	};
	size_t account = strspn(registry, DIGIT);

	for (size_t i = 0; account == ACCOUNT_DIGITS && i < ARRAY_LEN(forms); i++) {
		const char *region = registry + account + strlen(forms[i].registry);
		size_t n;

		if (!str_starts(registry + account, forms[i].registry))
			continue;
		n = strspn(region, LOWER DIGIT "-");
		if (n == 0 || n > MAX_REGION || !str_eq(region + n, forms[i].domain))
			continue;
		ret->region = arena_dupn(a, region, n);
		ret->endpoint = endpoint;
		if (str_empty(endpoint))
			ret->endpoint = arena_printf(
				a, "https://%s.%s%s", forms[i].api, ret->region, forms[i].domain);
		return true;
	}
	if (!str_empty(endpoint)) {
		*ret = (struct ecr_place){ "us-east-1", endpoint };
		return true;
	}
	return err_set(err, ERR_INVALID,
		"\"%.100s\" is no registry of Amazon's, expected <account>.dkr.ecr.<region>.amazonaws.com/<repository>",
		registry);
}

/* ---- with which key ---- */

struct line {
	const char *at;
	size_t n;
};

static struct line trimmed(const char *at, size_t n)
{
	while (n > 0 && strchr(" \t\r", *at)) {
		at++;
		n--;
	}
	while (n > 0 && strchr(" \t\r", at[n - 1]))
		n--;
	return (struct line){ at, n };
}

static bool line_is(struct line l, const char *text)
{
	return l.n == strlen(text) && memcmp(l.at, text, l.n) == 0;
}

/* It becomes part of a header. */
static bool is_printable(struct line l)
{
	for (size_t i = 0; i < l.n; i++)
		if (l.at[i] <= ' ' || l.at[i] > '~')
			return false;
	return true;
}

static void take(struct arena *a, struct line l, struct aws_key *key)
{
	const struct {
		const char *name;
		const char **ret;
	} names[] = {
		{ "aws_access_key_id", &key->id },
		{ "aws_secret_access_key", &key->secret },
		{ "aws_session_token", &key->session },
	};
	const char *equals = memchr(l.at, '=', l.n);
	struct line name;
	struct line value;

	if (!equals)
		return;
	name = trimmed(l.at, (size_t)(equals - l.at));
	value = trimmed(equals + 1, l.n - (size_t)(equals + 1 - l.at));
	if (value.n == 0 || value.n > MAX_VALUE || !is_printable(value))
		return;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (line_is(name, names[i].name))
			*names[i].ret = arena_dupn(a, value.at, value.n);
}

/* Lines before any "[profile]" count too: somebody may have left it out. */
bool aws_key_read(struct arena *a, const char *text, size_t n, struct aws_key *ret, struct err *err)
{
	struct aws_key key = { 0 };
	bool ours = true;

	if (n > AWS_MAX_CREDENTIALS)
		return err_set(err, ERR_LIMIT, "AWS credentials: %zu bytes, the limit is %d", n,
			AWS_MAX_CREDENTIALS);
	while (n > 0) {
		const char *end = memchr(text, '\n', n);
		size_t len = end ? (size_t)(end - text) : n;
		struct line l = trimmed(text, len);

		if (l.n > 0 && *l.at == '[')
			ours = line_is(l, "[default]");
		else if (ours && l.n > 0 && *l.at != '#' && *l.at != ';')
			take(a, l, &key);
		len += end != NULL;
		text += len;
		n -= len;
	}
	if (!key.id || !key.secret)
		return err_set(err, ERR_INVALID,
			"AWS credentials: profile \"default\" has no usable %s, expected aws_access_key_id and "
			"aws_secret_access_key",
			key.id ? "aws_secret_access_key" : "aws_access_key_id");
	*ret = key;
	return true;
}
