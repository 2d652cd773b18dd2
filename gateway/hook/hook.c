#include "gateway/hook/hook.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "gateway/hook/box.h"
#include "gateway/hook/change.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

enum {
	STRIDE = 200,		  /* instructions between two looks at the bounds */
	MAX_GARBAGE = 256 * 1024, /* bytes that ended runs leave before they are collected */
	MAX_COMPILE = 64 << 20,	  /* bytes that compiling all scripts may take */
	MAX_WHY = 200,
};

/* Allocation is counted against `left`: the runs' bound, not what is in use. */
struct hooks {
	lua_State *lua;
	struct hook_limits limits;
	size_t n; /* scripts; the registry has them as 1 … n */
	int env;  /* in the registry: the metatable of scripts' globals */
	size_t left;
	size_t garbage;
	uint64_t steps;
	uint64_t since_ns; /* 0: nobody has looked at the clock yet */
	enum hook_outcome outcome;
	size_t script;
	struct box box;
};

static void *allocate(void *arg, void *p, size_t old, size_t n)
{
	struct hooks *h = arg;
	size_t more = !p ? n : n > old ? n - old : 0; /* without p, old says what it is for */

	if (n == 0) {
		free(p);
		return NULL;
	}
	if (more > h->left) {
		h->outcome = HOOK_TOO_LARGE;
		return NULL;
	}
	h->left -= more;
	return realloc(p, n);
}

static struct hooks *hooks_of(lua_State *L)
{
	return *(struct hooks **)lua_getextraspace(L);
}

struct box *box_of(lua_State *L)
{
	return &hooks_of(L)->box;
}

/* ---- time ---- */

static bool is_late(struct hooks *h)
{
	uint64_t now;

	if (h->steps > (uint64_t)h->limits.ms * HOOK_STEPS_PER_MS)
		return true;
	if (!h->limits.clock_ns)
		return false;
	now = h->limits.clock_ns();
	if (h->since_ns == 0)
		h->since_ns = now;
	return now - h->since_ns > (uint64_t)h->limits.ms * 1000000;
}

void box_charge(lua_State *L, size_t steps)
{
	struct hooks *h = hooks_of(L);

	h->steps += steps;
	if (h->steps <= (uint64_t)h->limits.ms * HOOK_STEPS_PER_MS)
		return;
	h->outcome = HOOK_TOO_LONG;
	(void)luaL_error(L, "too many steps");
}

void box_grow(lua_State *L, size_t bytes)
{
	struct hooks *h = hooks_of(L);

	if (bytes <= h->left) {
		h->left -= bytes;
		return;
	}
	h->outcome = HOOK_TOO_LARGE;
	(void)luaL_error(L, "not enough memory");
}

static void look(lua_State *L, lua_Debug *unused)
{
	struct hooks *h = hooks_of(L);

	(void)unused;
	h->steps += STRIDE;
	if (!is_late(h))
		return;
	h->outcome = HOOK_TOO_LONG;
	(void)luaL_error(L, "takes too long");
}

/* ---- compiling ---- */

/* Lua's "hook:3: unexpected symbol" as "line 3: unexpected symbol". */
static bool syntax(lua_State *L, struct err *err)
{
	const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "no memory";
	const char *colon = str_starts(text, "hook:") ? strchr(text + 5, ':') : NULL;

	if (colon)
		return err_set(err, ERR_INVALID, "line %.*s:%.300s", (int)(colon - text - 5),
			text + 5, colon + 1);
	return err_set(err, ERR_INVALID, "%.300s", text);
}

static bool compile(lua_State *L, const char *text, size_t n, struct err *err)
{
	return luaL_loadbufferx(L, text, n, "=hook", "t") == LUA_OK || syntax(L, err);
}

bool hooks_add(struct hooks *h, const char *text, size_t n, struct err *err)
{
	bool ok;

	h->left = MAX_COMPILE;
	ok = compile(h->lua, text, n, err);
	if (ok)
		lua_rawseti(h->lua, LUA_REGISTRYINDEX, h->env + (int)++h->n);
	lua_settop(h->lua, 0);
	return ok;
}

/* ---- start and end ---- */

static int set_up(lua_State *L)
{
	struct hooks *h = hooks_of(L);

	lua_createtable(L, 0, 1);
	library_push(L);
	objects_add(L);
	values_add(L);
	lua_setfield(L, -2, "__index");
	h->env = luaL_ref(L, LUA_REGISTRYINDEX);
	return 0;
}

struct hooks *hooks_new(const struct hook_limits *limits)
{
	struct hooks *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->limits = *limits;
	h->left = MAX_COMPILE;
	h->lua = lua_newstate(allocate, h);
	if (!h->lua) {
		free(h);
		return NULL;
	}
	*(struct hooks **)lua_getextraspace(h->lua) = h;
	(void)lua_gc(h->lua, LUA_GCSTOP);
	lua_pushcfunction(h->lua, set_up);
	if (lua_pcall(h->lua, 0, 0, 0) == LUA_OK)
		return h;
	hooks_free(h);
	return NULL;
}

