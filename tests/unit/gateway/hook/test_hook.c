/* What scripts see, say and may not say; what is an error. */
#include "gateway/hook/hook.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "tests/support/hooked.h"
#include "tests/support/unit.h"

/* ---- what scripts see and say ---- */

static void a_script_reads_the_request(void **state UNUSED)
{
	AUTO(hooked_release) struct hooked f;

	hooked_set_up(&f, hooked_usual);
	hooked_true(&f, "request.method == 'GET' and request.path == '/store/v1/products'");
	hooked_true(&f, "request.query == 'limit=5' and request.client == '10.0.0.1'");
	hooked_true(&f, "request.user == 'alice' and request.application == nil");
	hooked_true(&f, "request.api == 'Store' and request.operation == 'listProducts'");
	hooked_true(&f, "request.keytype == 'PRODUCTION'");
	hooked_true(&f, "request.headers['X-Tenant'] == 'blue'");
	hooked_true(&f, "request.headers['x-empty'] == ''");
	hooked_true(&f, "request.headers['x-none'] == nil");
	hooked_fails(&f, "return request.bodies", "request has no \"bodies\"");
	hooked_fails(&f, "request.method = 'PUT'", "request.method cannot be changed");
}

static void claims_are_tables_and_empty_without_a_token(void **state UNUSED)
{
	AUTO(hooked_release) struct hooked f;

	hooked_set_up(&f, hooked_usual);
	hooked_true(&f, "request.claims.sub == nil");
	f.claims =
		"{\"sub\":\"alice\",\"n\":3,\"x\":1.5,\"ok\":true,\"no\":false,\"list\":[\"a\",\"b\"],"
		"\"o\":{\"k\":\"v\"},\"null\":null}";
	hooked_true(&f, "request.claims.sub == 'alice' and request.claims.n == 3");
	hooked_true(&f, "math.type(request.claims.n) == 'integer' and request.claims.x == 1.5");
	hooked_true(&f, "request.claims.ok == true and request.claims.no == false");
	hooked_true(&f, "#request.claims.list == 2 and request.claims.list[2] == 'b'");
	hooked_true(&f, "request.claims.o.k == 'v' and request.claims.null == nil");
}

static void headers_are_set_removed_and_read_again(void **state UNUSED)
{
	AUTO(hooked_release) struct hooked f;

	hooked_set_up(&f, hooked_usual);
	assert_int_equal(hooked_run(&f, "request.headers['X-New'] = 7\n"
					"request.headers['X-Many'] = {'a', 'b'}\n"
					"request.headers['x-tenant'] = nil\n"
					"assert(request.headers['x-new'] == '7')\n"
					"assert(request.headers['X-TENANT'] == nil)"),
		HOOK_WENT_ON);
	assert_int_equal(f.changes.n_headers, 3);
	assert_string_equal(hooked_header(&f, "x-new")->name, "X-New");
	hooked_says(hooked_header(&f, "x-new")->value[0], "7");
	assert_int_equal(hooked_header(&f, "x-many")->n, 2);
	hooked_says(hooked_header(&f, "x-many")->value[1], "b");
	assert_int_equal(hooked_header(&f, "x-tenant")->n, 0);
}

static void a_second_script_sees_what_the_first_one_changed(void **state UNUSED)
{
	AUTO(hooked_release) struct hooked f;

	hooked_set_up(&f, hooked_usual);
	assert_int_equal(
		hooked_run(&f, "request.headers['X-A'] = '1' request.query = 'a=1'"), HOOK_WENT_ON);
	assert_int_equal(hooked_go_on(&f, "request.headers['X-A'] = request.headers['x-a'] .. '2'\n"
					  "request.query = request.query .. '&b=2'"),
		HOOK_WENT_ON);
	assert_int_equal(f.changes.n_headers, 1);
	hooked_says(f.changes.headers[0]->value[0], "12");
	hooked_says(f.changes.query, "a=1&b=2");
}

static void the_query_is_changed_or_emptied(void **state UNUSED)
{
	AUTO(hooked_release) struct hooked f;

	hooked_set_up(&f, hooked_usual);
	assert_int_equal(
		hooked_run(&f, "request.query = request.query .. '&page=2'"), HOOK_WENT_ON);
	assert_true(f.changes.has_query);
	hooked_says(f.changes.query, "limit=5&page=2");
	assert_int_equal(hooked_run(&f, "request.query = nil"), HOOK_WENT_ON);
	assert_true(f.changes.has_query);
	assert_int_equal(f.changes.query.n, 0);
	hooked_fails(&f, "request.query = 'a b'", "percent-encoded");
	hooked_fails(&f, "request.query = 'a\\r\\nX: y'", "percent-encoded");
	hooked_fails(&f, "request.query = 'a#b'", "percent-encoded");
}

