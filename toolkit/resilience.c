#include <math.h>

#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "toolkit/model.h"

enum {
	MAX_MS = 24 * 3600 * 1000,
	DEFAULT_WINDOW_MS = 10000,
	DEFAULT_BUCKET_MS = 1000,
	DEFAULT_VOLUME = 10,
	DEFAULT_PERCENT = 50,
	DEFAULT_RESET_MS = 10000,
};

static void check_known(struct reader *r, struct place p, const char *const *known, size_t n)
{
	json_foreach (v, p.at) {
		size_t i = 0;

		while (i < n && !str_eq(known[i], json_key(v)))
			i++;
		if (i == n)
			warn(r, "UnknownField", member(r, p, v), "unknown field, has no effect");
	}
}

/* The member as an object; absent: false; anything else is told. */
static bool object_in(struct reader *r, struct place p, const char *key, struct place *ret)
{
	*ret = inside(r, p, key);
	if (!ret->at)
		return false;
	return json_is_object(ret->at) ||
	       refuse(r, "InvalidEndpoint", *ret, "%s, expected an object",
		       json_type_name(ret->at));
}

static void number_in(
	struct reader *r, struct place p, const char *key, int64_t min, int64_t max, uint32_t *ret)
{
	struct place at = inside(r, p, key);
	int64_t n;

	if (!at.at)
		return;
	if (json_int(at.at, &n) && n >= min && n <= max)
		*ret = (uint32_t)n;
	else
		refuse(r, "InvalidEndpoint", at, "expected an integer from %lld to %lld",
			(long long)min, (long long)max);
}

static int by_number(const void *x, const void *y)
{
	return *(const uint16_t *)x - *(const uint16_t *)y;
}

/* Sorted, each once. */
static void codes_in(struct reader *r, struct place p, const char *key, struct contract_codes *ret)
{
	struct place list = inside(r, p, key);
	size_t n = 0;
	size_t i = 0;

	if (!list.at)
		return;
	if (!json_is_array(list.at) || json_len(list.at) > CONTRACT_MAX_CODES) {
		refuse(r, "InvalidEndpoint", list, "expected a list of up to %d statuses",
			CONTRACT_MAX_CODES);
		return;
	}
	ret->at = arena_alloc(r->a, (json_len(list.at) + 1) * sizeof(*ret->at));
	json_foreach (v, list.at) {
		int64_t status;

		if (json_int(v, &status) && status >= 100 && status <= 599)
			ret->at[n++] = (uint16_t)status;
		else
			refuse(r, "InvalidEndpoint", element(r, list, i, v),
				"expected a status of HTTP, 100 to 599");
		i++;
	}
	if (n > 1)
		qsort(ret->at, n, sizeof(*ret->at), by_number);
	for (i = 0; i < n; i++)
		if (ret->n == 0 || ret->at[ret->n - 1] != ret->at[i])
			ret->at[ret->n++] = ret->at[i];
}

/* ---- credentials for the backend ---- */

static const char *login_text(
	struct reader *r, struct place p, const char *key, const char *refused)
{
	struct place at = inside(r, p, key);
	const char *text = text_of(r, at.at);

	if (!at.at)
		return NULL;
	if (!text || strlen(text) > 256) {
		refuse(r, "InvalidEndpoint", at, "expected a text of at most 256 bytes");
		return NULL;
	}
	for (const char *c = text; *c; c++) {
		if ((unsigned char)*c >= ' ' && *c != 0x7f && !strchr(refused, *c))
			continue;
		refuse(r, "InvalidEndpoint", at,
			"control characters cannot be sent, nor a colon in a user name");
		return NULL;
	}
	return text;
}

void read_login(struct reader *r, struct place p, struct contract_endpoint *ret)
{
	static const char *const known[] = { "type", "username", "password" };
	struct place config;

	if (!object_in(r, p, "securityConfig", &config))
		return;
	check_known(r, config, known, ARRAY_LEN(known));
	if (!json_get_str(config.at, "type") ||
		!str_eq_nocase(json_get_str(config.at, "type"), "basic")) {
		refuse(r, "EndpointSecurityNotSupported", inside(r, config, "type"),
			"expected basic: no other credentials for backends are supported");
		return;
	}
	ret->username = login_text(r, config, "username", ":");
	ret->password = login_text(r, config, "password", "");
	if (str_empty(ret->username))
		refuse(r, "InvalidEndpoint", inside(r, config, "username"), "expected a text");
	if (ret->password)
		warn(r, "PasswordInDocument", inside(r, config, "password"),
			"becomes part of the image; leave it out and set the environment variable "
			"<name>_basic_password of the gateway instead");
}

