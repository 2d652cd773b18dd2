/* JSON and Lua: what claims are to scripts, and json.decode, json.encode, json.array, json.null.
 *
 * Nodes and texts of lib/json live in the request's arena; they are counted before they are made.
 * A list carries a mark, without which one that is empty could not be told from an object.
 */
#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "gateway/hook/box.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

enum {
	NODE_BYTES = 80, /* of a value in lib/json, and of its place in a list that is sorted */
};

#define MAX_WHOLE ((lua_Integer)1 << 53) /* beyond it not every number is its own double */

static const char list_mark; /* its address is the key of the metatable in the registry */

static void mark_list(lua_State *L)
{
	lua_rawgetp(L, LUA_REGISTRYINDEX, &list_mark);
	lua_setmetatable(L, -2);
}

static bool is_marked(lua_State *L, int i)
{
	bool is_equal;

	if (!lua_getmetatable(L, i))
		return false;
	lua_rawgetp(L, LUA_REGISTRYINDEX, &list_mark);
	is_equal = lua_rawequal(L, -1, -2);
	lua_pop(L, 2);
	return is_equal;
}

/* ---- from JSON ---- */

static void push_number(lua_State *L, const struct json *v, bool exact)
{
	double number = 0;
	int64_t whole;

	(void)json_num(v, &number);
	if (exact && fabs(number) >= (double)MAX_WHOLE)
		(void)luaL_error(L, "a number beyond 2^53, which would lose digits");
	if (json_int(v, &whole))
		lua_pushinteger(L, whole);
	else
		lua_pushnumber(L, number);
}

static void push_list(lua_State *L, const struct json *v, bool exact)
{
	lua_Integer i = 0;

	lua_createtable(L, (int)json_len(v), 0);
	mark_list(L);
	json_foreach (m, v) {
		value_push(L, m, exact);
		lua_rawseti(L, -2, ++i);
	}
}

static void push_object(lua_State *L, const struct json *v, bool exact)
{
	lua_createtable(L, 0, (int)json_len(v));
	json_foreach (m, v) {
		lua_pushstring(L, json_key(m));
		value_push(L, m, exact);
		lua_rawset(L, -3);
	}
}

void value_push(lua_State *L, const struct json *v, bool exact)
{
	luaL_checkstack(L, 4, "nested too deeply");
	box_charge(L, 1);
	if (json_is_str(v))
		lua_pushstring(L, json_str(v));
	else if (json_is_num(v))
		push_number(L, v, exact);
	else if (json_is_bool(v))
		lua_pushboolean(L, json_is_true(v));
	else if (json_is_object(v))
		push_object(L, v, exact);
	else if (json_is_array(v))
		push_list(L, v, exact);
	else if (exact)
		lua_pushlightuserdata(L, NULL);
	else
		lua_pushnil(L);
}

/* As many as there can be: each but the first stands behind one of these. */
static size_t values_in(const char *text, size_t n)
{
	size_t found = 1;

	for (size_t i = 0; i < n; i++)
		found += text[i] == ',' || text[i] == '[' || text[i] == '{';
	return found;
}

static int json_decode(lua_State *L)
{
	struct err err = { .msg = "not JSON: a text that is not UTF-8" };
	const struct json *v = NULL;
	size_t n;
	const char *text = luaL_checklstring(L, 1, &n);

	box_charge(L, 1 + n);
	box_grow(L, n + NODE_BYTES * values_in(text, n));
	if (utf8_ok(text, n))
		v = json_parse(box_of(L)->a, text, n, &err);
	if (!v)
		return luaL_error(L, "%s", err.msg);
	value_push(L, v, true);
	return 1;
}

/* ---- to JSON ---- */

static struct json *value_at(lua_State *L, int i, int depth);

/* What a text takes when it is written. */
static size_t written(const char *text, size_t n)
{
	size_t bytes = n + 2;

	for (size_t i = 0; i < n; i++)
		bytes += (unsigned char)text[i] < ' ' ? 5 : text[i] == '"' || text[i] == '\\';
	return bytes;
}

static const char *checked_text(lua_State *L, int i)
{
	size_t n;
	const char *text = lua_tolstring(L, i, &n);

	if (!utf8_ok(text, n) || memchr(text, '\0', n))
		(void)luaL_error(L, "a text that is not UTF-8, or has a NUL byte");
	box_charge(L, 1 + n);
	box_grow(L, NODE_BYTES + n + 2 * written(text, n));
	return text;
}