static void an_answer_has_status_headers_and_body(void **state UNUSED)
{
	AUTO(hooked_release) struct hooked f;

	hooked_set_up(&f, hooked_usual);
	assert_int_equal(
		hooked_run(&f,
			"return {status = 403, body = 'no\\0!', headers = {['X-Why'] = 'rule'}}"),
		HOOK_ANSWERED);
	assert_int_equal(f.changes.answer.status, 403);
	assert_int_equal(f.changes.answer.body.n, 4);
	assert_int_equal(f.changes.answer.n_headers, 1);
	hooked_says(f.changes.answer.headers[0]->value[0], "rule");
	assert_int_equal(hooked_run(&f, "return {status = 204}"), HOOK_ANSWERED);
	assert_int_equal(f.changes.answer.body.n, 0);
	hooked_fails(&f, "return {status = 101}", "from 200 to 599");
	hooked_fails(&f, "return {body = 'x'}", "from 200 to 599");
	hooked_fails(&f, "return 'no'", "expected a table");
	hooked_fails(&f, "return {status = 200, body = {}}", "body is a text");
	hooked_fails(&f, "return {status = 200, headers = {'x'}}", "name is a text");
	hooked_fails(&f, "return {status = 200, body = ('x'):rep(65537)}", "65536");
}

static void a_response_is_read_and_changed(void **state UNUSED)
{
	AUTO(hooked_release) struct hooked f;

	hooked_set_up(&f, hooked_usual);
	hooked_fails(&f, "return response.status", "there is no response yet");
	f.phase = HOOK_RESPONSE;
	hooked_true(
		&f, "response.status == 200 and response.headers['Content-Type'] == 'text/html'");
	hooked_true(&f, "request.headers['x-tenant'] == 'blue'");
	assert_int_equal(hooked_run(&f, "response.status = 201 response.headers['X-A'] = 'b'\n"
					"assert(response.status == 201)"),
		HOOK_WENT_ON);
	assert_int_equal(f.changes.status, 201);
	hooked_says(hooked_header(&f, "x-a")->value[0], "b");
	hooked_fails(&f, "response.status = 101", "from 200 to 599");
	hooked_fails(&f, "response.status = 600", "from 200 to 599");
	hooked_fails(&f, "request.headers['X-A'] = 'b'", "has been sent already");
	hooked_fails(&f, "request.query = 'a'", "has been sent already");
	hooked_fails(&f, "return {status = 403}", "has one already");
}

/* ---- bodies ---- */

static void a_body_that_is_not_shown_cannot_be_read_or_replaced(void **state UNUSED)
{
	AUTO(hooked_release) struct hooked f;

	hooked_set_up(&f, hooked_usual);
	hooked_fails(&f, "return request.body", "cannot be read: it was not asked for");
	hooked_fails(&f, "request.body = 'x'", "cannot be replaced: it was not asked for");
	hooked_fails(&f, "return response.body", "there is no response yet");
	f.phase = HOOK_RESPONSE;
	hooked_fails(&f, "return response.body", "cannot be read: it was not asked for");
	hooked_fails(&f, "response.body = 'x'", "cannot be replaced: it was not asked for");
	hooked_show_body(&f, "", 10);
	f.view.body_fixed = "this answer has none";
	hooked_true(&f, "response.body == nil");
	hooked_fails(&f, "response.body = 'x'", "this answer has none");
}

