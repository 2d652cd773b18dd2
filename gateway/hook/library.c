/* What scripts know by name. Functions of Lua's that do more work than one step are charged for it;
 * those that could do any amount of it are written anew, or left out. */
#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

#include "gateway/hook/box.h"

enum {
	MAX_DIGITS = 64,    /* of a text that tonumber reads */
	BYTES_PER_STEP = 8, /* of a text that is looked at as a whole */
};

static const char *checked(lua_State *L, int i, size_t *ret_n)
{
	const char *text = luaL_checklstring(L, i, ret_n);

	box_charge(L, 1 + *ret_n / BYTES_PER_STEP);
	return text;
}

/* Calls the function in the first upvalue. The length of the first argument is what it costs, if
 * there are as many as the second upvalue says: to the end of a table things are added for nothing.
 */
static int charged(lua_State *L)
{
	size_t n = lua_gettop(L) < lua_tointeger(L, lua_upvalueindex(2)) ? 0 : lua_rawlen(L, 1);

	box_charge(L, 1 + (lua_type(L, 1) == LUA_TSTRING ? n / BYTES_PER_STEP : n));
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
	return lua_gettop(L);
}

/* ---- base ---- */

/* A table's text would be its address. */
static void push_text(lua_State *L, int i)
{
	switch (lua_type(L, i)) {
	case LUA_TNIL:
	case LUA_TBOOLEAN:
	case LUA_TNUMBER:
	case LUA_TSTRING:
		(void)luaL_tolstring(L, i, NULL);
		return;
	default:
		lua_pushstring(L, luaL_typename(L, i));
	}
}

static int base_tostring(lua_State *L)
{
	luaL_checkany(L, 1);
	push_text(L, 1);
	return 1;
}

/* Of whole numbers and others, in base 10 or 16 as Lua writes them; nil for what is none. */
static int base_tonumber(lua_State *L)
{
	size_t n;
	const char *text;

	luaL_checkany(L, 1);
	if (lua_type(L, 1) == LUA_TNUMBER) {
		lua_settop(L, 1);
		return 1;
	}
	text = lua_type(L, 1) == LUA_TSTRING ? lua_tolstring(L, 1, &n) : NULL;
	if (!text || n > MAX_DIGITS || lua_stringtonumber(L, text) != n + 1)
		lua_pushnil(L);
	return 1;
}

/* With the place, like error "…", unless it is no text. */
static int base_error(lua_State *L)
{
	lua_settop(L, 1);
	if (lua_type(L, 1) == LUA_TSTRING) {
		luaL_where(L, 1);
		lua_insert(L, 1);
		lua_concat(L, 2);
	}
	return lua_error(L);
}

/* ---- string ---- */

/* Where a text stands in another: plain, no patterns, so that it costs what it looks at. */
static int string_find(lua_State *L)
{
	size_t n, m;
	const char *text = checked(L, 1, &n);
	const char *what = checked(L, 2, &m);
	lua_Integer from = luaL_optinteger(L, 3, 1);
	const char *at;

	if (from < 0)
		from = (lua_Integer)n + from + 1;
	if (from < 1)
		from = 1;
	if (from > (lua_Integer)n + 1)
		return luaL_pushfail(L), 1;
	at = memmem(text + from - 1, n - (size_t)from + 1, what, m);
	if (!at)
		return luaL_pushfail(L), 1;
	lua_pushinteger(L, at - text + 1);
	lua_pushinteger(L, at - text + (lua_Integer)m);
	return 2;
}

/* "a, b" by ", " → {"a", "b"} */
static int string_split(lua_State *L)
{
	size_t n, m;
	const char *text = checked(L, 1, &n);
	const char *by = checked(L, 2, &m);
	const char *end = text + n;
	const char *at;
	lua_Integer i = 0;

	luaL_argcheck(L, m > 0, 2, "separator is empty");
	lua_createtable(L, 0, 0);
	while ((at = memmem(text, (size_t)(end - text), by, m))) {
		box_charge(L, 1);
		(void)lua_pushlstring(L, text, (size_t)(at - text));
		lua_rawseti(L, -2, ++i);
		text = at + m;
	}
	(void)lua_pushlstring(L, text, (size_t)(end - text));
	lua_rawseti(L, -2, ++i);
	return 1;
}

