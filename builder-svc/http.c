#include "builder-svc/http.h"

#include <curl/curl.h>
#include <strings.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"

enum {
	CONNECT_MS = 2000,
	MAX_HEADER = 8 * 1024,
};

struct http {
	CURL *curl;
};

struct http *http_new(void)
{
	CURL *curl = curl_easy_init();
	struct http *h = curl ? calloc(1, sizeof(*h)) : NULL;

	if (curl && !h)
		abort();
	if (h)
		h->curl = curl;
	return h;
}

void http_auto(struct http **h)
{
	if (!*h)
		return;
	curl_easy_cleanup((*h)->curl);
	free(*h);
}

static void slist_auto(struct curl_slist **list)
{
	curl_slist_free_all(*list);
}

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
	struct http_response *r = arg;
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

static void prepare(CURL *c, const struct http_request *q, struct http_response *r)
{
	curl_easy_reset(c);
	curl_easy_setopt(c, CURLOPT_URL, q->url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, q->plain_http ? "http,https" : "https");
	curl_easy_setopt(c, CURLOPT_NOBODY, q->head ? 1L : 0L);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)HTTP_REQUEST_MS);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "builder-svc");
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, &r->body);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, r);
	if (q->body) {
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)strlen(q->body));
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, q->body);
	}
	if (q->sigv4) {
		curl_easy_setopt(c, CURLOPT_AWS_SIGV4, q->sigv4);
		curl_easy_setopt(c, CURLOPT_USERNAME, q->key_id);
		curl_easy_setopt(c, CURLOPT_PASSWORD, q->key);
	}
}

bool http_ask(struct arena *a, struct http *h, const struct http_request *q,
	struct http_response *ret, struct err *err)
{
	AUTO(slist_auto) struct curl_slist *headers = NULL;
	CURLcode code;

	*ret = (struct http_response){ 0 };
	str_init(&ret->body, a, HTTP_MAX_BODY);
	prepare(h->curl, q, ret);
	for (const char *const *header = q->headers; *header; header++)
		headers = curl_slist_append(headers, *header);
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, headers);
	code = curl_easy_perform(h->curl);
	if (code != CURLE_OK)
		return err_set(err,
			code == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_UNAVAILABLE,
			"%s cannot be reached: %s", q->whom, curl_easy_strerror(code));
	curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &ret->status);
	return true;
}
