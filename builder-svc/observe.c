#include "builder-svc/observe.h"

#include "builder-svc/build.h"
#include "builder-svc/ecr.h"
#include "builder-svc/scene.h"
#include "lib/api/object.h"
#include "lib/base/err.h"
#include "lib/json/json.h"
#include "lib/plan/world.h"

/* NULL on failure. */
static struct json *get_token(const struct scene *s, struct err *err)
{
	struct arena *a = s->arena;
	size_t n = 0;
	const char *text = data_entry(a, s->aws, AWS_CREDENTIALS, &n);
	struct aws_key key;
	struct ecr_token token;

	if (!text) {
		err_set(err, ERR_DENIED, "there is no key of AWS (entry \"" AWS_CREDENTIALS "\")");
		return NULL;
	}
	if (!aws_key_read(a, text, n, &key, err)) {
		err->code = ERR_DENIED;
		return NULL;
	}
	if (!ecr_token_get(a, &s->place, &key, &token, err))
		return NULL;
	return json_format(a, "{'password':%s,'expiresAt':%l}", token.password, token.expires_at);
}

static struct json *failure(struct arena *a, const struct err *why)
{
	return json_format(a, "{'error':%s,'message':%s}", err_code_name(why->code), why->msg);
}

void build_observe_by(struct world *w, registry_look_fn *look)
{
	struct scene s;
	struct registry_answer answer;
	struct err why = { .code = ERR_NONE };

	scene_read(w->arena, w, &s);
	if (build_lacks_token(&s)) {
		struct json *token = get_token(&s, &why);

		w->observed = token ? json_format(w->arena, "{'token':%j}", token)
				    : failure(w->arena, &why);
		if (!token)
			return;
		scene_read(w->arena, w, &s);
	}
	if (!build_asks_registry(&s))
		return;
	if (look(w->arena, &s.image, s.conf.registry.insecure, s.login, &answer, &why))
		w->observed =
			json_prune(json_format(w->arena, "{'present':%b,'digest':%s,'token':%j}",
				answer.present, answer.digest, s.token));
	else
		w->observed = failure(w->arena, &why);
}

bool build_observe(struct world *w, struct err *err)
{
	(void)err;
	build_observe_by(w, registry_look);
	return true;
}