void hooks_free(struct hooks *h)
{
	if (!h)
		return;
	lua_close(h->lua);
	free(h);
}

/* ---- running ---- */

static int bad_answer(lua_State *L, const char *why)
{
	return luaL_error(L, "the answer: %s", why);
}

static void take_values(lua_State *L, struct hook_header *header)
{
	size_t n;
	const char *text = lua_tolstring(L, -1, &n);
	const char *why =
		text ? change_add(box_of(L)->a, header, text, n) : "a header's value is a text";

	if (why)
		bad_answer(L, why);
}

static void take_headers(lua_State *L)
{
	struct box *b = box_of(L);
	struct change_list list = { b->changes->answer.headers, &b->changes->answer.n_headers };
	struct hook_header *header = NULL;

	for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
		size_t n;
		const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &n) : NULL;
		const char *why = name ? change_set(b->a, list, b->view, name, n, &header)
				       : "a header's name is a text";

		if (why)
			bad_answer(L, why);
		take_values(L, header);
	}
}

/* { status = 403, headers = { … }, body = "…" } */
static void take_answer(lua_State *L)
{
	struct hook_changes *changes = box_of(L)->changes;
	const char *body;
	lua_Integer status;
	int is_number;
	size_t n;

	if (box_of(L)->phase == HOOK_RESPONSE)
		bad_answer(L, "a response has one already, change it");
	if (!lua_istable(L, -1))
		bad_answer(L, "expected a table, {status = 403, body = \"…\"}");
	lua_getfield(L, -1, "status");
	status = lua_tointegerx(L, -1, &is_number);
	if (!is_number || status < 200 || status > 599)
		bad_answer(L, "status is a number from 200 to 599");
	lua_getfield(L, -2, "body");
	body = lua_tolstring(L, -1, &n);
	if (!body && !lua_isnil(L, -1))
		bad_answer(L, "body is a text");
	if (body && n > HOOK_MAX_BODY)
		bad_answer(L, "body has at most 65536 bytes");
	if (body)
		changes->answer.body = (struct span){ arena_dupn(box_of(L)->a, body, n), n };
	lua_getfield(L, -3, "headers");
	if (lua_istable(L, -1))
		take_headers(L);
	else if (!lua_isnil(L, -1))
		bad_answer(L, "headers is a table");
	changes->answer.status = (int)status;
}

static int run(lua_State *L)
{
	struct hooks *h = hooks_of(L);

	lua_rawgeti(L, LUA_REGISTRYINDEX, h->env + 1 + (int)h->script);
	lua_createtable(L, 0, 0);
	lua_rawgeti(L, LUA_REGISTRYINDEX, h->env);
	lua_setmetatable(L, -2);
	(void)lua_setupvalue(L, -2, 1);
	lua_call(L, 0, 1);
	if (!lua_isnil(L, -1))
		take_answer(L);
	return 0;
}

/* Of an error that nothing may be allocated for any more. */
static const char *why_it_ended(struct arena *a, lua_State *L)
{
	size_t n = 0;
	const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &n) : NULL;
	char *why;

	if (!text)
		return "an error that is no text";
	why = arena_dupn(a, text, n < MAX_WHY ? n : MAX_WHY);
	for (char *c = why; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return why;
}

static void clean_up(struct hooks *h, bool failed)
{
	h->garbage += h->limits.kilobytes * 1024 - h->left;
	h->left = MAX_COMPILE; /* collecting needs none of it */
	if (!failed && h->garbage < MAX_GARBAGE)
		return;
	(void)lua_gc(h->lua, LUA_GCCOLLECT);
	h->garbage = 0;
}

enum hook_outcome hooks_run(struct hooks *h, struct arena *a, size_t script, enum hook_phase phase,
	const struct hook_view *view, struct hook_changes *changes, const char **ret_why)
{
	bool ok;

	h->box = (struct box){ .a = a, .phase = phase, .view = view, .changes = changes };
	h->script = script;
	h->outcome = HOOK_FAILED;
	h->steps = h->since_ns = 0;
	h->left = h->limits.kilobytes * 1024;
	*ret_why = NULL;
	lua_sethook(h->lua, look, LUA_MASKCOUNT, STRIDE);
	lua_pushcfunction(h->lua, run);
	ok = lua_pcall(h->lua, 0, 0, 0) == LUA_OK;
	if (!ok)
		*ret_why = why_it_ended(a, h->lua);
	lua_settop(h->lua, 0);
	clean_up(h, !ok);
	if (!ok)
		return h->outcome;
	return changes->answer.status != 0 ? HOOK_ANSWERED : HOOK_WENT_ON;
}