/* Every occurrence, plain. */
static int string_replace(lua_State *L)
{
	size_t n, m, k;
	const char *text = checked(L, 1, &n);
	const char *from = checked(L, 2, &m);
	const char *to = checked(L, 3, &k);
	const char *end = text + n;
	const char *at;
	luaL_Buffer b;

	luaL_argcheck(L, m > 0, 2, "what is replaced is empty");
	luaL_buffinit(L, &b);
	while ((at = memmem(text, (size_t)(end - text), from, m))) {
		box_charge(L, 1 + k / BYTES_PER_STEP);
		luaL_addlstring(&b, text, (size_t)(at - text));
		luaL_addlstring(&b, to, k);
		text = at + m;
	}
	luaL_addlstring(&b, text, (size_t)(end - text));
	luaL_pushresult(&b);
	return 1;
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static int string_trim(lua_State *L)
{
	size_t n;
	const char *text = checked(L, 1, &n);

	for (; n > 0 && is_blank(*text); n--)
		text++;
	while (n > 0 && is_blank(text[n - 1]))
		n--;
	(void)lua_pushlstring(L, text, n);
	return 1;
}

static int string_starts(lua_State *L)
{
	size_t n, m;
	const char *text = checked(L, 1, &n);
	const char *prefix = checked(L, 2, &m);

	lua_pushboolean(L, m <= n && memcmp(text, prefix, m) == 0);
	return 1;
}

static int string_ends(lua_State *L)
{
	size_t n, m;
	const char *text = checked(L, 1, &n);
	const char *suffix = checked(L, 2, &m);

	lua_pushboolean(L, m <= n && memcmp(text + n - m, suffix, m) == 0);
	return 1;
}

static int string_rep(lua_State *L)
{
	size_t n;
	const char *text = checked(L, 1, &n);
	lua_Integer times = luaL_checkinteger(L, 2);
	luaL_Buffer b;

	luaL_buffinit(L, &b);
	for (; n > 0 && times > 0; times--) {
		box_charge(L, 1 + n / BYTES_PER_STEP);
		luaL_addlstring(&b, text, n);
	}
	luaL_pushresult(&b);
	return 1;
}

/* Lua's, but for what shows addresses. */
static int string_format(lua_State *L)
{
	size_t n;
	const char *format = checked(L, 1, &n);

	for (const char *c = format; (c = memchr(c, '%', (size_t)(format + n - c))); c++) {
		c += 1 + strspn(c + 1, "-+ #0123456789.");
		luaL_argcheck(L, *c != 'p', 1, "%p is not known here");
		if (c == format + n)
			break;
	}
	for (int i = 2; i <= lua_gettop(L); i++)
		if (lua_istable(L, i) || lua_isfunction(L, i) || lua_isuserdata(L, i)) {
			push_text(L, i);
			lua_replace(L, i);
		}
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, lua_gettop(L) - 1, 1);
	return 1;
}

/* ---- table ---- */

/* pairs in the order of keys: numbers before texts. Lua's own order is another one in every
 * process. In Lua, so that it is counted like a script. */
static const char pairs_text[] =
	"local next, type, ipairs = ...\n"
	"local function less(a, b)\n"
	"	local x, y = type(a), type(b)\n"
	"	if x ~= y then return x < y end\n"
	"	return (x == 'number' or x == 'string') and a < b\n"
	"end\n"
	"local function merge(from, to, left, middle, right)\n"
	"	local i, j = left, middle\n"
	"	for k = left, right - 1 do\n"
	"		if i < middle and (j >= right or not less(from[j], from[i])) then\n"
	"			to[k] = from[i] i = i + 1\n"
	"		else\n"
	"			to[k] = from[j] j = j + 1\n"
	"		end\n"
	"	end\n"
	"end\n"
	"return function(t)\n"
	"	local keys, n = {}, 0\n"
	"	for k in next, t do n = n + 1 keys[n] = k end\n"
	"	local other, width = {}, 1\n"
	"	while width < n do\n"
	"		for left = 1, n, 2 * width do\n"
	"			local middle, right = left + width, left + 2 * width\n"
	"			merge(keys, other, left, middle <= n + 1 and middle or n + 1,\n"
	"				right <= n + 1 and right or n + 1)\n"
	"		end\n"
	"		keys, other, width = other, keys, 2 * width\n"
	"	end\n"
	"	local i = 0\n"
	"	return function()\n"
	"		i = i + 1\n"
	"		local k = keys[i]\n"
	"		if k ~= nil then return k, t[k] end\n"
	"	end\n"
	"end\n";

