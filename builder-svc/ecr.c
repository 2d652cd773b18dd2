#include "builder-svc/ecr.h"

#include "builder-svc/http.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/json/json.h"

#define TARGET "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"

/* "InvalidSignatureException" of {"__type":"com.amazon…#InvalidSignatureException"}: a word for
 * people. */
static const char *failure(struct arena *a, const struct str *body)
{
	struct err ignored = { .code = ERR_NONE };
	const char *type = json_get_str(json_parse(a, body->ptr, body->len, &ignored), "__type");
	const char *hash = type ? strrchr(type, '#') : NULL;

	return hash ? hash + 1 : type ? type : "no reason given";
}

static bool asks_to_wait(long status, const char *why)
{
	return status == 429 || str_starts(why, "Throttling") || str_starts(why, "TooManyRequests");
}

static bool read_token(struct arena *a, const struct str *body, struct ecr_token *ret)
{
	struct err ignored = { .code = ERR_NONE };
	const struct json *data = json_at(
		json_get(json_parse(a, body->ptr, body->len, &ignored), "authorizationData"), 0);
	const char *token = json_get_str(data, "authorizationToken");
	size_t n = 0;
	char *pair = token ? base64_decode(a, token, strlen(token), &n) : NULL;
	double expires = 0;

	if (!pair || strlen(pair) != n || !str_starts(pair, ECR_USER ":"))
		return false;
	ret->password = pair + strlen(ECR_USER ":");
	if (json_num(json_get(data, "expiresAt"), &expires) && expires > 0 && expires < 1e12)
		ret->expires_at = (int64_t)expires;
	return !str_empty(ret->password);
}

bool ecr_token_get(struct arena *a, const struct ecr_place *place, const struct aws_key *key,
	struct ecr_token *ret, struct err *err)
{
	AUTO(http_auto) struct http *http = http_new();
	const char *const headers[] = { "Content-Type: application/x-amz-json-1.1",
		"X-Amz-Target: " TARGET,
		key->session ? arena_printf(a, "X-Amz-Security-Token: %s", key->session) : NULL,
		NULL };
	struct http_request q = {
		.whom = arena_printf(a, "Amazon's %s", place->endpoint),
		.url = arena_printf(a, "%s/", place->endpoint),
		.plain_http = str_starts(place->endpoint, "http://"),
		.headers = headers,
		.body = "{}",
		.sigv4 = arena_printf(a, "aws:amz:%s:ecr", place->region),
		.key_id = key->id,
		.key = key->secret,
	};
	struct http_response r;
	const char *why;

	if (!http)
		return err_set(err, ERR_BUG, "libcurl does not start");
	if (!http_ask(a, http, &q, &r, err))
		return false;
	why = failure(a, &r.body);
	if (r.status >= 400 && r.status < 500 && !asks_to_wait(r.status, why))
		return err_set(err, ERR_DENIED, "Amazon refuses access key \"%.100s\": %.100s",
			key->id, why);
	if (r.status != 200)
		return err_set(err, ERR_UNAVAILABLE, "%s answered HTTP %ld: %.100s", q.whom,
			r.status, why);
	*ret = (struct ecr_token){ 0 };
	if (!read_token(a, &r.body, ret))
		return err_set(err, ERR_UNAVAILABLE, "%s sent no token", q.whom);
	return true;
}
