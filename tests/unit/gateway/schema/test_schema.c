#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gateway/schema/schema.h"
#include "tests/support/unit.h"

static char errors[SCHEMA_MAX_MESSAGE];
static char why[512];

static bool check_bytes(const char *schema, const char *body, size_t n)
{
	struct schema *s = schema_new(schema, strlen(schema), why, sizeof(why));
	bool ok;

	if (!s)
		fail_msg("%s: %s", schema, why);
	ok = schema_check(s, body, n, errors, sizeof(errors));
	schema_free(s);
	return ok;
}

static bool check(const char *schema, const char *body)
{
	return check_bytes(schema, body, strlen(body));
}

static bool is_refused(const char *schema, const char *reason)
{
	struct schema *s = schema_new(schema, strlen(schema), why, sizeof(why));

	schema_free(s);
	if (!s && !strstr(why, reason))
		fail_msg("%s: %s", schema, why);
	return s == NULL;
}

#define PET                                                                                            \
	"{\"allOf\":[{\"$ref\":\"#/definitions/Pet\"}],\"definitions\":{\"Pet\":{\"type\":\"object\"," \
	"\"required\":[\"name\"],\"additionalProperties\":false,\"properties\":{"                      \
	"\"name\":{\"type\":\"string\",\"pattern\":\"^[A-Z]\"},"                                       \
	"\"tags\":{\"type\":\"array\",\"uniqueItems\":true},"                                          \
	"\"kids\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/definitions/Pet\"}}}}}}"

static void all_errors_are_told_with_their_places(void **state)
{
	(void)state;
	assert_true(check(PET, "{\"name\":\"Rex\",\"kids\":[{\"name\":\"Max\",\"tags\":[1,2]}]}"));
	assert_false(check(PET, "{\"kids\":[{\"name\":\"max\"},{\"tags\":[1,2,1]}]}"));
	assert_non_null(strstr(errors, "/kids/0/name: Does not match the pattern ^[A-Z], "));
	assert_non_null(strstr(errors, "/kids/1/tags: Elements of array must be unique, "));
	assert_non_null(strstr(errors, "/kids/1: Missing required property 'name', "));
	assert_non_null(strstr(errors, ", : Missing required property 'name', "));
}

static void errors_end_where_their_room_does(void **state)
{
	char small[40];
	struct schema *s = schema_new(PET, strlen(PET), why, sizeof(why));

	(void)state;
	assert_false(schema_check(s, "[]", 2, small, sizeof(small)));
	assert_true(strlen(small) < sizeof(small));
	assert_false(schema_check(s, "[]", 2, NULL, 0));
	schema_free(s);
	assert_false(check("{\"items\":{\"type\":\"string\"}}",
		"[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]"));
	assert_non_null(strstr(errors, "/19: "));
	assert_null(strstr(errors, "/20: "));
}

static void what_is_no_json_is_told(void **state)
{
	static const char nul[] = "{\"a\":1}\0";

	(void)state;
	assert_false(check("true", ""));
	assert_false(check("true", "{\"a\":1,}"));
	assert_false(check("true", "{} {}"));
	assert_false(check("true", "\"\xff\""));
	assert_false(check("true", "NaN"));
	assert_false(check_bytes("true", nul, sizeof(nul)));
	assert_false(check("true", "{\"a\":{\"b\":1,\"c\":2,\"b\":3}}"));
	assert_non_null(strstr(errors, "has a member twice"));
	assert_true(check("true", "{\"b\":{\"a\":1},\"a\":{\"b\":1}}"));
}

