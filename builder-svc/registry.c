#include "builder-svc/registry.h"

#include <curl/curl.h>
#include <strings.h>

#include "builder-svc/challenge.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

enum {
	CONNECT_MS = 2000,
	REQUEST_MS = 3000,
	MAX_BODY = 4 * 1024 * 1024, /* what the distribution specification allows for a manifest */
	MAX_HEADER = 8 * 1024,
	MAX_URL = 8 * 1024
};

static const char accepted[] = "Accept: application/vnd.oci.image.manifest.v1+json, "
			       "application/vnd.oci.image.index.v1+json, "
			       "application/vnd.docker.distribution.manifest.v2+json, "
			       "application/vnd.docker.distribution.manifest.list.v2+json";

/* The question, and the connection on which it is asked. */
struct session {
	struct arena *arena;
	CURL *curl;
	const struct image *image;
	const char *manifest; /* URL */
	bool plain_http;
	struct login login;
};

struct response {
	long status;
	struct str body;
	const char *challenge; /* WWW-Authenticate */
	const char *digest;    /* Docker-Content-Digest */
};

static void curl_auto(CURL **curl)
{
	curl_easy_cleanup(*curl);
}

static void slist_auto(struct curl_slist **list)
{
	curl_slist_free_all(*list);
}

/* ---- one request ---- */

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct str *body = arg;

	str_addn(body, bytes, size * n);
	return body->overflow ? 0 : size * n;
}

static const char *header_value(struct arena *a, const char *line, size_t n, const char *name)
{
	size_t skip = strlen(name);

	if (n <= skip || n > MAX_HEADER || strncasecmp(line, name, skip) != 0)
		return NULL;
	line += skip;
	n -= skip;
	while (n > 0 && (*line == ' ' || *line == '\t')) {
		line++;
		n--;
	}
	while (n > 0 && strchr("\r\n \t", line[n - 1]))
		n--;
	return arena_dupn(a, line, n);
}

static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
	struct response *r = arg;
	struct arena *a = r->body.arena;
	const char *challenge = header_value(a, line, size * n, "www-authenticate:");
	const char *digest = header_value(a, line, size * n, "docker-content-digest:");

	if (challenge && r->challenge)
		r->challenge = arena_printf(a, "%s, %s", r->challenge, challenge);
	else if (challenge)
		r->challenge = challenge;
	if (digest)
		r->digest = digest;
	return size * n;
}

static void prepare(struct session *s, const char *url, bool head, struct response *r)
{
	CURL *c = s->curl;

	curl_easy_reset(c);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, s->plain_http ? "http,https" : "https");
	curl_easy_setopt(c, CURLOPT_NOBODY, head ? 1L : 0L);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)REQUEST_MS);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "builder-svc");
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, &r->body);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, r);
}

static bool request(struct session *s, const char *url, bool head, const char *authorization,
	struct response *ret, struct err *err)
{
	AUTO(slist_auto) struct curl_slist *headers = curl_slist_append(NULL, accepted);
	CURLcode code;

	*ret = (struct response){ 0 };
	str_init(&ret->body, s->arena, MAX_BODY);
	prepare(s, url, head, ret);
	if (authorization)
		headers = curl_slist_append(
			headers, arena_printf(s->arena, "Authorization: %s", authorization));
	curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, headers);
	code = curl_easy_perform(s->curl);
	if (code != CURLE_OK)
		return err_set(err,
			code == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_UNAVAILABLE,
			"registry %s cannot be reached: %s", s->image->host,
			curl_easy_strerror(code));
	curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &ret->status);
	return true;
}

/* ---- credentials ---- */

static const char *basic(const struct session *s)
{
	char *pair;

	if (!s->login.username)
		return NULL;
	pair = arena_printf(
		s->arena, "%s:%s", s->login.username, s->login.password ? s->login.password : "");
	return arena_printf(s->arena, "Basic %s", base64_encode(s->arena, pair, strlen(pair)));
}

static bool denied(const struct session *s, struct err *err)
{
	if (!s->login.username)
		return err_set(err, ERR_DENIED,
			"registry %s asks for a user and a password for %s, none is configured",
			s->image->host, s->image->repository);
	return err_set(err, ERR_DENIED, "registry %s refuses user \"%.100s\" for %s",
		s->image->host, s->login.username, s->image->repository);
}

