/* Any bytes as YAML; where they are JSON too, both readers must see the same value. */
#include <ctype.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/yaml/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* cJSON takes raw control characters in strings, and long numbers differ by design: integers that a
 * double cannot hold stay texts in YAML. */
static bool is_comparable(const uint8_t *data, size_t n)
{
	size_t digits = 0;

	for (size_t i = 0; i < n; i++) {
		if (data[i] < ' ' || data[i] > '~')
			return false;
		digits = isdigit(data[i]) ? digits + 1 : 0;
		if (digits > 14)
			return false;
	}
	return true;
}

static void count_lines(const struct yaml_lines *lines, const struct json *v, size_t most)
{
	if (yaml_line(lines, v) > most)
		abort();
	json_foreach (m, v)
		count_lines(lines, m, most);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const char *text = (const char *)data;
	struct yaml_lines *lines = NULL;
	struct err err = { .code = ERR_NONE };
	struct err ignored;
	struct json *yaml = yaml_parse(a, text, n, &lines, &err);
	struct json *json = json_parse(a, text, n, &ignored);

	if (!yaml && err.code == ERR_NONE)
		abort();
	if (yaml)
		count_lines(lines, yaml, n + 1);
	if (yaml && json && is_comparable(data, n) &&
		!str_eq(json_canonical(a, yaml), json_canonical(a, json)))
		abort();
	(void)yaml_parse_all(a, text, n, &ignored);
	return 0;
}
