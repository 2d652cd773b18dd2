#include <ctype.h>

#include "gateway/core/contract.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

static bool host_ok(const char *host, size_t n)
{
	bool bracketed = n > 2 && host[0] == '[' && host[n - 1] == ']';
	const char *allowed = bracketed ? "0123456789abcdefABCDEF:." : "-._";

	if (n == 0 || n > 253 + 2)
		return false;
	for (size_t i = bracketed; i < n - bracketed; i++)
		if (!strchr(allowed, host[i]) && (bracketed || !isalnum((unsigned char)host[i])))
			return false;
	return bracketed || (host[0] != '-' && host[0] != '.');
}

static bool port_of(const char *text, size_t n, uint16_t *ret)
{
	unsigned int port = 0;

	if (n == 0 || n > 5)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!isdigit((unsigned char)text[i]))
			return false;
		port = port * 10 + (unsigned int)(text[i] - '0');
	}
	if (port == 0 || port > UINT16_MAX)
		return false;
	*ret = (uint16_t)port;
	return true;
}

/* RFC 3986, section 3.3: pchar and "/". */
static bool path_ok(const char *path)
{
	for (const char *p = path; *p; p++) {
		if (*p == '%') {
			if (!isxdigit((unsigned char)p[1]) || !isxdigit((unsigned char)p[2]))
				return false;
			p += 2;
		} else if (!isalnum((unsigned char)*p) && !strchr("/-._~!$&'()*+,=:@", *p)) {
			return false;
		}
	}
	for (const char *p = path; (p = strstr(p, "/.")); p++)
		if (p[2 + (p[2] == '.')] == '/' || p[2 + (p[2] == '.')] == '\0')
			return false;
	return true;
}

static bool split_authority(
	struct arena *a, const char *at, size_t n, struct contract_target *e, struct err *err)
{
	const char *bracket = memchr(at, ']', n);
	const char *from = bracket ? bracket : at;
	const char *colon = memchr(from, ':', n - (size_t)(from - at));
	size_t host_n = colon ? (size_t)(colon - at) : n;

	if (!host_ok(at, host_n))
		return err_set(err, ERR_INVALID, "\"%.200s\": the host is not valid", e->url);
	e->host = arena_dupn(a, at, host_n);
	e->port = e->tls ? 443 : 80;
	if (colon && !port_of(colon + 1, n - host_n - 1, &e->port))
		return err_set(
			err, ERR_INVALID, "\"%.200s\": the port is not one of 1 to 65535", e->url);
	return true;
}

bool contract_target_parse(
	struct arena *a, const char *url, struct contract_target *ret, struct err *err)
{
	struct contract_target e = { .url = url };
	const char *at;
	size_t n;

	if (strlen(url) > CONTRACT_MAX_TEXT)
		return err_set(err, ERR_LIMIT, "a URL longer than %d bytes", CONTRACT_MAX_TEXT);
	e.tls = strncasecmp(url, "https://", 8) == 0;
	if (!e.tls && strncasecmp(url, "http://", 7) != 0)
		return err_set(err, ERR_INVALID,
			"\"%.200s\": not a URL that begins with http:// or https://", url);
	at = url + (e.tls ? 8 : 7);
	n = strcspn(at, "/?#");
	if (memchr(at, '@', n))
		return err_set(err, ERR_INVALID, "a URL with user name or password, expected none");
	if (!split_authority(a, at, n, &e, err))
		return false;
	e.authority = e.port == (e.tls ? 443 : 80)
			      ? e.host
			      : arena_printf(a, "%s:%u", e.host, (unsigned int)e.port);
	at += n;
	n = strlen(at);
	while (n > 0 && at[n - 1] == '/')
		n--;
	e.path = arena_dupn(a, at, n);
	if (!path_ok(e.path))
		return err_set(err, ERR_INVALID,
			"\"%.200s\": the path is not valid; a query or dot segments cannot stand here",
			url);
	e.url = arena_dup(a, url);
	*ret = e;
	return true;
}