static const char *token_url(const struct session *s, const struct challenge *c)
{
	const char *scope = c->scope;
	struct str url;

	if (str_empty(scope))
		scope = arena_printf(s->arena, "repository:%s:pull", s->image->repository);
	str_init(&url, s->arena, MAX_URL);
	str_add(&url, c->realm);
	str_addc(&url, strchr(c->realm, '?') ? '&' : '?');
	str_add(&url, "scope=");
	str_add_url(&url, scope);
	if (c->service) {
		str_add(&url, "&service=");
		str_add_url(&url, c->service);
	}
	return url.overflow ? NULL : url.ptr;
}

static bool bearer(struct session *s, const struct challenge *c, const char **ret_authorization,
	struct err *err)
{
	const char *url = token_url(s, c);
	struct response r;
	const struct json *answer;
	const char *token;

	if (!url)
		return err_set(err, ERR_LIMIT,
			"registry %s: the address of its token service is too long",
			s->image->host);
	if (!request(s, url, false, basic(s), &r, err))
		return err_wrap(err, "token service");
	if (r.status == 401 || r.status == 403)
		return denied(s, err);
	if (r.status != 200)
		return err_set(err, ERR_UNAVAILABLE,
			"token service of registry %s answered HTTP %ld", s->image->host, r.status);
	answer = json_parse(s->arena, r.body.ptr, r.body.len, err);
	token = json_get_str(answer, "token");
	if (!token)
		token = json_get_str(answer, "access_token");
	if (str_empty(token) || strpbrk(token, "\r\n"))
		return err_set(err, ERR_UNAVAILABLE, "token service of registry %s sent no token",
			s->image->host);
	*ret_authorization = arena_printf(s->arena, "Bearer %s", token);
	return true;
}

static bool answer_challenge(
	struct session *s, const char *header, const char **ret_authorization, struct err *err)
{
	struct challenge c = challenge_parse(s->arena, header);

	switch (c.scheme) {
	case CHALLENGE_BASIC:
		*ret_authorization = basic(s);
		return *ret_authorization ? true : denied(s, err);
	case CHALLENGE_BEARER:
		return bearer(s, &c, ret_authorization, err);
	case CHALLENGE_NONE:
		break;
	}
	return err_set(err, ERR_DENIED, "registry %s asks for credentials of an unknown kind",
		s->image->host);
}

/* ---- the question ---- */

static bool is_digest(const char *text)
{
	return text && str_starts(text, "sha256:") && strlen(text) == 7 + 2 * SHA256_BYTES &&
	       strspn(text + 7, "0123456789abcdef") == 2 * SHA256_BYTES;
}

static bool ask(struct session *s, bool head, struct response *ret, struct err *err)
{
	const char *authorization = NULL;

	if (!request(s, s->manifest, head, NULL, ret, err))
		return false;
	if (ret->status != 401)
		return true;
	if (!answer_challenge(s, ret->challenge, &authorization, err))
		return false;
	return request(s, s->manifest, head, authorization, ret, err);
}

static bool judge(
	struct session *s, const struct response *r, struct registry_answer *ret, struct err *err)
{
	if (r->status == 404) {
		*ret = (struct registry_answer){ false, NULL };
		return true;
	}
	if (r->status == 401 || r->status == 403)
		return denied(s, err);
	if (r->status != 200)
		return err_set(err, ERR_UNAVAILABLE, "registry %s answered HTTP %ld for %s:%s",
			s->image->host, r->status, s->image->repository, s->image->tag);
	*ret = (struct registry_answer){ true, r->digest };
	if (is_digest(r->digest))
		return true;
	if (r->body.len == 0)
		return err_set(err, ERR_UNAVAILABLE, "registry %s sent no digest for %s:%s",
			s->image->host, s->image->repository, s->image->tag);
	ret->digest =
		arena_printf(s->arena, "sha256:%s", sha256_hex(s->arena, r->body.ptr, r->body.len));
	return true;
}

/* A registry that knows no HEAD, or names no digest there, is asked for the manifest itself. */
static bool needs_get(const struct response *r)
{
	return r->status == 405 || (r->status == 200 && !is_digest(r->digest));
}

bool registry_look(struct arena *a, const struct image *image, bool plain_http, struct login login,
	struct registry_answer *ret, struct err *err)
{
	AUTO(curl_auto) CURL *curl = curl_easy_init();
	struct session s = { a, curl, image, NULL, plain_http, login };
	struct response r;

	if (!curl)
		return err_set(err, ERR_BUG, "libcurl does not start");
	s.manifest = arena_printf(a, "%s://%s/v2/%s/manifests/%s", plain_http ? "http" : "https",
		image->host, image->repository, image->tag);
	if (!ask(&s, true, &r, err))
		return false;
	if (needs_get(&r) && !ask(&s, false, &r, err))
		return false;
	return judge(&s, &r, ret, err);
}