static struct json *number_at(lua_State *L, int i)
{
	double number = lua_tonumber(L, i);

	if (!isfinite(number))
		(void)luaL_error(L, "a number that JSON does not have");
	if (lua_isinteger(L, i) &&
		(lua_tointeger(L, i) > MAX_WHOLE || lua_tointeger(L, i) < -MAX_WHOLE))
		(void)luaL_error(L, "a number beyond 2^53, which would lose digits");
	return json_number(box_of(L)->a, number);
}

static struct json *list_at(lua_State *L, int i, int depth)
{
	struct json *list = json_array(box_of(L)->a);
	lua_Integer last = (lua_Integer)lua_rawlen(L, i);
	lua_Integer found = 0;

	for (lua_pushnil(L); lua_next(L, i); lua_pop(L, 1)) {
		box_charge(L, 1);
		found++;
	}
	if (found != last)
		(void)luaL_error(L, "a list that has gaps, or members with names");
	for (lua_Integer k = 1; k <= last; k++) {
		lua_rawgeti(L, i, k);
		json_add(list, value_at(L, lua_gettop(L), depth));
		lua_pop(L, 1);
	}
	return list;
}

static struct json *object_at(lua_State *L, int i, int depth)
{
	struct arena *a = box_of(L)->a;
	struct json *o = json_object(a);

	for (lua_pushnil(L); lua_next(L, i); lua_pop(L, 1)) {
		if (lua_type(L, -2) != LUA_TSTRING)
			(void)luaL_error(L, "a member's name that is no text");
		json_append(a, o, checked_text(L, -2), value_at(L, lua_gettop(L), depth));
	}
	return o;
}

static struct json *value_at(lua_State *L, int i, int depth)
{
	struct arena *a = box_of(L)->a;

	luaL_checkstack(L, 4, "nested too deeply");
	box_charge(L, 1);
	box_grow(L, NODE_BYTES);
	if (depth > JSON_MAX_DEPTH)
		(void)luaL_error(L, "nested deeper than %d levels", JSON_MAX_DEPTH);
	switch (lua_type(L, i)) {
	case LUA_TNIL:
	case LUA_TLIGHTUSERDATA:
		return json_null(a);
	case LUA_TBOOLEAN:
		return json_boolean(a, lua_toboolean(L, i));
	case LUA_TNUMBER:
		return number_at(L, i);
	case LUA_TSTRING:
		return json_string(a, checked_text(L, i));
	case LUA_TTABLE:
		return is_marked(L, i) || lua_rawlen(L, i) > 0 ? list_at(L, i, depth + 1)
							       : object_at(L, i, depth + 1);
	default:
		(void)luaL_error(L, "a %s, which JSON does not have", luaL_typename(L, i));
		return NULL;
	}
}

static int json_encode(lua_State *L)
{
	const struct json *v;

	luaL_checkany(L, 1);
	lua_settop(L, 1);
	v = value_at(L, 1, 0);
	lua_pushstring(L, json_canonical(box_of(L)->a, v));
	return 1;
}

/* A table that has a metatable is one that all scripts share. */
static int json_list(lua_State *L)
{
	lua_settop(L, 1);
	if (lua_isnil(L, 1)) {
		lua_createtable(L, 0, 0);
		lua_replace(L, 1);
	}
	luaL_checktype(L, 1, LUA_TTABLE);
	if (is_marked(L, 1))
		return 1;
	luaL_argcheck(L, !lua_getmetatable(L, 1), 1, "what all scripts share cannot be changed");
	mark_list(L);
	return 1;
}

void values_add(lua_State *L)
{
	static const luaL_Reg own[] = { { "decode", json_decode }, { "encode", json_encode },
		{ "array", json_list }, { NULL, NULL } };

	lua_createtable(L, 0, 0);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &list_mark);
	lua_createtable(L, 0, 4);
	luaL_setfuncs(L, own, 0);
	lua_pushlightuserdata(L, NULL);
	lua_setfield(L, -2, "null");
	box_protect(L);
	lua_setfield(L, -2, "json");
}