static void numbers_are_what_they_mean(void **state)
{
	(void)state;
	assert_true(check("{\"type\":\"integer\"}", "1.0"));
	assert_true(check("{\"type\":\"integer\"}", "1e3"));
	assert_false(check("{\"type\":\"integer\"}", "1.5"));
	assert_false(check("{\"type\":\"integer\"}", "\"1\""));
	assert_true(check("{\"const\":2}", "2.0"));
	assert_false(check("{\"uniqueItems\":true}", "[1,1.0]"));
	assert_false(check("{\"uniqueItems\":true}", "[{\"a\":1,\"b\":[2]},{\"b\":[2],\"a\":1}]"));
	assert_true(check("{\"uniqueItems\":true}",
		"[1,\"1\",true,[1],{\"a\":1},null,[\"1,2\"],[\"1\",\"2\"]]"));
	assert_true(check("{\"type\":\"number\",\"multipleOf\":0.01}", "19.99"));
	assert_false(check("{\"multipleOf\":0.01}", "19.995"));
	assert_false(check("{\"multipleOf\":3}", "10"));
	assert_true(is_refused("{\"multipleOf\":0}", "#/multipleOf"));
	assert_true(check("{\"type\":\"integer\"}", "18446744073709551615"));
}

static void every_keyword_is_enforced_or_refused(void **state)
{
	(void)state;
	assert_true(is_refused("{\"patternProperties\":{}}", "is not supported"));
	assert_true(is_refused(
		"{\"properties\":{\"a\":{\"format\":\"date\"}}}", "#/properties/a/format"));
	assert_true(is_refused("{\"\\u0001step\":true}", "is not supported"));
	assert_true(is_refused("{\"type\":\"int\"}", "#/type"));
	assert_true(is_refused("{\"maxLength\":-1}", "#/maxLength"));
	assert_true(is_refused("{\"required\":true}", "#/required"));
	assert_true(is_refused("{\"items\":5}", "#/items"));
	assert_true(is_refused("{\"$ref\":\"#/definitions/a\"}", "leads nowhere"));
	assert_true(is_refused("{\"$ref\":\"http://x/y\"}", "leads nowhere"));
	assert_true(is_refused("{\"pattern\":\"(?=a)\"}", "pattern"));
	assert_true(is_refused("{\"pattern\":\"(a)\\\\1\"}", "pattern"));
	assert_true(is_refused("{\"pattern\":\"((a{1,1000}){1,1000}){1,1000}\"}", "pattern"));
	assert_true(is_refused("[]", "expected a schema"));
	assert_true(is_refused("{", ""));
	assert_true(is_refused("{\"a\":1,\"a\":2}", "twice"));
	assert_false(is_refused(
		"{\"if\":{\"required\":[\"a\"]},\"then\":false,\"else\":{\"contains\":true}}", ""));
}

static void a_schema_that_never_ends_is_refused(void **state)
{
	(void)state;
	assert_true(is_refused(
		"{\"$ref\":\"#/definitions/a\",\"definitions\":{\"a\":{\"$ref\":\"#/definitions/a\"}}}",
		"refers to itself"));
	assert_true(is_refused(
		"{\"definitions\":{\"a\":{\"not\":{\"anyOf\":[true,{\"$ref\":\"#/definitions/b\"}]}},"
		"\"b\":{\"if\":{\"$ref\":\"#/definitions/a\"}}}}",
		"refers to itself"));
	assert_false(
		is_refused("{\"definitions\":{\"a\":{\"items\":{\"$ref\":\"#/definitions/a\"}}},"
			   "\"allOf\":[{\"$ref\":\"#/definitions/a\"}]}",
			""));
}

static double seconds_for(const char *schema, const char *body, bool *ret)
{
	clock_t start = clock();

	*ret = check(schema, body);
	return (double)(clock() - start) / CLOCKS_PER_SEC;
}

