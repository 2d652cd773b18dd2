#include "lib/api/finding.h"
#include "lib/api/name.h"
#include "lib/base/arena.h"
#include "tests/support/unit.h"

static const char *of(char c, size_t n)
{
	static char text[400];

	memset(text, c, n);
	text[n] = '\0';
	return text;
}

static void object_names_are_subdomains(void **state UNUSED)
{
	assert_true(name_is_subdomain("a"));
	assert_true(name_is_subdomain("online-store.v1"));
	assert_true(name_is_subdomain(of('a', 253)));
	assert_false(name_is_subdomain(of('a', 254)));
	assert_false(name_is_subdomain(""));
	assert_false(name_is_subdomain(NULL));
	assert_false(name_is_subdomain("."));
	assert_false(name_is_subdomain(".."));
	assert_false(name_is_subdomain("a..b"));
	assert_false(name_is_subdomain("a.-b"));
	assert_false(name_is_subdomain("a/b"));
	assert_false(name_is_subdomain("A"));
	assert_false(name_is_subdomain("a\n"));
}

static void labels_are_short_and_have_no_dots(void **state UNUSED)
{
	assert_true(name_is_label("9-a"));
	assert_true(name_is_label(of('a', 63)));
	assert_false(name_is_label(of('a', 64)));
	assert_false(name_is_label("a.b"));
	assert_false(name_is_label("-a"));
	assert_false(name_is_label("a-"));
	assert_false(name_is_label(NULL));
}

static void services_begin_with_a_letter(void **state UNUSED)
{
	assert_true(name_is_service("a9"));
	assert_false(name_is_service("9a"));
}

static void port_names_have_a_letter_and_fifteen_characters(void **state UNUSED)
{
	assert_true(name_is_port("https"));
	assert_true(name_is_port("8-a"));
	assert_false(name_is_port("80"));
	assert_false(name_is_port("a--b"));
	assert_false(name_is_port(of('a', 16)));
}

static void environment_variables_do_not_begin_with_a_digit(void **state UNUSED)
{
	assert_true(name_is_env("JAVA_OPTS"));
	assert_true(name_is_env("_x.y-z"));
	assert_false(name_is_env("1A"));
	assert_false(name_is_env(""));
	assert_false(name_is_env(".."));
	assert_false(name_is_env("a b"));
}

static void images_are_one_word(void **state UNUSED)
{
	assert_true(name_is_image("registry.example:5000/a/b:t@sha256:0f"));
	assert_false(name_is_image("a b"));
	assert_false(name_is_image("a\nb"));
	assert_false(name_is_image("-a"));
	assert_false(name_is_image(""));
	assert_false(name_is_image(NULL));
}

static void tags_are_never_too_long_or_empty(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	assert_int_equal(strlen(name_for_tag(a, of('x', 399))), 100);
	assert_string_equal(name_for_tag(a, ""), "0");
	assert_string_equal(name_for_tag(a, ".-a"), "a");
}

static void findings_are_kept_up_to_a_limit_and_counted_beyond(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct findings f;
	char *text;

	findings_init(&f, a);
	for (int i = 0; i < 1000; i++)
		finding_add(&f, FINDING_INVALID_FIELD, "spec.x", "is wrong in way %d", i);
	text = findings_fatal_text(&f);
	assert_int_equal(f.all.n, FINDINGS_MAX);
	assert_true(strlen(text) < 1200);
	assert_non_null(strstr(text, "; and 9"));
}

static void a_long_message_is_cut(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct findings f;

	findings_init(&f, a);
	for (int i = 0; i < 9; i++)
		finding_add(&f, FINDING_UNUSED, of('p', 350), "%s", of('m', 390));
	assert_true(strlen(findings_text(&f, FINDING_UNUSED)) < 3000);
	assert_string_equal(findings_fatal_text(&f), "");
	assert_null(findings_fatal(&f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(object_names_are_subdomains),
		cmocka_unit_test(labels_are_short_and_have_no_dots),
		cmocka_unit_test(services_begin_with_a_letter),
		cmocka_unit_test(port_names_have_a_letter_and_fifteen_characters),
		cmocka_unit_test(environment_variables_do_not_begin_with_a_digit),
		cmocka_unit_test(images_are_one_word),
		cmocka_unit_test(tags_are_never_too_long_or_empty),
		cmocka_unit_test(findings_are_kept_up_to_a_limit_and_counted_beyond),
		cmocka_unit_test(a_long_message_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
