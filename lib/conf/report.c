#include "lib/api/finding.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/conf/conf.h"
#include "lib/json/json.h"

enum {
	MAX_REPORT = 256 * 1024
};

static void add_line(struct str *s, const char *path, const char *message)
{
	if (s->len == 0)
		str_add(s, "False");
	str_addf(s, "\n- %s: %s", path, message);
}

static const char *verdict(const struct str *s)
{
	return s->len == 0 ? "True" : s->ptr;
}

/* Of the keys that files of the original have with values that they have there, which no finding is
 * made of. */
static void add_quiet(
	struct str *s, const struct conf_input *in, enum conf_object o, const struct findings *f)
{
	json_foreach (m, json_get(in->objects[o], "data")) {
		const char *object = conf_object_name(o);
		char *path = json_key(m) ? arena_printf(f->arena, "%s.%.64s", object, json_key(m))
					 : NULL;
		bool told = !path || !conf_key_is_ignored(object, json_key(m));

		vec_foreach (const struct finding *, x, &f->all)
			told = told || str_eq(x->path, path);
		if (!told)
			add_line(s, path, "has no effect in this version of the operator");
	}
}

struct json *conf_report(struct arena *a, const struct conf_input *in)
{
	struct json *report = json_object(a);
	struct findings f;
	struct str invalid;
	struct str unused;
	struct conf c;

	findings_init(&f, a);
	conf_read(a, in, &c, &f);
	str_init(&invalid, a, MAX_REPORT);
	str_init(&unused, a, MAX_REPORT);
	vec_foreach (const struct finding *, x, &f.all)
		add_line(x->kind == FINDING_UNUSED ? &unused : &invalid, x->path, x->message);
	if (f.left_out > 0)
		add_line(&invalid, "and",
			arena_printf(a, "%zu more that are not listed", f.left_out));
	for (enum conf_object o = CONF_CONTROLLER; o < CONF_OBJECTS; o++)
		add_quiet(&unused, in, o, &f);
	json_set_str(a, report, "ConfigurationValid", verdict(&invalid));
	json_set_str(a, report, "EveryKeyHasEffect", verdict(&unused));
	return report;
}
