/* What scripts cannot reach or outlast, and the library that they have. */
#include "gateway/hook/hook.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "tests/support/hooked.h"
#include "tests/support/unit.h"

/* ---- the box ---- */

static void nothing_of_the_world_can_be_reached(void **state UNUSED)
{
	static const char *const names[] = { "io", "os", "package", "debug", "coroutine", "load",
		"loadstring", "loadfile", "dofile", "require", "pcall", "xpcall", "setmetatable",
		"getmetatable", "rawget", "rawset", "rawequal", "rawlen", "collectgarbage", "next",
		"print", "warn", "utf8", "_G", "string.dump", "string.match", "string.gmatch",
		"string.gsub", "string.pack", "string.unpack", "table.move", "table.sort",
		"math.random", "math.randomseed" };
	AUTO(hooked_release) struct hooked f;

	hooked_set_up(&f, hooked_usual);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		hooked_true(&f, arena_printf(f.a, "%s == nil", names[i]));
}

static void nothing_is_remembered_from_one_run_to_the_next(void **state UNUSED)
{
	AUTO(hooked_release) struct hooked f;
	struct err err;

	hooked_set_up(&f, hooked_usual);
	assert_true(hooks_add(f.hooks, "assert(seen == nil) seen = request.user", 39, &err));
	for (int i = 0; i < 3; i++)
		assert_int_equal(
			hooks_run(f.hooks, f.a, 0, HOOK_REQUEST, &f.view, &f.changes, &f.why),
			HOOK_WENT_ON);
	f.n = 1;
	hooked_fails(&f, "string.find = 1", "cannot be changed");
	hooked_fails(&f, "table.x = 1", "cannot be changed");
	hooked_fails(&f, "math.huge = 1", "cannot be changed");
	hooked_fails(&f, "('x').y = 1", "attempt to index a string value");
	assert_int_equal(hooked_run(&f, "type = nil assert(type == nil or true)"), HOOK_WENT_ON);
	hooked_true(&f, "type(1) == 'number'");
}

static void an_endless_loop_ends(void **state UNUSED)
{
	static const char *const scripts[] = { "while true do end", "repeat until false",
		"local function f() return f() end f()", "for i = 1, math.huge do end",
		"while true do request.headers['X'] = 'a' end",
		"while true do local _ = request.headers['x-tenant'] end",
		"for i = 1, 1e9 do local t = #request.path end",
		"while true do string.find(request.path, 'x') end", "('x'):rep(1e15) ",
		"(''):rep(1e15) while true do end" };
	AUTO(hooked_release) struct hooked f;

	hooked_set_up(&f, (struct hook_limits){ .ms = 1, .kilobytes = 1024 });
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		enum hook_outcome outcome = hooked_run(&f, scripts[i]);

		if (outcome != HOOK_TOO_LONG && outcome != HOOK_TOO_LARGE)
			fail_msg("%s: outcome %d, %s", scripts[i], outcome, f.why);
	}
	hooked_true(&f, "request.method == 'GET'");
}

/* What one instruction of Lua's can take: comparing long texts is the worst of it. */
static void processor_time_is_bound_too(void **state UNUSED)
{
	static const char *const scripts[] = {
		"local a = ('x'):rep(100000) local b = a:sub(1, 99999) .. 'x' while a == b do end",
		"local a = ('x'):rep(100000) local b = a:sub(1, 99999) .. 'y' while a < b do end",
		"local a = ('ab'):rep(50000) while true do a:find('aba' .. 'c') end",
		"local t = {} for i = 1, 5000 do t[i] = '' end while true do table.concat(t) end",
		"local t = {} for i = 1, 5000 do t[i] = 1 end while true do table.insert(t, 1, 1) table.remove(t, 1) end",
		"local a = ('1'):rep(100000) while true do tonumber(a) end",
		"local function f(...) return f(..., ...) end f(1)",
		"local t = {} for i = 1, 2000 do t[i] = i end while true do for k in pairs(t) do end end",
	};
	AUTO(hooked_release) struct hooked f;

	hooked_set_up(&f, (struct hook_limits){
				  .ms = 5, .kilobytes = 1024, .clock_ns = hooked_processor_time });
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		hooked_ends_soon(&f, scripts[i]);
	}
}

static void a_memory_bomb_ends(void **state UNUSED)
{
	static const char *const scripts[] = { "local s = 'x' while true do s = s .. s end",
		"local t = {} while true do t[#t + 1] = {} end", "return ('x'):rep(2^30)",
		"local t = {} for i = 1, 1e7 do t[i] = i end", "return ('x'):rep(2^20)",
		"local s = ('x'):rep(300000) return s:upper() .. s:lower() .. s:reverse()",
		"local function f() return 1 + f() end f()", "return ('x'):rep(500000):split('x')",
		"return ('x'):rep(1000):replace('x', ('y'):rep(10000))",
		"return string.byte(('x'):rep(200000), 1, -1)",
		"for i = 1, 1000 do request.headers['X'] = ('a'):rep(8000) end" };
	AUTO(hooked_release) struct hooked f;

	hooked_set_up(&f, (struct hook_limits){ .ms = 100, .kilobytes = 1024 });
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		enum hook_outcome outcome = hooked_run(&f, scripts[i]);

		if (outcome != HOOK_TOO_LARGE)
			fail_msg("%s: outcome %d, %s", scripts[i], outcome, f.why);
		hooked_true(&f, "request.method == 'GET'");
	}
}

