#include "builder-svc/registry.h"

#include "builder-svc/challenge.h"
#include "builder-svc/http.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

enum {
	MAX_URL = 8 * 1024
};

static const char accepted[] = "Accept: application/vnd.oci.image.manifest.v1+json, "
			       "application/vnd.oci.image.index.v1+json, "
			       "application/vnd.docker.distribution.manifest.v2+json, "
			       "application/vnd.docker.distribution.manifest.list.v2+json";

/* The question, and the connection on which it is asked. */
struct session {
	struct arena *arena;
	struct http *http;
	const struct image *image;
	const char *manifest; /* URL */
	bool plain_http;
	struct login login;
};

static bool request(struct session *s, const char *url, bool head, const char *authorization,
	struct http_response *ret, struct err *err)
{
	const char *const headers[] = { accepted,
		authorization ? arena_printf(s->arena, "Authorization: %s", authorization) : NULL,
		NULL };
	struct http_request q = {
		.whom = arena_printf(s->arena, "registry %s", s->image->host),
		.url = url,
		.head = head,
		.plain_http = s->plain_http,
		.headers = headers,
	};

	return http_ask(s->arena, s->http, &q, ret, err);
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
	struct http_response r;
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

static bool ask(struct session *s, bool head, struct http_response *ret, struct err *err)
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

static bool judge(struct session *s, const struct http_response *r, struct registry_answer *ret,
	struct err *err)
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
static bool needs_get(const struct http_response *r)
{
	return r->status == 405 || (r->status == 200 && !is_digest(r->digest));
}

bool registry_look(struct arena *a, const struct image *image, bool plain_http, struct login login,
	struct registry_answer *ret, struct err *err)
{
	AUTO(http_auto) struct http *http = http_new();
	struct session s = { a, http, image, NULL, plain_http, login };
	struct http_response r;

	if (!http)
		return err_set(err, ERR_BUG, "libcurl does not start");
	s.manifest = arena_printf(a, "%s://%s/v2/%s/manifests/%s", plain_http ? "http" : "https",
		image->host, image->repository, image->tag);
	if (!ask(&s, true, &r, err))
		return false;
	if (needs_get(&r) && !ask(&s, false, &r, err))
		return false;
	return judge(&s, &r, ret, err);
}
