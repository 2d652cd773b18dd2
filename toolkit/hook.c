/* x-apim-request-hook and x-apim-response-hook: a script, or the name of one. */
#include "gateway/hook/hook.h"

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "toolkit/model.h"

static struct model_script *script_of(struct reader *r, struct place p, const char *key)
{
	struct place at = inside(r, p, key);
	struct model_script *s;

	if (!at.at)
		return NULL;
	if (!json_is_str(at.at) || str_empty(json_str(at.at))) {
		refuse(r, "InvalidHook", at,
			"expected a script, or the name of one as \"tenant.lua\"");
		return NULL;
	}
	s = arena_alloc(r->a, sizeof(*s));
	s->place = at;
	s->text = json_str(at.at);
	return s;
}

struct model_hooks hooks_of(struct reader *r, struct place p)
{
	return (struct model_hooks){ script_of(r, p, "x-apim-request-hook"),
		script_of(r, p, "x-apim-response-hook") };
}

/* ---- together ---- */

struct hook_compiler {
	struct arena *a;
	const struct toolkit_inputs *in;
	struct hooks *box; /* where texts are tried; NULL before the first one */
	struct vec found;  /* struct model_script *, usable */
};

/* No script of one word is this. */
static bool is_name(const char *text)
{
	return str_ends(text, ".lua") && !strpbrk(text, " \t\r\n();=");
}

static const struct toolkit_document *script_named(
	const struct toolkit_inputs *in, const char *name)
{
	for (size_t i = 0; i < in->n_scripts; i++)
		if (str_eq(in->scripts[i].name, name))
			return &in->scripts[i];
	return NULL;
}

/* The name, for a message, of a script that stands elsewhere. */
static bool look_up(
	struct hook_compiler *k, struct reader *r, struct model_script *s, const char **ret_name)
{
	const struct toolkit_document *d;

	*ret_name = "script";
	if (!is_name(s->text))
		return true;
	d = script_named(k->in, s->text);
	if (!d)
		return refuse(r, "HookNotFound", s->place,
			"there is no script \"%.200s\"; put it into a ConfigMap of spec.definition.hooks, or "
			"write the script itself here",
			s->text);
	*ret_name = arena_printf(k->a, "script \"%.200s\"", d->name);
	s->text = arena_dupn(k->a, d->text, d->n);
	return strlen(s->text) == d->n ||
	       refuse(r, "InvalidHook", s->place, "%s: has a NUL byte", *ret_name);
}

static bool compiles(struct hook_compiler *k, const char *text, struct err *err)
{
	static const struct hook_limits limits = { .ms = 1, .kilobytes = SCRIPT_MIN_KILOBYTES };

	if (!k->box)
		k->box = hooks_new(&limits);
	if (!k->box)
		abort(); /* no memory */
	return hooks_add(k->box, text, strlen(text), err);
}

static void check(struct hook_compiler *k, struct reader *r, struct model_script *s)
{
	const char *name;
	struct err err;
	size_t bytes;

	if (!s || !look_up(k, r, s, &name))
		return;
	if (strlen(s->text) > SCRIPT_MAX_BYTES)
		refuse(r, "LimitExceeded", s->place, "%s: has %zu bytes, the limit is %d", name,
			strlen(s->text), SCRIPT_MAX_BYTES);
	else if (!script_asks(s->text, k->in->settings.hook_kilobytes, &bytes, &err) ||
		 !compiles(k, s->text, &err))
		refuse(r, "InvalidHook", s->place, "%s, %s", name, err.msg);
	else
		vec_add(k->a, &k->found, s);
}

static void check_all(struct hook_compiler *k, const struct vec *models)
{
	vec_foreach (struct model *, m, models) {
		check(k, &m->reader, m->hooks.request);
		check(k, &m->reader, m->hooks.response);
		vec_foreach (const struct model_path *, p, &m->paths)
			vec_foreach (const struct model_operation *, op, &p->operations) {
				check(k, &m->reader, op->hooks.request);
				check(k, &m->reader, op->hooks.response);
			}
	}
}

static int by_text(const void *x, const void *y)
{
	const struct model_script *const *a = x;
	const struct model_script *const *b = y;

	return strcmp((*a)->text, (*b)->text);
}

static void number(struct hook_compiler *k, struct contract_scripts *ret)
{
	if (k->found.n > 1)
		qsort(k->found.at, k->found.n, sizeof(void *), by_text);
	ret->at = arena_alloc(k->a, (k->found.n + 1) * sizeof(*ret->at));
	vec_foreach (struct model_script *, s, &k->found) {
		if (ret->n == 0 || !str_eq(ret->at[ret->n - 1].text, s->text)) {
			ret->at[ret->n] =
				(struct contract_script){ .text = s->text, .number = ret->n };
			ret->n++;
		}
		s->contract = &ret->at[ret->n - 1];
	}
}

static void check_bounds(struct reader *whole, const struct contract_scripts *s)
{
	struct place p = { .path = "" };
	size_t bytes = 0;

	for (size_t i = 0; i < s->n; i++)
		bytes += strlen(s->at[i].text);
	if (s->n > SCRIPT_MAX || bytes > SCRIPT_MAX_ALL_BYTES)
		refuse(whole, "LimitExceeded", p,
			"%zu different hooks of %zu bytes, the limits are %d and %d", s->n, bytes,
			SCRIPT_MAX, SCRIPT_MAX_ALL_BYTES);
	if (s->ms < SCRIPT_MIN_MS || s->ms > SCRIPT_MAX_MS)
		refuse(whole, "LimitExceeded", (struct place){ .path = "hookMilliseconds" },
			"is %u, expected %d to %d", s->ms, SCRIPT_MIN_MS, SCRIPT_MAX_MS);
	if (s->kilobytes < SCRIPT_MIN_KILOBYTES || s->kilobytes > SCRIPT_MAX_KILOBYTES)
		refuse(whole, "LimitExceeded", (struct place){ .path = "hookKilobytes" },
			"is %u, expected %d to %d", s->kilobytes, SCRIPT_MIN_KILOBYTES,
			SCRIPT_MAX_KILOBYTES);
}

struct contract_scripts scripts_compile(
	struct reader *whole, const struct vec *models, const struct toolkit_inputs *in)
{
	struct hook_compiler k = { .a = whole->a, .in = in };
	struct contract_scripts ret = { .ms = in->settings.hook_ms,
		.kilobytes = in->settings.hook_kilobytes };

	check_all(&k, models);
	hooks_free(k.box);
	number(&k, &ret);
	check_bounds(whole, &ret);
	return ret;
}

struct contract_hooks scripts_placed(const struct model_hooks *h)
{
	return (struct contract_hooks){ h->request ? h->request->contract : NULL,
		h->response ? h->response->contract : NULL };
}