static void a_bound_once_broken_ends_the_script_in_every_place(void **state UNUSED)
{
	AUTO(hooked_release) struct hooked f;

	hooked_set_up(&f, (struct hook_limits){ .ms = 1, .kilobytes = 256 });
	for (int i = 0; i < 300; i++) {
		f.changes = (struct hook_changes){ 0 };
		assert_int_equal(
			i % 2 ? hooked_run(&f, "while true do end")
			      : hooked_run(&f, "local s = 'x' while true do s = s .. s end"),
			i % 2 ? HOOK_TOO_LONG : HOOK_TOO_LARGE);
	}
}

/* ---- the library ---- */

static void texts_are_searched_without_patterns(void **state UNUSED)
{
	AUTO(hooked_release) struct hooked f;

	hooked_set_up(&f, hooked_usual);
	hooked_true(&f, "('a.b'):find('.') == 2 and ('abc'):find('x') == nil");
	hooked_true(
		&f, "select('#', ('abc'):find('bc')) == 2 and select(2, ('abc'):find('bc')) == 3");
	hooked_true(&f, "('abab'):find('ab', 2) == 3 and ('abab'):find('ab', -2) == 3");
	hooked_true(&f, "('a'):find('', 2) == 2 and ('a'):find('', 3) == nil");
	hooked_true(&f, "#('a,b,'):split(',') == 3 and ('a,b'):split(',')[2] == 'b'");
	hooked_true(&f, "('a-b-c'):replace('-', '%') == 'a%b%c'");
	hooked_true(&f, "(' \\t a b\\r\\n'):trim() == 'a b' and (' '):trim() == ''");
	hooked_true(&f, "('abc'):starts('ab') and not ('abc'):starts('b') and ('x'):starts('')");
	hooked_true(&f, "('abc'):ends('bc') and not ('abc'):ends('abcd')");
	hooked_true(
		&f, "('ab'):rep(3) == 'ababab' and ('ab'):rep(0) == '' and ('ab'):rep(-1) == ''");
	hooked_true(&f,
		"('Ab'):upper() == 'AB' and ('Ab'):lower() == 'ab' and ('ab'):reverse() == 'ba'");
	hooked_true(&f, "('%s-%d-%05.1f'):format('a', 3, 2.25) == 'a-3-002.2'");
	hooked_true(&f, "tonumber('12') == 12 and tonumber('0x10') == 16 and tonumber('x') == nil");
	hooked_true(&f, "tonumber('1.5') == 1.5 and tonumber(7) == 7 and tonumber({}) == nil");
	hooked_fails(&f, "return ('a'):split('')", "separator is empty");
	hooked_fails(&f, "return ('a'):replace('', 'b')", "what is replaced is empty");
	hooked_fails(&f, "return '1' + 1", "attempt to perform arithmetic on a string value");
}

static void no_address_is_ever_seen(void **state UNUSED)
{
	AUTO(hooked_release) struct hooked f;

	hooked_set_up(&f, hooked_usual);
	hooked_true(&f, "tostring({}) == 'table' and tostring(type) == 'function'");
	hooked_true(&f, "tostring(request) == 'userdata' and tostring(nil) == 'nil'");
	hooked_true(&f, "('%s'):format({}) == 'table' and ('%s'):format(request) == 'userdata'");
	hooked_fails(&f, "return ('%p'):format('x')", "%p is not known here");
	hooked_fails(&f, "return ('\\0%-20p'):format('x')", "%p is not known here");
	hooked_fails(&f, "error({})", "an error that is no text");
}

static void tables_are_walked_in_the_order_of_their_keys(void **state UNUSED)
{
	AUTO(hooked_release) struct hooked f;

	hooked_set_up(&f, hooked_usual);
	assert_int_equal(
		hooked_run(&f,
			"local t, s = {z = 1, b = 1, a = 1, [3] = 1, [-1] = 1, [2.5] = 1}, ''\n"
			"for k in pairs(t) do s = s .. k .. ' ' end\n"
			"return {status = 200, body = s}"),
		HOOK_ANSWERED);
	hooked_says(f.changes.answer.body, "-1 2.5 3 a b z ");
	assert_int_equal(
		hooked_run(&f, "local t, n, last = {}, 0, 0\n"
			       "for i = 1, 200 do t[(i * 77) % 211] = i end\n"
			       "for k, v in pairs(t) do assert(k > last) last = k n = n + 1 end\n"
			       "assert(n == 200)\n"
			       "for k in pairs({}) do error('there is none') end"),
		HOOK_WENT_ON);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_of_the_world_can_be_reached),
		cmocka_unit_test(nothing_is_remembered_from_one_run_to_the_next),
		cmocka_unit_test(an_endless_loop_ends),
		cmocka_unit_test(processor_time_is_bound_too),
		cmocka_unit_test(a_memory_bomb_ends),
		cmocka_unit_test(a_bound_once_broken_ends_the_script_in_every_place),
		cmocka_unit_test(texts_are_searched_without_patterns),
		cmocka_unit_test(no_address_is_ever_seen),
		cmocka_unit_test(tables_are_walked_in_the_order_of_their_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
