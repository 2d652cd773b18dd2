/* What scripts see of requests and responses: `request` and `response`. Both are doors without
 * anything behind them that would outlive a run: what they show is asked of the run that goes on.
 */
#include <lauxlib.h>

#include "gateway/hook/box.h"
#include "gateway/hook/change.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

static void push_span(lua_State *L, struct span s)
{
	if (s.n > 0)
		(void)lua_pushlstring(L, s.at, s.n);
	else
		lua_pushnil(L);
}

/* ---- headers ---- */

static struct change_list changed(struct box *b)
{
	return (struct change_list){ b->changes->headers, &b->changes->n_headers };
}

static const char *lower_name(lua_State *L, char *ret)
{
	size_t n;
	const char *name = luaL_checklstring(L, 2, &n);
	const char *why = change_lower(name, n, ret);

	if (why)
		(void)luaL_error(L, "%s", why);
	return ret;
}

static int get_header(lua_State *L, enum hook_phase of)
{
	char lower[HOOK_MAX_NAME + 1];
	const char *name = lower_name(L, lower);
	struct box *b = box_of(L);
	const struct hook_header *h = of == b->phase ? change_find(changed(b), name) : NULL;
	bool (*find)(void *, const char *, struct span *) =
		of == HOOK_REQUEST ? b->view->header : b->view->response_header;
	struct span value = { 0 };

	if (h) {
		if (h->n == 0)
			return 0;
		(void)lua_pushlstring(L, h->value[0].at, h->value[0].n);
		return 1;
	}
	if (!find || !find(b->view->arg, name, &value))
		return 0;
	(void)lua_pushlstring(L, value.at, value.n);
	return 1;
}

static void add_value(lua_State *L, int i, struct hook_header *h)
{
	const char *text = NULL;
	const char *why;
	size_t n;

	if (lua_type(L, i) == LUA_TSTRING || lua_type(L, i) == LUA_TNUMBER)
		text = lua_tolstring(L, i, &n);
	box_grow(L, text ? n : 0);
	why = text ? change_add(box_of(L)->a, h, text, n)
		   : "a header's value is a text, a number, a list of them, or nil";
	if (why)
		(void)luaL_error(L, "%s", why);
}

static void set_header(lua_State *L)
{
	struct box *b = box_of(L);
	struct hook_header *h = NULL;
	size_t n;
	const char *name = luaL_checklstring(L, 2, &n);
	const char *why;

	box_grow(L, sizeof(*h) + 2 * n);
	why = change_set(b->a, changed(b), b->view, name, n, &h);
	if (why)
		(void)luaL_error(L, "%s: %s", name, why);
	if (lua_istable(L, 3)) {
		lua_Integer last = (lua_Integer)lua_rawlen(L, 3);

		for (lua_Integer i = 1; i <= last; i++) {
			lua_rawgeti(L, 3, i);
			add_value(L, -1, h);
			lua_pop(L, 1);
		}
	} else if (!lua_isnil(L, 3)) {
		add_value(L, 3, h);
	}
}

static int request_get_header(lua_State *L)
{
	return get_header(L, HOOK_REQUEST);
}

static int response_get_header(lua_State *L)
{
	if (box_of(L)->phase != HOOK_RESPONSE)
		return luaL_error(L, "there is no response yet");
	return get_header(L, HOOK_RESPONSE);
}

static int request_set_header(lua_State *L)
{
	if (box_of(L)->phase != HOOK_REQUEST)
		return luaL_error(L, "the request has been sent already");
	set_header(L);
	return 0;
}

static int response_set_header(lua_State *L)
{
	if (box_of(L)->phase != HOOK_RESPONSE)
		return luaL_error(L, "there is no response yet");
	set_header(L);
	return 0;
}

/* ---- claims ---- */

static void push_claims(lua_State *L)
{
	struct box *b = box_of(L);

	if (!b->asked_claims) {
		b->asked_claims = true;
		b->claims = b->view->claims ? b->view->claims(b->view->arg) : NULL;
	}
	if (b->claims)
		value_push(L, b->claims, false);
	else
		lua_createtable(L, 0, 0);
}

/* ---- bodies ---- */

static void push_body(lua_State *L)
{
	const struct box *b = box_of(L);

	if (b->view->body_hidden)
		(void)luaL_error(L, "the body cannot be read: %s", b->view->body_hidden);
	push_span(L, b->changes->has_body ? b->changes->body : b->view->body);
}

static void set_body(lua_State *L)
{
	struct box *b = box_of(L);
	size_t n;
	const char *text = luaL_optlstring(L, 3, "", &n);

	if (b->view->body_fixed)
		(void)luaL_error(L, "the body cannot be replaced: %s", b->view->body_fixed);
	if (n > b->view->most_body)
		(void)luaL_error(L, "a body has at most %d bytes here", (int)b->view->most_body);
	box_grow(L, n);
	b->changes->body = (struct span){ arena_dupn(b->a, text, n), n };
	b->changes->has_body = true;
}