/* ---- advanceEndpointConfig ---- */

static void read_retry(struct reader *r, struct place p, struct contract_endpoint *ret)
{
	static const char *const known[] = { "count", "statusCodes", "intervalInMillis",
		"backOffFactor", "maxWaitIntervalInMillis" };
	struct place retry;

	if (!object_in(r, p, "retryConfig", &retry))
		return;
	check_known(r, retry, known, ARRAY_LEN(known));
	number_in(r, retry, "count", 0, CONTRACT_MAX_RETRIES, &ret->retries);
	codes_in(r, retry, "statusCodes", &ret->retry_codes);
	for (size_t i = 2; i < ARRAY_LEN(known); i++)
		if (json_get(retry.at, known[i]))
			warn(r, "NotSupported", inside(r, retry, known[i]),
				"has no effect: a further attempt follows at once");
}

/* failureThreshold is a part of one. */
static void read_threshold(struct reader *r, struct place p, struct contract_breaker *b)
{
	struct place at = inside(r, p, "failureThreshold");
	double part;

	if (!at.at)
		return;
	if (json_num(at.at, &part) && part >= 0 && part <= 1)
		b->percent = (uint32_t)lround(part * 100);
	else
		refuse(r, "InvalidEndpoint", at, "expected a number from 0 to 1");
}

static void read_window(struct reader *r, struct place p, struct contract_breaker *b)
{
	static const char *const known[] = { "requestVolumeThreshold", "timeWindowInMillis",
		"bucketSizeInMillis" };
	struct place window;

	if (!object_in(r, p, "rollingWindow", &window))
		return;
	check_known(r, window, known, ARRAY_LEN(known));
	number_in(r, window, "requestVolumeThreshold", 1, 1000000, &b->volume);
	number_in(r, window, "timeWindowInMillis", 1, MAX_MS, &b->window_ms);
	b->bucket_ms = b->window_ms / 10 + (b->window_ms < 10);
	number_in(r, window, "bucketSizeInMillis", 1, MAX_MS, &b->bucket_ms);
	if (b->bucket_ms > b->window_ms || b->window_ms / b->bucket_ms > CONTRACT_MAX_BUCKETS)
		refuse(r, "InvalidEndpoint", inside(r, window, "bucketSizeInMillis"),
			"expected 1 to %d buckets in timeWindowInMillis", CONTRACT_MAX_BUCKETS);
}

static void read_breaker(struct reader *r, struct place p, struct contract_endpoint *ret)
{
	static const char *const known[] = { "rollingWindow", "failureThreshold",
		"resetTimeInMillis", "statusCodes" };
	struct contract_breaker *b = arena_alloc(r->a, sizeof(*b));
	struct place breaker;

	if (!object_in(r, p, "circuitBreaker", &breaker))
		return;
	*b = (struct contract_breaker){ DEFAULT_WINDOW_MS, DEFAULT_BUCKET_MS, DEFAULT_VOLUME,
		DEFAULT_PERCENT, DEFAULT_RESET_MS, { 0 } };
	check_known(r, breaker, known, ARRAY_LEN(known));
	read_window(r, breaker, b);
	read_threshold(r, breaker, b);
	number_in(r, breaker, "resetTimeInMillis", 1, MAX_MS, &b->reset_ms);
	codes_in(r, breaker, "statusCodes", &b->codes);
	ret->breaker = b;
}

void read_resilience(struct reader *r, struct place p, struct contract_endpoint *ret)
{
	static const char *const known[] = { "timeoutInMillis", "retryConfig", "circuitBreaker",
		"poolConfig" };
	struct place config;

	if (!object_in(r, p, "advanceEndpointConfig", &config))
		return;
	check_known(r, config, known, ARRAY_LEN(known));
	number_in(r, config, "timeoutInMillis", 1, MAX_MS, &ret->timeout_ms);
	read_retry(r, config, ret);
	read_breaker(r, config, ret);
	if (json_get(config.at, "poolConfig"))
		warn(r, "NotSupported", inside(r, config, "poolConfig"),
			"has no effect: each worker keeps up to 100 idle connections to a backend");
}
