#include "gateway/core/cache.h"
#include "gateway/core/token.h"
#include "tests/support/unit.h"

static struct token a_token_of(const char *subject)
{
	return (struct token){ .issuer = "i",
		.subject = subject,
		.application = "",
		.application_id = "7",
		.application_tier = "Gold",
		.scope = "a b",
		.audience = { "x\0y", 4 },
		.subscribed = { "", 0 } };
}

static void key_of(unsigned int n, unsigned char ret[SHA256_BYTES])
{
	memset(ret, 0, SHA256_BYTES);
	/* Everything lands in one bucket: only the last bytes differ. */
	memcpy(ret + SHA256_BYTES - sizeof(n), &n, sizeof(n));
}

static void put(struct cache *c, unsigned int n, const char *subject)
{
	unsigned char key[SHA256_BYTES];
	struct token t = a_token_of(subject);

	key_of(n, key);
	cache_put(c, key, &t);
}

static const struct token *get(struct cache *c, unsigned int n)
{
	unsigned char key[SHA256_BYTES];

	key_of(n, key);
	return cache_get(c, key);
}

static void what_is_put_is_copied(void **state)
{
	struct cache *c = cache_new(2);
	char subject[] = "me";

	(void)state;
	put(c, 1, subject);
	subject[0] = 'w';
	assert_string_equal(get(c, 1)->subject, "me");
	assert_string_equal(get(c, 1)->scope, "a b");
	assert_memory_equal(get(c, 1)->audience.at, "x\0y", 4);
	assert_null(get(c, 2));
	cache_free(c);
}

static void the_longest_unused_goes_first(void **state)
{
	struct cache *c = cache_new(3);

	(void)state;
	put(c, 1, "1");
	put(c, 2, "2");
	put(c, 3, "3");
	assert_non_null(get(c, 1));
	put(c, 4, "4");
	assert_null(get(c, 2));
	assert_non_null(get(c, 1));
	assert_non_null(get(c, 3));
	assert_non_null(get(c, 4));
	assert_int_equal(cache_entries(c), 3);
	cache_free(c);
}

static void a_key_stands_once(void **state)
{
	struct cache *c = cache_new(3);

	(void)state;
	put(c, 1, "old");
	put(c, 1, "new");
	assert_string_equal(get(c, 1)->subject, "new");
	assert_int_equal(cache_entries(c), 1);
	cache_free(c);
}

static void size_is_bounded_under_any_load(void **state)
{
	struct cache *c = cache_new(100);

	(void)state;
	for (unsigned int i = 0; i < 5000; i++) {
		put(c, i % 333, "x");
		(void)get(c, i * 7 % 333);
		assert_true(cache_entries(c) <= 100);
	}
	cache_free(c);
}

static void no_entries_means_no_memory_of_anything(void **state)
{
	struct cache *c = cache_new(0);

	(void)state;
	put(c, 1, "x");
	assert_null(get(c, 1));
	assert_int_equal(cache_entries(c), 0);
	cache_free(c);
	cache_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_is_copied),
		cmocka_unit_test(the_longest_unused_goes_first),
		cmocka_unit_test(a_key_stands_once),
		cmocka_unit_test(size_is_bounded_under_any_load),
		cmocka_unit_test(no_entries_means_no_memory_of_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
