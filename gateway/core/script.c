#include "gateway/core/script.h"

#include "gateway/core/contract.h"
#include "gateway/core/field.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

/* ---- asking for bodies ---- */

static const char *without_blanks(const char *at)
{
	return at + strspn(at, " \t");
}

/* What follows the word, and the blanks behind it; NULL: it is another one. */
static const char *behind(const char *at, const char *word)
{
	return at && str_starts(at, word) ? without_blanks(at + strlen(word)) : NULL;
}

/* " body 256 kB" → 256; 0: it is nothing like that */
static unsigned int kilobytes_asked(const char *at)
{
	unsigned int n = 0;

	at = behind(without_blanks(at), "body");
	if (at && *at >= '0' && *at <= '9') {
		for (; *at >= '0' && *at <= '9' && n <= SCRIPT_MAX_BODY; at++)
			n = n * 10 + (unsigned int)(*at - '0');
		at = behind(without_blanks(at), "kB");
	} else {
		n = SCRIPT_DEFAULT_BODY;
	}
	return at && (!*at || *at == '\r' || *at == '\n') ? n : 0;
}

bool script_asks(const char *text, uint32_t kilobytes, size_t *ret_bytes, struct err *err)
{
	unsigned int n;

	*ret_bytes = 0;
	if (!str_starts(text, "--!"))
		return true;
	n = kilobytes_asked(text + 3);
	if (n == 0 || n > SCRIPT_MAX_BODY)
		return err_set(err, ERR_INVALID,
			"line 1: expected \"--! body\" or \"--! body N kB\", N from 1 to %d",
			SCRIPT_MAX_BODY);
	if (n > kilobytes / 2)
		return err_set(err, ERR_INVALID,
			"line 1: asks for bodies of %u kB, with hookKilobytes %u it may ask for %u",
			n, kilobytes, kilobytes / 2);
	*ret_bytes = (size_t)n * 1024;
	return true;
}

size_t script_least_body(const struct contract_script *x, const struct contract_script *y)
{
	size_t a = x ? x->body : 0;
	size_t b = y ? y->body : 0;

	if (a == 0 || b == 0)
		return a + b;
	return a < b ? a : b;
}

/* ---- the contract ---- */

static bool load_texts(struct loader *l, const struct json *list, struct contract_scripts *ret)
{
	size_t bytes = 0;
	size_t i = 0;

	ret->at = arena_alloc(l->a, (ret->n + 1) * sizeof(*ret->at));
	json_foreach (v, list) {
		const char *text = json_str(v);

		if (!text || strlen(text) > SCRIPT_MAX_BYTES)
			return field_bad(l, "hooks.scripts", "texts of at most 32768 bytes");
		bytes += strlen(text);
		ret->at[i] = (struct contract_script){ .text = arena_dup(l->a, text), .number = i };
		if (!script_asks(text, ret->kilobytes, &ret->at[i].body, l->err))
			return err_wrap(l->err, "hooks.scripts[%zu]", i);
		i++;
	}
	return bytes <= SCRIPT_MAX_ALL_BYTES ||
	       field_bad(l, "hooks.scripts", "262144 bytes together at most");
}

bool scripts_load(struct loader *l, const struct json *root)
{
	static const char *const names[] = { "milliseconds", "kilobytes", "scripts" };
	const struct json *o = json_get(root, "hooks");
	struct contract_scripts *s = &l->c->scripts;
	int64_t ms;
	int64_t kilobytes;

	if (!o)
		return true;
	if (!field_object(l, o, names, ARRAY_LEN(names)) ||
		!field_number(l, o, "milliseconds", SCRIPT_MIN_MS, SCRIPT_MAX_MS, &ms) ||
		!field_number(l, o, "kilobytes", SCRIPT_MIN_KILOBYTES, SCRIPT_MAX_KILOBYTES,
			&kilobytes) ||
		!field_list(l, o, "scripts", SCRIPT_MAX, &s->n))
		return false;
	s->ms = (uint32_t)ms;
	s->kilobytes = (uint32_t)kilobytes;
	return load_texts(l, json_get(o, "scripts"), s);
}

void scripts_write(struct arena *a, const struct contract_scripts *s, struct json *root)
{
	struct json *list = json_array(a);
	struct json *o = json_object(a);

	if (s->n == 0)
		return;
	for (size_t i = 0; i < s->n; i++)
		json_add_str(a, list, s->at[i].text);
	json_set_int(a, o, "milliseconds", s->ms);
	json_set_int(a, o, "kilobytes", s->kilobytes);
	json_set(a, o, "scripts", list);
	json_set(a, root, "hooks", o);
}

static bool load_one(
	struct loader *l, const struct json *o, const char *key, const struct contract_script **ret)
{
	const struct contract_scripts *s = &l->c->scripts;
	int64_t n;

	if (!json_get(o, key))
		return true;
	if (!json_int(json_get(o, key), &n) || n < 0 || (size_t)n >= s->n)
		return field_bad(l, key, "the number of an existing script");
	*ret = &s->at[n];
	return true;
}

bool scripts_load_places(struct loader *l, const struct json *o, struct contract_hooks *ret)
{
	return load_one(l, o, "requestHook", &ret->request) &&
	       load_one(l, o, "responseHook", &ret->response);
}

void scripts_write_places(struct arena *a, const struct contract_hooks *h, struct json *o)
{
	if (h->request)
		json_set_int(a, o, "requestHook", (int64_t)h->request->number);
	if (h->response)
		json_set_int(a, o, "responseHook", (int64_t)h->response->number);
}
