#include "builder-svc/observe.h"

#include "builder-svc/build.h"
#include "builder-svc/scene.h"
#include "lib/base/err.h"
#include "lib/json/json.h"
#include "lib/plan/world.h"

void build_observe_by(struct world *w, registry_look_fn *look)
{
	struct scene s;
	struct registry_answer answer;
	struct err why = { .code = ERR_NONE };

	scene_read(w->arena, w, &s);
	if (!build_asks_registry(&s))
		return;
	if (look(w->arena, &s.image, s.conf.registry.insecure, s.login, &answer, &why))
		w->observed = json_format(
			w->arena, "{'present':%b,'digest':%s}", answer.present, answer.digest);
	else
		w->observed = json_format(
			w->arena, "{'error':%s,'message':%s}", err_code_name(why.code), why.msg);
}

bool build_observe(struct world *w, struct err *err)
{
	(void)err;
	build_observe_by(w, registry_look);
	return true;
}
