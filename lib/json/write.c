#include <math.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/json/node.h"

char *json_text(struct arena *a, const struct json *v)
{
	char *text;

	json_use(a);
	text = cJSON_PrintBuffered(raw_const(v), 256, 0);
	if (!text)
		abort();
	return text;
}

char *json_pretty(struct arena *a, const struct json *v)
{
	char *text;

	json_use(a);
	text = cJSON_Print(raw_const(v));
	if (!text)
		abort();
	return text;
}

/* As cJSON prints strings, without its buffers. */
void json_add_quoted(struct str *s, const char *text)
{
	static const char plain[] = "btn\0fr";

	if (!text) {
		str_add(s, "null");
		return;
	}
	str_addc(s, '"');
	for (const char *from = text;; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		str_addn(s, from, (size_t)(text - from));
		if (c == '\0')
			break;
		from = text + 1;
		if (c == '"' || c == '\\')
			str_addf(s, "\\%c", c);
		else if (c >= '\b' && c <= '\r' && plain[c - '\b'])
			str_addf(s, "\\%c", plain[c - '\b']);
		else
			str_addf(s, "\\u%04x", c);
	}
	str_addc(s, '"');
}

/* 15 digits if they are the same number again, else 17. cJSON is content with nearly the same one,
 * and loses digits of whole numbers beyond 10^15. */
static void add_number(struct str *s, const cJSON *v)
{
	char text[32];
	int64_t whole;

	if (json_int((const struct json *)v, &whole)) {
		str_addf(s, "%lld", (long long)whole);
		return;
	}
	(void)snprintf(text, sizeof(text), "%.15g", v->valuedouble);
	if (strtod(text, NULL) != v->valuedouble)
		(void)snprintf(text, sizeof(text), "%.17g", v->valuedouble);
	str_add(s, text);
}

static void add_canonical(struct arena *a, struct str *s, const cJSON *v)
{
	size_t n;

	if (cJSON_IsArray(v)) {
		str_addc(s, '[');
		for (const cJSON *m = v->child; m; m = m->next) {
			add_canonical(a, s, m);
			if (m->next)
				str_addc(s, ',');
		}
		str_addc(s, ']');
	} else if (cJSON_IsObject(v)) {
		const cJSON **members = json_sorted(a, v, &n);

		str_addc(s, '{');
		for (size_t i = 0; i < n; i++) {
			if (i > 0)
				str_addc(s, ',');
			json_add_quoted(s, members[i]->string);
			str_addc(s, ':');
			add_canonical(a, s, members[i]);
		}
		str_addc(s, '}');
	} else if (cJSON_IsString(v)) {
		json_add_quoted(s, v->valuestring);
	} else if (cJSON_IsNumber(v)) {
		add_number(s, v);
	} else {
		str_add(s, json_text(a, (const struct json *)v));
	}
}

char *json_canonical(struct arena *a, const struct json *v)
{
	struct str s;

	str_init(&s, a, 2 * (size_t)JSON_MAX_TEXT);
	add_canonical(a, &s, raw_const(v));
	return s.ptr;
}

char *json_sha256(struct arena *a, const struct json *v)
{
	const char *text = json_canonical(a, v);

	return sha256_hex(a, text, strlen(text));
}
