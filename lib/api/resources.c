#include "lib/api/resources.h"

#include <ctype.h>
#include <math.h>

#include "lib/api/finding.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

enum {
	MAX_QUANTITY = 32, /* characters; Kubernetes' own are far shorter */
};

static const struct suffix {
	const char *text;
	double factor;
} suffixes[] = {
	{ "", 1 },
	{ "n", 1e-9 },
	{ "u", 1e-6 },
	{ "m", 1e-3 },
	{ "k", 1e3 },
	{ "M", 1e6 },
	{ "G", 1e9 },
	{ "T", 1e12 },
	{ "P", 1e15 },
	{ "E", 1e18 },
	{ "Ki", 0x1p10 },
	{ "Mi", 0x1p20 },
	{ "Gi", 0x1p30 },
	{ "Ti", 0x1p40 },
	{ "Pi", 0x1p50 },
	{ "Ei", 0x1p60 },
};

static bool suffix_factor(const char *text, double *ret)
{
	int exponent = 0;
	int digits = 0;
	int sign;

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
		if (str_eq(suffixes[i].text, text)) {
			*ret = suffixes[i].factor;
			return true;
		}
	if (*text != 'e' && *text != 'E')
		return false;
	text++;
	sign = *text == '-' ? -1 : 1;
	text += *text == '-' || *text == '+';
	for (; isdigit((unsigned char)*text) && digits < 3; digits++)
		exponent = exponent * 10 + (*text++ - '0');
	*ret = pow(10, sign * exponent);
	return digits > 0 && *text == '\0';
}

bool quantity_parse(const char *text, double *ret)
{
	double number = 0;
	double place = 1;
	bool point = false;
	int digits = 0;
	double factor;

	if (!text || strlen(text) > MAX_QUANTITY)
		return false;
	text += *text == '+';
	for (; isdigit((unsigned char)*text) || (*text == '.' && !point); text++) {
		if (*text == '.') {
			point = true;
			continue;
		}
		number = number * 10 + (*text - '0');
		place *= point ? 10 : 1;
		digits++;
	}
	if (digits == 0 || !suffix_factor(text, &factor))
		return false;
	*ret = number / place * factor;
	return true;
}

static bool less(const char *x, const char *y)
{
	double a;
	double b;

	return quantity_parse(x, &a) && quantity_parse(y, &b) && a < b;
}

static void default_pair(const char **request, const char **limit, const char *default_request,
	const char *default_limit)
{
	double unused;
	bool has_request = quantity_parse(*request, &unused);
	bool has_limit = quantity_parse(*limit, &unused);

	if (!has_request)
		*request = has_limit && less(*limit, default_request) ? *limit : default_request;
	if (!has_limit)
		*limit = less(default_limit, *request) ? *request : default_limit;
}

void resources_default(struct resources *r, const struct resources *defaults)
{
	default_pair(&r->request_cpu, &r->limit_cpu, defaults->request_cpu, defaults->limit_cpu);
	default_pair(&r->request_memory, &r->limit_memory, defaults->request_memory,
		defaults->limit_memory);
}

void resources_mend(struct resources *r)
{
	if (less(r->limit_cpu, r->request_cpu))
		r->limit_cpu = r->request_cpu;
	if (less(r->limit_memory, r->request_memory))
		r->limit_memory = r->request_memory;
}

static void check_one(const char *text, const char *path, struct findings *f)
{
	double unused;

	if (text && !quantity_parse(text, &unused))
		finding_add(f, FINDING_INVALID_FIELD, path,
			"\"%.40s\" is not a quantity, expected something like 500m or 64Mi", text);
}

static void check_pair(const char *request, const char *limit, const char *path_request,
	const char *path_limit, struct findings *f)
{
	check_one(request, path_request, f);
	check_one(limit, path_limit, f);
	if (less(limit, request))
		finding_add(f, FINDING_INVALID_FIELD, path_limit,
			"%s is less than %s of %s, expected at least as much", limit, request,
			path_request);
}

void resources_check(const struct resources *r, const struct resources *paths, struct findings *f)
{
	check_pair(r->request_cpu, r->limit_cpu, paths->request_cpu, paths->limit_cpu, f);
	check_pair(
		r->request_memory, r->limit_memory, paths->request_memory, paths->limit_memory, f);
}

struct json *resources_json(struct arena *a, const struct resources *r)
{
	return json_format(a, "{'requests':{'cpu':%s,'memory':%s},'limits':{'cpu':%s,'memory':%s}}",
		r->request_cpu, r->request_memory, r->limit_cpu, r->limit_memory);
}
