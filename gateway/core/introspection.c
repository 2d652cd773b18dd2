#include "gateway/core/introspection.h"

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

static const char *text(const struct json *o, const char *key)
{
	const char *s = json_get_str(o, key);

	return s ? s : "";
}

static void read_active(const struct json *o, int64_t now_s, struct introspection *ret)
{
	struct token *t = &ret->token;
	const char *user = text(o, "username");
	int64_t exp = 0;

	ret->is_active = true;
	t->subject = *user ? user : text(o, "sub");
	t->application = t->application_id = text(o, "client_id");
	t->application_tier = "Unlimited";
	t->scope = text(o, "scope");
	t->sandbox = str_eq(json_get_str(o, "keytype"), "SANDBOX");
	if (json_get(o, "exp") && (!json_int(json_get(o, "exp"), &exp) || exp <= now_s))
		ret->is_active = false;
	else if (json_get(o, "exp") && exp < t->exp)
		t->exp = exp;
}

bool introspection_begin(
	struct arena *a, int status, int64_t now_s, int64_t believe_s, struct introspection *ret)
{
	*ret = (struct introspection){ .token = token_empty() };
	ret->token.has_exp = true;
	ret->token.exp = now_s + believe_s;
	if (status != 200)
		ret->failure = arena_printf(a, "key manager: status %d%s", status,
			status == 401 || status == 403
				? ", it refuses the gateway's own credentials"
				: "");
	return status == 200;
}

void introspection_end(int64_t now_s, int64_t believe_s, struct introspection *ret)
{
	if (!ret->is_active)
		ret->token.exp =
			now_s + (believe_s < INTROSPECTION_BAD_S ? believe_s : INTROSPECTION_BAD_S);
}

void introspection_read(struct arena *a, int status, struct span body, int64_t now_s,
	int64_t believe_s, struct introspection *ret)
{
	struct err ignored;
	const struct json *o;

	if (!introspection_begin(a, status, now_s, believe_s, ret))
		return;
	o = json_parse(a, body.at, body.n, &ignored);
	if (!json_is_bool(json_get(o, "active"))) {
		ret->failure = "key manager: no answer of RFC 7662";
		return;
	}
	if (json_get_bool(o, "active", false))
		read_active(o, now_s, ret);
	introspection_end(now_s, believe_s, ret);
}

struct span introspection_question(struct arena *a, struct span token)
{
	struct str s;

	str_init(&s, a, 3 * token.n + 64);
	str_add(&s, "token=");
	str_add_url(&s, arena_dupn(a, token.at, token.n));
	str_add(&s, "&token_type_hint=access_token");
	return (struct span){ s.ptr, s.len };
}