/* ---- request ---- */

static const struct {
	const char *name;
	size_t offset; /* of a span in the view */
} texts[] = {
	{ "method", offsetof(struct hook_view, method) },
	{ "path", offsetof(struct hook_view, path) },
	{ "client", offsetof(struct hook_view, client) },
	{ "id", offsetof(struct hook_view, id) },
	{ "api", offsetof(struct hook_view, api) },
	{ "version", offsetof(struct hook_view, version) },
	{ "operation", offsetof(struct hook_view, operation) },
	{ "user", offsetof(struct hook_view, user) },
	{ "application", offsetof(struct hook_view, application) },
};

static bool push_text(lua_State *L, const char *name)
{
	const struct hook_view *view = box_of(L)->view;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (str_eq(texts[i].name, name)) {
			push_span(L, *(const struct span *)((const char *)view + texts[i].offset));
			return true;
		}
	return false;
}

/* The first upvalue is request.headers. */
static int request_get(lua_State *L)
{
	const char *name = luaL_checkstring(L, 2);
	const struct box *b = box_of(L);
	bool is_changed = b->phase == HOOK_REQUEST && b->changes->has_query;

	if (str_eq(name, "headers"))
		lua_pushvalue(L, lua_upvalueindex(1));
	else if (str_eq(name, "query"))
		push_span(L, is_changed ? b->changes->query : b->view->query);
	else if (str_eq(name, "claims"))
		push_claims(L);
	else if (str_eq(name, "body") && b->phase == HOOK_RESPONSE)
		return luaL_error(L, "the request's body is not kept");
	else if (str_eq(name, "body"))
		push_body(L);
	else if (str_eq(name, "keytype"))
		lua_pushstring(L, b->view->sandbox ? "SANDBOX" : "PRODUCTION");
	else if (!push_text(L, name))
		return luaL_error(L, "request has no \"%s\"", name);
	return 1;
}

static void set_query(lua_State *L)
{
	struct box *b = box_of(L);
	size_t n;
	const char *query = luaL_optlstring(L, 3, "", &n);
	const char *why = change_query(query, n);

	if (why)
		(void)luaL_error(L, "%s", why);
	box_grow(L, n);
	b->changes->query = (struct span){ arena_dupn(b->a, query, n), n };
	b->changes->has_query = true;
}

static int request_set(lua_State *L)
{
	const char *name = luaL_checkstring(L, 2);
	bool is_body = str_eq(name, "body");

	if (!is_body && !str_eq(name, "query"))
		return luaL_error(L, "request.%s cannot be changed", name);
	if (box_of(L)->phase != HOOK_REQUEST)
		return luaL_error(L, "the request has been sent already");
	if (is_body)
		set_body(L);
	else
		set_query(L);
	return 0;
}

/* ---- response ---- */

static int response_get(lua_State *L)
{
	const char *name = luaL_checkstring(L, 2);
	const struct box *b = box_of(L);

	if (b->phase != HOOK_RESPONSE)
		return luaL_error(L, "there is no response yet");
	if (str_eq(name, "headers"))
		lua_pushvalue(L, lua_upvalueindex(1));
	else if (str_eq(name, "status"))
		lua_pushinteger(L, b->changes->status ? b->changes->status : b->view->status);
	else if (str_eq(name, "body"))
		push_body(L);
	else
		return luaL_error(L, "response has no \"%s\"", name);
	return 1;
}

static void set_status(lua_State *L)
{
	lua_Integer status = luaL_checkinteger(L, 3);

	if (status < 200 || status > 599)
		(void)luaL_error(L, "status is a number from 200 to 599");
	box_of(L)->changes->status = (int)status;
}

static int response_set(lua_State *L)
{
	const char *name = luaL_checkstring(L, 2);

	if (box_of(L)->phase != HOOK_RESPONSE)
		return luaL_error(L, "there is no response yet");
	if (str_eq(name, "status"))
		set_status(L);
	else if (str_eq(name, "body"))
		set_body(L);
	else
		return luaL_error(L, "response.%s cannot be changed", name);
	return 0;
}

/* ---- doors ---- */

/* A value that is nothing but these two functions. The first has the value on top as its upvalue,
 * which is replaced. */
static void push_door(lua_State *L, lua_CFunction get, lua_CFunction set)
{
	(void)lua_newuserdatauv(L, 0, 0);
	lua_createtable(L, 0, 2);
	lua_pushvalue(L, -3);
	lua_pushcclosure(L, get, 1);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, set);
	lua_setfield(L, -2, "__newindex");
	lua_setmetatable(L, -2);
	lua_remove(L, -2);
}

void objects_add(lua_State *L)
{
	lua_pushnil(L);
	push_door(L, request_get_header, request_set_header);
	push_door(L, request_get, request_set);
	lua_setfield(L, -2, "request");
	lua_pushnil(L);
	push_door(L, response_get_header, response_set_header);
	push_door(L, response_get, response_set);
	lua_setfield(L, -2, "response");
}
