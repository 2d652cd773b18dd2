#include "gateway/core/condition.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/json/json.h"

bool address_parse(struct span text, unsigned char ret[ADDRESS_BYTES])
{
	static const unsigned char mapped[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	char copy[INET6_ADDRSTRLEN];

	if (text.n >= sizeof(copy))
		return false;
	memcpy(copy, text.at, text.n);
	copy[text.n] = '\0';
	if (inet_pton(AF_INET6, copy, ret) == 1)
		return true;
	memcpy(ret, mapped, sizeof(mapped));
	return inet_pton(AF_INET, copy, ret + sizeof(mapped)) == 1;
}

static bool header_is(const struct limit *l, const struct core_request *r)
{
	struct span value = { 0 };
	size_t n = 0;

	if (!r->header || !r->header(r->arg, l->header, &value, &n))
		return false;
	return n > 1 || !l->header_value ||
	       (strlen(l->header_value) == value.n &&
		       memcmp(l->header_value, value.at, value.n) == 0);
}

static bool address_is(const struct limit *l, struct span text)
{
	unsigned char address[ADDRESS_BYTES];
	bool inside = address_parse(text, address) &&
		      memcmp(l->address_from, address, ADDRESS_BYTES) <= 0 &&
		      memcmp(address, l->address_to, ADDRESS_BYTES) <= 0;

	return inside != l->address_not;
}

/* Numbers as they are written without a fraction. */
static bool value_is(const struct json *v, const char *value)
{
	char number[24];
	int64_t n;

	if (json_is_bool(v))
		return str_eq(json_is_true(v) ? "true" : "false", value);
	if (!json_int(v, &n))
		return str_eq(json_str(v), value);
	(void)snprintf(number, sizeof(number), "%lld", (long long)n);
	return str_eq(number, value);
}

static bool claim_is(const struct limit *l, const struct json *claims)
{
	const struct json *claim = json_get(claims, l->claim);

	if (!l->claim_value || !json_is_array(claim))
		return claim && (!l->claim_value || value_is(claim, l->claim_value));
	json_foreach (v, claim)
		if (value_is(v, l->claim_value))
			return true;
	return false;
}

bool condition_holds(const struct limit *l, const struct condition_facts *facts)
{
	return (!l->header || header_is(l, facts->request)) &&
	       (!l->has_address || address_is(l, facts->address)) &&
	       (!l->claim || claim_is(l, facts->claims));
}
