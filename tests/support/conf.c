#include "tests/support/conf.h"

#include "lib/base/arena.h"
#include "lib/json/json.h"

struct fixture a_conf(void)
{
	struct fixture x = { .arena = arena_new() };

	x.in.images = (struct conf_images){ "toolkit:1", "runtime:1", "kaniko:1" };
	return x;
}

void release(struct fixture *x)
{
	arena_free(x->arena);
}

void conf_has(struct fixture *x, enum conf_object o, const char *data)
{
	struct json *object = json_object(x->arena);

	json_set(x->arena, object, "data", json_format(x->arena, data));
	x->in.objects[o] = object;
}

void read_conf(struct fixture *x)
{
	findings_init(&x->findings, x->arena);
	conf_read(x->arena, &x->in, &x->conf, &x->findings);
}

const char *wrong(struct fixture *x)
{
	return findings_fatal_text(&x->findings);
}