static void a_body_is_read_and_replaced_within_its_bound(void **state UNUSED)
{
	AUTO(hooked_release) struct hooked f;

	hooked_set_up(&f, hooked_usual);
	hooked_show_body(&f, "hello", 8);
	assert_int_equal(hooked_run(&f, "assert(request.body == 'hello')"), HOOK_WENT_ON);
	assert_false(f.changes.has_body);
	assert_int_equal(hooked_run(&f, "request.body = request.body .. '\\0!'\n"
					"assert(#request.body == 7)"),
		HOOK_WENT_ON);
	assert_true(f.changes.has_body);
	assert_int_equal(f.changes.body.n, 7);
	assert_memory_equal(f.changes.body.at, "hello\0!", 7);
	assert_int_equal(hooked_go_on(&f, "request.body = #request.body"), HOOK_WENT_ON);
	hooked_says(f.changes.body, "7");
	assert_int_equal(
		hooked_go_on(&f, "request.body = nil assert(request.body == nil)"), HOOK_WENT_ON);
	assert_true(f.changes.has_body);
	assert_int_equal(f.changes.body.n, 0);
	hooked_fails(&f, "request.body = '123456789'", "at most 8 bytes");
	hooked_fails(&f, "request.body = {}", "string expected");
	f.phase = HOOK_RESPONSE;
	hooked_fails(&f, "return request.body", "is not kept");
	hooked_fails(&f, "request.body = 'x'", "has been sent already");
	assert_int_equal(hooked_run(&f, "response.body = response.body:upper()"), HOOK_WENT_ON);
	hooked_says(f.changes.body, "HELLO");
}

static void a_body_counts_into_the_memory_of_its_hook(void **state UNUSED)
{
	AUTO(hooked_release) struct hooked f;
	char *large;

	hooked_set_up(&f, (struct hook_limits){ .ms = 50, .kilobytes = 64 });
	large = arena_alloc(f.a, 50001);
	memset(large, 'x', 50000);
	hooked_show_body(&f, large, 60000);
	assert_int_equal(
		hooked_run(&f, "return {status = #request.body / 100 // 1 | 0}"), HOOK_ANSWERED);
	assert_int_equal(
		hooked_run(&f, "local a = request.body local b = request.body"), HOOK_TOO_LARGE);
	assert_int_equal(hooked_run(&f, "request.body = request.body"), HOOK_TOO_LARGE);
	assert_int_equal(hooked_run(&f, "return json.decode(request.body)"), HOOK_TOO_LARGE);
	assert_int_equal(
		hooked_run(&f, "while true do local a = #request.body end"), HOOK_TOO_LARGE);
}

/* ---- JSON ---- */

static void json_is_read_as_tables(void **state UNUSED)
{
	AUTO(hooked_release) struct hooked f;

	hooked_set_up(&f, hooked_usual);
	hooked_show_body(&f,
		"{\"name\":\"R\\u00e9x\",\"n\":3,\"x\":1.5,\"ok\":true,\"no\":false,"
		"\"gone\":null,\"list\":[1,null,{\"a\":[]}]}",
		1000);
	assert_int_equal(
		hooked_run(&f,
			"local v = json.decode(request.body)\n"
			"assert(v.name == 'R\\u{e9}x' and v.n == 3 and v.x == 1.5)\n"
			"assert(math.type(v.n) == 'integer' and v.ok == true and v.no == false)\n"
			"assert(v.gone == json.null and v.other == nil and json.null ~= nil)\n"
			"assert(#v.list == 3 and v.list[2] == json.null and #v.list[3].a == 0)"),
		HOOK_WENT_ON);
	hooked_true(&f, "json.decode('7') == 7 and json.decode('null') == json.null");
	hooked_true(&f, "json.decode('\"a\"') == 'a' and json.decode(' [ ] ')[1] == nil");
	hooked_fails(&f, "json.decode('')", "not JSON");
	hooked_fails(&f, "json.decode(nil)", "string expected");
	hooked_fails(&f, "json.decode('{\"a\":1} x')", "not JSON: line 1");
	hooked_fails(&f, "json.decode('{\"a\":1,\"a\":2}')", "duplicate key");
	hooked_fails(&f, "json.decode('\"\xff\"')", "not UTF-8");
	hooked_fails(&f, "json.decode('9007199254740993')", "beyond 2^53");
	hooked_fails(&f, "json.decode('[' .. ('['):rep(150) .. (']'):rep(151))", "nested");
}

