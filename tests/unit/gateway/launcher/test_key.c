#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/launcher/key.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "tests/support/unit.h"

static struct arena *a;
static char dir[64];

static int set_up(void **state)
{
	(void)state;
	a = arena_new();
	(void)snprintf(dir, sizeof(dir), "/tmp/test-key-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink(arena_printf(a, "%s/tls.key", dir));
	(void)unlink(arena_printf(a, "%s/tls.crt", dir));
	arena_free(a);
	return rmdir(dir);
}

static FILE *opened(const char *name)
{
	FILE *f = fopen(arena_printf(a, "%s/%s", dir, name), "r");

	assert_non_null(f);
	return f;
}

static void key_and_certificate_fit_and_are_for_localhost(void **state)
{
	struct err err;
	FILE *key_file, *certificate_file;
	EVP_PKEY *key;
	X509 *x;

	(void)state;
	assert_true(key_make(dir, &err));
	key_file = opened("tls.key");
	certificate_file = opened("tls.crt");
	key = PEM_read_PrivateKey(key_file, NULL, NULL, NULL);
	x = PEM_read_X509(certificate_file, NULL, NULL, NULL);
	assert_int_equal(X509_check_private_key(x, key), 1);
	assert_int_equal(X509_verify(x, key), 1);
	assert_int_equal(X509_check_host(x, "localhost", 0, 0, NULL), 1);
	assert_int_equal(X509_check_ip_asc(x, "127.0.0.1", 0), 1);
	assert_true(X509_cmp_current_time(X509_get0_notBefore(x)) < 0);
	assert_true(X509_cmp_current_time(X509_get0_notAfter(x)) > 0);
	EVP_PKEY_free(key);
	X509_free(x);
	(void)fclose(key_file);
	(void)fclose(certificate_file);
}

static void the_key_is_for_its_owner_only_even_the_second_time(void **state)
{
	struct stat s;
	struct err err;

	(void)state;
	assert_true(key_make(dir, &err));
	assert_int_equal(chmod(arena_printf(a, "%s/tls.key", dir), 0666), 0);
	assert_true(key_make(dir, &err));
	assert_int_equal(stat(arena_printf(a, "%s/tls.key", dir), &s), 0);
	assert_int_equal(s.st_mode & 0777, 0600);
}

static void a_folder_that_is_not_there_is_an_error(void **state)
{
	struct err err;

	(void)state;
	assert_false(key_make("/nonexistent", &err));
	assert_non_null(strstr(err.msg, "/nonexistent"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			key_and_certificate_fit_and_are_for_localhost, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_key_is_for_its_owner_only_even_the_second_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_folder_that_is_not_there_is_an_error, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
