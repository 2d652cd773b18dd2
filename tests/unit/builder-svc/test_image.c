#include "builder-svc/image.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/json/json.h"
#include "tests/support/unit.h"

static struct image parsed(struct arena *a, const char *text)
{
	struct err err = { .code = ERR_NONE };
	struct image i = { 0 };

	if (!image_parse(a, text, &i, &err))
		fail_msg("%s: %s", text, err.msg);
	return i;
}

static void a_registry_with_a_port_is_recognised(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct image i = parsed(a, "reg.example:5000/shop/online-store:v1.0.0-0a");

	(void)state;
	assert_string_equal(i.registry, "reg.example:5000");
	assert_string_equal(i.host, "reg.example:5000");
	assert_string_equal(i.repository, "shop/online-store");
	assert_string_equal(i.tag, "v1.0.0-0a");
}

static void without_a_registry_it_is_docker_hub(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct image i = parsed(a, "somebody/store:1");

	(void)state;
	assert_string_equal(i.registry, "docker.io");
	assert_string_equal(i.host, "registry-1.docker.io");
	assert_string_equal(i.repository, "somebody/store");
	i = parsed(a, "store");
	assert_string_equal(i.repository, "library/store");
	assert_string_equal(i.tag, "latest");
	i = parsed(a, "index.docker.io/somebody/store:1");
	assert_string_equal(i.host, "registry-1.docker.io");
}

static void localhost_is_a_registry(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	assert_string_equal(parsed(a, "localhost/a/b:c").registry, "localhost");
	assert_string_equal(parsed(a, "[::1]:5000/a:c").registry, "[::1]:5000");
}

static void what_could_leave_its_place_in_a_url_is_refused(void **state)
{
	static const char *const bad[] = { "", ":", "/", "reg.io/", "reg.io/a:", "reg.io/a:-x",
		"reg.io/a:.x", "reg.io/A:x", "reg.io/a//b:x", "reg.io/../x:y", "reg.io/a/:x",
		"reg.io/a?x:y", "reg.io/a:x#y", "reg.io/a b:x", "re g.io/a:x", "u@reg.io/a:x",
		"reg.io/a:x/y", "reg.io/a%2f:x", "reg.io/.a:x", "reg.io/a.:x" };
	AUTO(arena_auto) struct arena *a = arena_new();
	struct image i;

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(bad); k++) {
		struct err err = { .code = ERR_NONE };

		if (image_parse(a, bad[k], &i, &err))
			fail_msg("accepted: %s", bad[k]);
		assert_int_equal(err.code, ERR_INVALID);
	}
}

static struct login login(struct arena *a, const char *image, const char *config)
{
	struct image i = parsed(a, image);
	struct err err = { .code = ERR_NONE };

	return image_login(a, &i, json_parse(a, config, strlen(config), &err));
}

static void credentials_are_found_by_registry(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct login l = login(a, "reg:5000/a/b:c",
		"{\"auths\":{\"other:5000\":{\"auth\":\"eDp5\"},\"reg:5000\":{\"auth\":\"dTpwOnE=\"}}}");

	(void)state;
	assert_string_equal(l.username, "u");
	assert_string_equal(l.password, "p:q");
}

static void docker_hub_answers_to_all_its_names(void **state)
{
	static const char *const keys[] = { "https://index.docker.io/v1/", "docker.io",
		"index.docker.io", "https://registry-1.docker.io" };
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(keys); k++)
		assert_string_equal(
			login(a, "somebody/store:1",
				arena_printf(a,
					"{\"auths\":{\"%s\":{\"username\":\"u\",\"password\":\"p\"}}}",
					keys[k]))
				.username,
			"u");
}

static void without_an_entry_we_are_anonymous(void **state)
{
	static const char *const configs[] = { "{}", "[]", "{\"auths\":{}}",
		"{\"auths\":{\"other\":{\"auth\":\"dTpw\"}}}", "{\"auths\":{\"reg:5000\":{}}}",
		"{\"auths\":{\"reg:5000\":{\"auth\":\"not base64!\"}}}",
		"{\"auths\":{\"reg:5000\":{\"auth\":\"bm9jb2xvbg==\"}}}",
		"{\"auths\":{\"reg:5000\":7}}" };
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(configs); k++)
		assert_null(login(a, "reg:5000/a:b", configs[k]).username);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_registry_with_a_port_is_recognised),
		cmocka_unit_test(without_a_registry_it_is_docker_hub),
		cmocka_unit_test(localhost_is_a_registry),
		cmocka_unit_test(what_could_leave_its_place_in_a_url_is_refused),
		cmocka_unit_test(credentials_are_found_by_registry),
		cmocka_unit_test(docker_hub_answers_to_all_its_names),
		cmocka_unit_test(without_an_entry_we_are_anonymous),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