static void json_is_written_as_it_was_read(void **state UNUSED)
{
	static const char *const same[] = { "{\"a\":[],\"b\":{},\"c\":null}", "[1,null,[[]]]",
		"\"\\\"\\\\\\n\"", "9007199254740991", "-0.1", "true", "null", "[]", "{}" };
	AUTO(hooked_release) struct hooked f;

	hooked_set_up(&f, hooked_usual);
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		hooked_show_body(&f, same[i], 100);
		assert_int_equal(
			hooked_run(&f, "request.body = json.encode(json.decode(request.body))"),
			HOOK_WENT_ON);
		hooked_says(f.changes.body, same[i]);
	}
	hooked_true(&f, "json.encode({b = 1, a = {2, 'x'}}) == '{\"a\":[2,\"x\"],\"b\":1}'");
	hooked_true(&f, "json.encode({}) == '{}' and json.encode(json.array()) == '[]'");
	hooked_true(&f, "json.encode({t = json.array({})}) == '{\"t\":[]}'");
	hooked_true(&f, "json.encode(nil) == 'null' and json.encode(1.0) == '1'");
	f.claims = "{\"roles\":[\"a\"],\"none\":[]}";
	hooked_true(&f, "json.encode(request.claims.roles) == '[\"a\"]'");
	hooked_true(&f, "json.encode(request.claims.none) == '[]'");
}

static void what_json_does_not_have_is_not_written(void **state UNUSED)
{
	AUTO(hooked_release) struct hooked f;

	hooked_set_up(&f, hooked_usual);
	hooked_fails(&f, "json.encode(type)", "a function, which JSON does not have");
	hooked_fails(&f, "json.encode({request})", "a userdata, which JSON does not have");
	hooked_fails(&f, "json.encode(0/0)", "JSON does not have");
	hooked_fails(&f, "json.encode({math.huge})", "JSON does not have");
	hooked_fails(&f, "json.encode(math.maxinteger)", "beyond 2^53");
	hooked_fails(&f, "json.encode('\xff')", "not UTF-8");
	hooked_fails(&f, "json.encode({['a\\0'] = 1})", "NUL");
	hooked_fails(&f, "json.encode({1, 2, a = 3})", "gaps, or members with names");
	hooked_fails(&f, "json.encode({1, nil, 3})", "gaps");
	hooked_fails(
		&f, "local t = json.decode('[]') t.a = 1 json.encode(t)", "members with names");
	hooked_fails(&f, "json.encode({[2.5] = 1})", "name that is no text");
	hooked_fails(&f, "local t = {} t.t = t json.encode(t)", "deeper than 100");
	hooked_fails(&f, "json.encode()", "value expected");
	hooked_fails(&f, "json.decode = nil", "cannot be changed");
	hooked_fails(&f, "json.array(string)", "cannot be changed");
	hooked_fails(&f, "json.array(1)", "table expected");
	hooked_true(&f, "('x'):upper() == 'X' and json.encode({string.find ~= nil}) == '[true]'");
}

static void json_is_bound_in_time_and_memory(void **state UNUSED)
{
	static const char *const scripts[] = {
		"local s = '[' .. ('1,'):rep(20000) .. '1]' json.decode(s)",
		"local s = '[' .. ('[],'):rep(5000) .. '1]' while true do json.decode(s) end",
		"local s = '\"' .. ('x'):rep(100000) .. '\"' while true do json.decode(s) end",
		"local t = {} for i = 1, 3000 do t[i] = 'x' end while true do json.encode(t) end",
		"local s = ('\1'):rep(50000) while true do json.encode(s) end",
		"local t = {} for i = 1, 60 do t = {t, t} end json.encode(t)",
		"while true do json.encode(1) end",
		"while true do json.array() end",
	};
	AUTO(hooked_release) struct hooked f;

	hooked_set_up(&f, (struct hook_limits){
				  .ms = 5, .kilobytes = 1024, .clock_ns = hooked_processor_time });
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		hooked_ends_soon(&f, scripts[i]);
		hooked_true(&f, "json.encode({1}) == '[1]'");
	}
}

/* ---- what scripts may not say ---- */

static void headers_that_would_split_a_message_are_refused(void **state UNUSED)
{
	AUTO(hooked_release) struct hooked f;

	hooked_set_up(&f, hooked_usual);
	hooked_fails(&f, "request.headers['X-A'] = 'a\\r\\nX-B: c'", "control character");
	hooked_fails(&f, "request.headers['X-A'] = 'a\\0b'", "control character");
	hooked_fails(&f, "request.headers['X-A'] = {'a', 'b\\n'}", "control character");
	hooked_fails(&f, "request.headers['X A'] = 'a'", "no header's name has");
	hooked_fails(&f, "request.headers['X\\r\\nA'] = 'a'", "no header's name has");
	hooked_fails(&f, "request.headers['X:'] = 'a'", "no header's name has");
	hooked_fails(&f, "request.headers[''] = 'a'", "1 to 128 letters");
	hooked_fails(&f, "request.headers[('x'):rep(129)] = 'a'", "1 to 128 letters");
	hooked_fails(&f, "request.headers['X-A'] = ('a'):rep(8193)", "at most 8192 bytes");
	hooked_fails(&f, "request.headers['X-A'] = true", "a text, a number, a list");
	hooked_fails(&f, "local t = {} for i = 1, 17 do t[i] = 'a' end request.headers['X-A'] = t",
		"at most 16 values");
	hooked_fails(&f, "for i = 1, 65 do request.headers['X-' .. i] = 'a' end", "more than 64");
	hooked_fails(
		&f, "return {status = 200, headers = {['X-A'] = 'a\\nb'}}", "control character");
}