static void add_pairs(lua_State *L, int base)
{
	if (luaL_loadbufferx(L, pairs_text, sizeof(pairs_text) - 1, "=pairs", "t") != LUA_OK)
		(void)lua_error(L);
	lua_getfield(L, base, "next");
	lua_getfield(L, base, "type");
	lua_getfield(L, base, "ipairs");
	lua_call(L, 3, 1);
}

/* ---- what there is ---- */

/* From Lua's table `from` into the one on top. dear: how many arguments make it cost more than a
 * step; 0: none. */
static void take(lua_State *L, int from, const char *name, int dear)
{
	lua_getfield(L, from, name);
	if (dear > 0) {
		lua_pushinteger(L, dear);
		lua_pushcclosure(L, charged, 2);
	}
	lua_setfield(L, -2, name);
}

static void take_all(lua_State *L, int from, const char *const *names)
{
	for (; *names; names++)
		take(L, from, *names, 0);
}

static int read_only(lua_State *L)
{
	return luaL_error(L, "what all scripts share cannot be changed");
}

void box_protect(lua_State *L)
{
	lua_createtable(L, 0, 0);
	lua_createtable(L, 0, 2);
	lua_pushvalue(L, -3);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, read_only);
	lua_setfield(L, -2, "__newindex");
	lua_setmetatable(L, -2);
	lua_remove(L, -2);
}

static void push_string(lua_State *L)
{
	static const char *const names[] = { "byte", "char", "len", "sub", NULL };
	static const luaL_Reg own[] = { { "find", string_find }, { "split", string_split },
		{ "replace", string_replace }, { "trim", string_trim }, { "starts", string_starts },
		{ "ends", string_ends }, { "rep", string_rep }, { NULL, NULL } };
	int from;

	luaL_requiref(L, LUA_STRLIBNAME, luaopen_string, 0);
	from = lua_gettop(L);
	lua_createtable(L, 0, 16);
	take_all(L, from, names);
	take(L, from, "lower", 1);
	take(L, from, "upper", 1);
	take(L, from, "reverse", 1);
	luaL_setfuncs(L, own, 0);
	lua_getfield(L, from, "format");
	lua_pushcclosure(L, string_format, 1);
	lua_setfield(L, -2, "format");
	lua_remove(L, from);
	/* ("x"):upper(); no arithmetic with texts, which could be long ones */
	lua_pushliteral(L, "");
	lua_createtable(L, 0, 1);
	lua_pushvalue(L, -3);
	lua_setfield(L, -2, "__index");
	lua_setmetatable(L, -2);
	lua_pop(L, 1);
	box_protect(L);
}

static void push_table(lua_State *L)
{
	luaL_requiref(L, LUA_TABLIBNAME, luaopen_table, 0);
	lua_createtable(L, 0, 4);
	take(L, lua_gettop(L) - 1, "concat", 1);
	take(L, lua_gettop(L) - 1, "unpack", 1);
	take(L, lua_gettop(L) - 1, "insert", 3);
	take(L, lua_gettop(L) - 1, "remove", 2);
	lua_remove(L, -2);
	box_protect(L);
}

static void push_math(lua_State *L)
{
	static const char *const names[] = { "abs", "ceil", "floor", "fmod", "huge", "max",
		"maxinteger", "min", "mininteger", "tointeger", "type", NULL };

	luaL_requiref(L, LUA_MATHLIBNAME, luaopen_math, 0);
	lua_createtable(L, 0, 16);
	take_all(L, lua_gettop(L) - 1, names);
	lua_remove(L, -2);
	box_protect(L);
}

void library_push(lua_State *L)
{
	static const char *const names[] = { "assert", "ipairs", "select", "type", NULL };
	static const luaL_Reg own[] = { { "tostring", base_tostring },
		{ "tonumber", base_tonumber }, { "error", base_error }, { NULL, NULL } };
	int base;

	luaL_requiref(L, LUA_GNAME, luaopen_base, 0);
	base = lua_gettop(L);
	lua_createtable(L, 0, 16);
	take_all(L, base, names);
	luaL_setfuncs(L, own, 0);
	add_pairs(L, base);
	lua_setfield(L, -2, "pairs");
	lua_remove(L, base);
	push_string(L);
	lua_setfield(L, -2, "string");
	push_table(L);
	lua_setfield(L, -2, "table");
	push_math(L);
	lua_setfield(L, -2, "math");
}