/* Each would take minutes, or the stack, without a bound; the limit is generous for sanitizers. */
static void no_body_takes_long(void **state)
{
	static const char tree[] =
		"{\"definitions\":{\"a\":{\"anyOf\":["
		"{\"properties\":{\"k\":{\"$ref\":\"#/definitions/a\"}},\"required\":[\"z\"]},"
		"{\"properties\":{\"k\":{\"$ref\":\"#/definitions/a\"}},\"required\":[\"y\"]}]}},"
		"\"allOf\":[{\"$ref\":\"#/definitions/a\"}]}";
	char *text = malloc(SCHEMA_MAX_BODY + 16);
	size_t n = 0;
	bool ok;

	(void)state;
	for (int i = 0; i < 40; i++)
		n += (size_t)sprintf(text + n, "{\"k\":");
	n += (size_t)sprintf(text + n, "{}");
	memset(text + n, '}', 40);
	text[n + 40] = '\0';
	assert_true(seconds_for(tree, text, &ok) < 20);
	assert_false(ok);
	assert_non_null(strstr(errors, "too many steps"));

	/* The same with an object at the end that each of them looks through. */
	n = 0;
	for (int i = 0; i < 18; i++)
		n += (size_t)sprintf(text + n, "{\"k\":");
	n += (size_t)sprintf(text + n, "{\"0\":0");
	for (int i = 1; n < SCHEMA_MAX_BODY / 2; i++)
		n += (size_t)sprintf(text + n, ",\"%d\":0", i);
	memset(text + n, '}', 19);
	text[n + 19] = '\0';
	assert_true(seconds_for(tree, text, &ok) < 20);
	assert_false(ok);
	assert_non_null(strstr(errors, "too many steps"));

	memset(text, 'a', SCHEMA_MAX_BODY - 8);
	text[0] = text[SCHEMA_MAX_BODY - 8] = '"';
	text[SCHEMA_MAX_BODY - 9] = '!';
	text[SCHEMA_MAX_BODY - 7] = '\0';
	assert_true(seconds_for("{\"pattern\":\"^(a+)+$\"}", text, &ok) < 20);
	assert_false(ok);

	/* What is wrong is told of large bodies, too. */
	n = (size_t)sprintf(text, "[\"a\"");
	while (n < SCHEMA_MAX_BODY - 16)
		n += (size_t)sprintf(text + n, ",1");
	strcpy(text + n, "]");
	assert_true(seconds_for("{\"items\":{\"type\":\"integer\"}}", text, &ok) < 20);
	assert_false(ok);
	assert_non_null(strstr(errors, "/0: "));

	memset(text, '[', SCHEMA_MAX_BODY);
	text[SCHEMA_MAX_BODY] = '\0';
	assert_true(seconds_for("true", text, &ok) < 20);
	assert_false(ok);

	n = (size_t)sprintf(text, "[0");
	for (int i = 1; n < SCHEMA_MAX_BODY - 16; i++)
		n += (size_t)sprintf(text + n, ",%d", i);
	strcpy(text + n, "]");
	assert_true(seconds_for("{\"uniqueItems\":true}", text, &ok) < 20);
	assert_true(ok);
	free(text);
}

static void bodies_have_a_size_and_a_depth(void **state)
{
	char deep[2 * SCHEMA_MAX_DEPTH + 8];
	char *large = malloc(SCHEMA_MAX_BODY + 1);

	(void)state;
	memset(deep, '[', SCHEMA_MAX_DEPTH + 1);
	memset(deep + SCHEMA_MAX_DEPTH + 1, ']', SCHEMA_MAX_DEPTH + 1);
	assert_true(check_bytes("true", deep + 1, 2 * SCHEMA_MAX_DEPTH));
	assert_true(check_bytes("true", deep, 2 * SCHEMA_MAX_DEPTH + 2));
	memset(deep, '[', SCHEMA_MAX_DEPTH + 2);
	memset(deep + SCHEMA_MAX_DEPTH + 2, ']', SCHEMA_MAX_DEPTH + 2);
	assert_false(check_bytes("true", deep, 2 * SCHEMA_MAX_DEPTH + 4));
	assert_non_null(strstr(errors, "nested too deeply"));
	memset(large, ' ', SCHEMA_MAX_BODY + 1);
	large[0] = '1';
	assert_true(check_bytes("true", large, SCHEMA_MAX_BODY));
	assert_false(check_bytes("true", large, SCHEMA_MAX_BODY + 1));
	free(large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_errors_are_told_with_their_places),
		cmocka_unit_test(errors_end_where_their_room_does),
		cmocka_unit_test(what_is_no_json_is_told),
		cmocka_unit_test(numbers_are_what_they_mean),
		cmocka_unit_test(every_keyword_is_enforced_or_refused),
		cmocka_unit_test(a_schema_that_never_ends_is_refused),
		cmocka_unit_test(no_body_takes_long),
		cmocka_unit_test(bodies_have_a_size_and_a_depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
