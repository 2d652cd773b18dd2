#include "api-svc/names.h"
#include "lib/api/object.h"
#include "lib/base/arena.h"
#include "lib/base/attr.h"
#include "lib/conf/conf.h"
#include "tests/support/unit.h"

#define HASH "aaaaaaaabbbbbbbbccccccccddddddddeeeeeeeeffffffff0000000011111111"

static void every_api_has_a_repository_of_its_own(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const struct conf_registry r = { .type = REGISTRY_HTTPS, .repository = "reg:5000/gw" };

	(void)state;
	assert_string_equal(
		names_image(a, &r, (struct ref){ KIND_API, "shop", "store" }, "v1", HASH),
		"reg:5000/gw/shop.store:v1-aaaaaaaabbbb");
}

static void at_amazon_all_apis_share_one(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const struct conf_registry r = { .type = REGISTRY_AMAZON_ECR, .repository = "ecr/gw" };
	char name[200];
	char *image;

	(void)state;
	assert_string_equal(
		names_image(a, &r, (struct ref){ KIND_API, "shop", "store" }, "v1", HASH),
		"ecr/gw:shop.store-v1-aaaaaaaabbbb");
	/* A tag has room for 128 characters: what tells contents apart is kept. */
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	image = names_image(a, &r, (struct ref){ KIND_API, "shop", name }, "v1", HASH);
	assert_int_equal(strlen(image), strlen("ecr/gw:") + 128);
	assert_string_equal(image + strlen(image) - 14, "x-aaaaaaaabbbb");
}

static void two_apis_of_one_document_have_their_own_text_of_it(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	assert_string_equal(names_processed(a, "store", "store-swagger"), "store-swagger-mgw");
	assert_string_equal(names_processed(a, "store", "store"), "store-mgw");
	assert_string_equal(names_processed(a, "shop", "store-swagger"), "shop-mgw-store-swagger");
	assert_string_equal(names_processed(a, "stor", "store-swagger"), "stor-mgw-store-swagger");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_api_has_a_repository_of_its_own),
		cmocka_unit_test(at_amazon_all_apis_share_one),
		cmocka_unit_test(two_apis_of_one_document_have_their_own_text_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