static void headers_of_the_gateway_and_of_one_hop_are_refused(void **state UNUSED)
{
	static const char *const names[] = { "Host", "Connection", "content-length",
		"Transfer-Encoding", "TE", "Upgrade", "Expect", "X-JWT-Assertion" };
	AUTO(hooked_release) struct hooked f;

	hooked_set_up(&f, hooked_usual);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		hooked_fails(&f, arena_printf(f.a, "request.headers['%s'] = 'a'", names[i]),
			"gateway's own");
		hooked_fails(&f, arena_printf(f.a, "request.headers['%s'] = nil", names[i]),
			"gateway's own");
	}
	hooked_fails(
		&f, "return {status = 200, headers = {['Content-Length'] = '1'}}", "gateway's own");
}

/* ---- errors ---- */

static void an_error_names_the_line_in_one_line_of_text(void **state UNUSED)
{
	AUTO(hooked_release) struct hooked f;

	hooked_set_up(&f, hooked_usual);
	assert_int_equal(hooked_run(&f, "local x\n\nreturn x.y"), HOOK_FAILED);
	assert_string_equal(f.why, "hook:3: attempt to index a nil value (local 'x')");
	assert_int_equal(hooked_run(&f, "error('a\\nb\\0')"), HOOK_FAILED);
	assert_string_equal(f.why, "hook:1: a?b");
	assert_int_equal(hooked_run(&f, "error(('x'):rep(1000))"), HOOK_FAILED);
	assert_int_equal(strlen(f.why), 200);
}

static void a_text_that_is_no_script_is_refused_with_its_line(void **state UNUSED)
{
	static const char compiled[] = "\x1bLua\x54\x00\x19\x93";
	AUTO(hooked_release) struct hooked f;
	struct err err = { .msg = "" };

	hooked_set_up(&f, hooked_usual);
	assert_false(hooks_add(f.hooks, "local x = 1\nif x then", 21, &err));
	assert_string_equal(err.msg, "line 2: 'end' expected near <eof>");
	assert_int_equal(err.code, ERR_INVALID);
	assert_false(hooks_add(f.hooks, compiled, sizeof(compiled) - 1, &err));
	assert_non_null(strstr(err.msg, "attempt to load a binary chunk"));
	hooked_true(&f, "request.method == 'GET'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_script_reads_the_request),
		cmocka_unit_test(claims_are_tables_and_empty_without_a_token),
		cmocka_unit_test(headers_are_set_removed_and_read_again),
		cmocka_unit_test(a_second_script_sees_what_the_first_one_changed),
		cmocka_unit_test(the_query_is_changed_or_emptied),
		cmocka_unit_test(an_answer_has_status_headers_and_body),
		cmocka_unit_test(a_response_is_read_and_changed),
		cmocka_unit_test(a_body_that_is_not_shown_cannot_be_read_or_replaced),
		cmocka_unit_test(a_body_is_read_and_replaced_within_its_bound),
		cmocka_unit_test(a_body_counts_into_the_memory_of_its_hook),
		cmocka_unit_test(json_is_read_as_tables),
		cmocka_unit_test(json_is_written_as_it_was_read),
		cmocka_unit_test(what_json_does_not_have_is_not_written),
		cmocka_unit_test(json_is_bound_in_time_and_memory),
		cmocka_unit_test(headers_that_would_split_a_message_are_refused),
		cmocka_unit_test(headers_of_the_gateway_and_of_one_hop_are_refused),
		cmocka_unit_test(an_error_names_the_line_in_one_line_of_text),
		cmocka_unit_test(a_text_that_is_no_script_is_refused_with_its_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
