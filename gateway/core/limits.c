#include "gateway/core/limits.h"

#include <stdlib.h>

#include "gateway/core/condition.h"
#include "gateway/core/field.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

enum {
	MAX_UNIT_S = 365 * 86400,
};

static const char *const list_keys[LIMIT_LISTS] = {
	[LIMIT_RESOURCE] = "resource",
	[LIMIT_APPLICATION] = "application",
	[LIMIT_SUBSCRIPTION] = "subscription",
};

static int by_name(const void *key, const void *member)
{
	return strcmp(key, ((const struct limit *)member)->name);
}

const struct limit *limits_find(const struct limits *l, enum limit_list list, const char *name)
{
	if (l->n[list] == 0)
		return NULL;
	return bsearch(name, l->lists[list], l->n[list], sizeof(struct limit), by_name);
}

int64_t limit_window_s(const struct limit *l)
{
	return l->unit_s * l->units;
}

/* ---- in the contract's file ---- */

static bool load_header(struct loader *l, const struct json *v, struct limit *ret)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";

	if (!json_get(v, "header"))
		return !json_get(v, "headerValue") || field_bad(l, "header", "a header name");
	if (!field_text(l, v, "header", &ret->header))
		return false;
	if (str_empty(ret->header) || strspn(ret->header, letters) != strlen(ret->header))
		return field_bad(l, "header", "a header name in lower case");
	return !json_get(v, "headerValue") || field_text(l, v, "headerValue", &ret->header_value);
}

static bool load_claim(struct loader *l, const struct json *v, struct limit *ret)
{
	if (!json_get(v, "claim"))
		return !json_get(v, "claimValue") || field_bad(l, "claim", "a claim's name");
	if (!field_text(l, v, "claim", &ret->claim))
		return false;
	return !json_get(v, "claimValue") || field_text(l, v, "claimValue", &ret->claim_value);
}

static bool load_addresses(struct loader *l, const struct json *v, struct limit *ret)
{
	struct span first, last;

	if (!json_get(v, "addressFirst"))
		return (!json_get(v, "addressLast") && !json_get(v, "addressNot")) ||
		       field_bad(l, "addressFirst", "an address");
	if (!field_text(l, v, "addressFirst", &ret->address_first) ||
		!field_text(l, v, "addressLast", &ret->address_last) ||
		!field_flag(l, v, "addressNot", &ret->address_not))
		return false;
	first = (struct span){ ret->address_first, strlen(ret->address_first) };
	last = (struct span){ ret->address_last, strlen(ret->address_last) };
	ret->has_address = true;
	if (!address_parse(first, ret->address_from) || !address_parse(last, ret->address_to))
		return field_bad(l, "addressFirst", "two addresses");
	return memcmp(ret->address_from, ret->address_to, ADDRESS_BYTES) <= 0 ||
	       field_bad(l, "addressLast", "an address behind addressFirst");
}

static bool load_limit(struct loader *l, const struct json *v, struct limit *ret)
{
	static const char *const names[] = { "name", "count", "unitSeconds", "units", "overQuota",
		"bytes", "header", "headerValue", "addressFirst", "addressLast", "addressNot",
		"claim", "claimValue" };

	return field_object(l, v, names, ARRAY_LEN(names)) &&
	       field_text(l, v, "name", &ret->name) &&
	       field_number(l, v, "count", 1, INT64_MAX, &ret->count) &&
	       field_number(l, v, "unitSeconds", 1, MAX_UNIT_S, &ret->unit_s) &&
	       field_number(l, v, "units", 1, INT32_MAX, &ret->units) &&
	       field_flag(l, v, "overQuota", &ret->over_quota) &&
	       (!json_get(v, "bytes") || field_number(l, v, "bytes", 1, INT64_MAX, &ret->bytes)) &&
	       load_header(l, v, ret) && load_addresses(l, v, ret) && load_claim(l, v, ret);
}

static bool load_list(
	struct loader *l, const struct json *o, enum limit_list list, struct limits *ret)
{
	const char *key = list_keys[list];
	struct limit *at;
	size_t i = 0;

	if (!field_list(l, o, key, LIMITS_MAX, &ret->n[list]))
		return false;
	at = ret->lists[list] = arena_alloc(l->a, (ret->n[list] + 1) * sizeof(*at));
	json_foreach (v, json_get(o, key)) {
		if (!load_limit(l, v, &at[i]))
			return field_within(l->err, key, i);
		if (i > 0 && strcmp(at[i - 1].name, at[i].name) >= 0)
			return field_bad(l, key, "policies sorted by name, each name once");
		i++;
	}
	return true;
}

bool limits_load(struct loader *l, const struct json *root, struct limits *ret)
{
	const struct json *o = json_get(root, "limits");

	*ret = (struct limits){ .given = o != NULL };
	if (!o)
		return true;
	if (!field_object(l, o, list_keys, ARRAY_LEN(list_keys)))
		return err_wrap(l->err, "limits");
	for (enum limit_list list = 0; list < LIMIT_LISTS; list++)
		if (!load_list(l, o, list, ret))
			return err_wrap(l->err, "limits");
	return true;
}

bool tier_load(
	struct loader *l, const struct json *o, const struct limits *limits, struct tier *ret)
{
	*ret = (struct tier){ 0 };
	if (!json_get(o, "tier"))
		return true;
	if (!field_text(l, o, "tier", &ret->name))
		return false;
	if (!limits->given)
		return field_bad(l, "tier", "a contract that has limits");
	ret->limit = limits_find(limits, LIMIT_RESOURCE, ret->name);
	return true;
}

static struct json *limit_json(struct arena *a, const struct limit *l)
{
	struct json *o = json_object(a);

	json_set_str(a, o, "name", l->name);
	json_set_int(a, o, "count", l->count);
	json_set_int(a, o, "unitSeconds", l->unit_s);
	json_set_int(a, o, "units", l->units);
	json_set_bool(a, o, "overQuota", l->over_quota);
	if (l->bytes > 0)
		json_set_int(a, o, "bytes", l->bytes);
	json_set_str(a, o, "header", l->header);
	json_set_str(a, o, "headerValue", l->header_value);
	json_set_str(a, o, "addressFirst", l->address_first);
	json_set_str(a, o, "addressLast", l->address_last);
	if (l->address_first)
		json_set_bool(a, o, "addressNot", l->address_not);
	json_set_str(a, o, "claim", l->claim);
	json_set_str(a, o, "claimValue", l->claim_value);
	return o;
}

struct json *limits_json(struct arena *a, const struct limits *l)
{
	struct json *o = json_object(a);

	for (enum limit_list list = 0; l->given && list < LIMIT_LISTS; list++) {
		struct json *members = json_array(a);

		for (size_t i = 0; i < l->n[list]; i++)
			json_add(members, limit_json(a, &l->lists[list][i]));
		json_set(a, o, list_keys[list], members);
	}
	return l->given ? o : NULL;
}
