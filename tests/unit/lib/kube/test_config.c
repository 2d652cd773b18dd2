#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/kube/config.h"
#include "lib/kube/kube.h"
#include "tests/support/unit.h"

struct fixture {
	struct arena *a;
	char dir[64];
	struct kube_config c;
	struct err err;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->a = arena_new();
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/test-config.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(system(arena_printf(f->a, "rm -r '%s'", f->dir)), 0);
	arena_free(f->a);
	free(f);
	return 0;
}

static const char *file(struct fixture *f, const char *name, const char *text)
{
	char *path = arena_printf(f->a, "%s/%s", f->dir, name);
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(text, 1, strlen(text), out), strlen(text));
	assert_int_equal(fclose(out), 0);
	return path;
}

static char *base64(struct fixture *f, const char *text)
{
	return base64_encode(f->a, text, strlen(text));
}

/* One cluster and one user; members in YAML flow style. */
static bool load(struct fixture *f, const char *cluster, const char *user)
{
	const char *path = file(f, "conf",
		arena_printf(f->a,
			"current-context: c\ncontexts:\n- name: c\n  context: {cluster: k, user: u}\n"
			"clusters:\n- name: k\n  cluster: {%s}\nusers:\n- name: u\n  user: {%s}\n",
			cluster, user));

	return config_from_file(f->a, path, NULL, &f->c, &f->err);
}

static void data_in_the_file_is_decoded(void **state)
{
	struct fixture *f = *state;

	assert_true(load(f,
		arena_printf(f->a, "server: 'https://h:1/p//', certificate-authority-data: %s",
			base64(f, "CA")),
		arena_printf(f->a, "client-certificate-data: %s, client-key-data: %s",
			base64(f, "CERT"), base64(f, "KEY"))));
	assert_string_equal(f->c.server, "https://h:1/p");
	assert_string_equal(f->c.ca, "CA");
	assert_string_equal(f->c.cert, "CERT");
	assert_string_equal(f->c.key, "KEY");
	assert_string_equal(f->c.ns, "default");
	assert_null(f->c.token);
	assert_null(f->c.proxy);
	assert_false(f->c.insecure);
}

static void files_are_found_beside_the_kubeconfig(void **state)
{
	struct fixture *f = *state;

	file(f, "ca.crt", "CA");
	assert_int_equal(mkdir(arena_printf(f->a, "%s/u", f->dir), 0700), 0);
	file(f, "u/c", "CERT");
	assert_true(load(f, "server: 'https://h', certificate-authority: ca.crt",
		arena_printf(f->a, "client-certificate: u/c, client-key: '%s/u/c', tokenFile: t",
			f->dir)));
	assert_string_equal(f->c.ca, "CA");
	assert_string_equal(f->c.cert, "CERT");
	assert_string_equal(f->c.key, "CERT");
	assert_string_equal(f->c.token_file, arena_printf(f->a, "%s/t", f->dir));
}

static void a_token_and_a_careless_user(void **state)
{
	struct fixture *f = *state;

	assert_true(load(f,
		"server: 'https://h', insecure-skip-tls-verify: true, proxy-url: 'http://p:1'",
		"token: abc"));
	assert_string_equal(f->c.token, "abc");
	assert_true(f->c.insecure);
	assert_string_equal(f->c.proxy, "http://p:1");
}

static void what_we_cannot_do_is_refused_by_name(void **state)
{
	struct fixture *f = *state;
	const struct {
		const char *cluster;
		const char *user;
		const char *word;
	} cases[] = {
		{ "server: 'https://h'", "exec: {command: aws}", "user.exec" },
		{ "server: 'https://h'", "auth-provider: {name: gcp}", "user.auth-provider" },
		{ "server: 'https://h'", "username: a, password: b", "user.username" },
		{ "server: 'https://h', tls-server-name: x", "", "tls-server-name" },
		{ "server: 'ftp://h'", "", "cluster.server" },
		{ "server: ''", "", "cluster.server" },
		{ "", "", "cluster.server" },
		{ "server: 'http://h'", "token: x", "not sent over http" },
		{ "server: 'https://h', certificate-authority-data: '***'", "",
			"certificate-authority-data is not base64" },
		{ "server: 'https://h', certificate-authority: missing", "", "missing" },
		{ "server: 'https://h'", "client-key-data: YQ==", "need each other" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_false(load(f, cases[i].cluster, cases[i].user));
		if (!strstr(f->err.msg, cases[i].word))
			fail_msg("\"%s\" is not in: %s", cases[i].word, f->err.msg);
		assert_null(f->c.server);
	}
}

static void the_context_asked_for_is_taken(void **state)
{
	struct fixture *f = *state;
	const char *path = file(f, "conf",
		"{\"current-context\":\"a\",\"contexts\":["
		"{\"name\":\"a\",\"context\":{\"cluster\":\"ka\",\"namespace\":\"na\"}},"
		"{\"name\":\"b\",\"context\":{\"cluster\":\"kb\"}},"
		"{\"name\":\"c\",\"context\":{\"cluster\":\"none\"}},"
		"{\"name\":\"d\",\"context\":{\"cluster\":\"ka\",\"user\":\"none\"}}],"
		"\"clusters\":[{\"name\":\"ka\",\"cluster\":{\"server\":\"http://a\"}},"
		"{\"name\":\"kb\",\"cluster\":{\"server\":\"http://b\"}}]}");

	assert_true(config_from_file(f->a, path, NULL, &f->c, &f->err));
	assert_string_equal(f->c.server, "http://a");
	assert_string_equal(f->c.ns, "na");
	assert_true(config_from_file(f->a, path, "b", &f->c, &f->err));
	assert_string_equal(f->c.server, "http://b");
	for (const char *const *x = (const char *const[]){ "c", "d", "e", NULL }; *x; x++) {
		assert_false(config_from_file(f->a, path, *x, &f->c, &f->err));
		assert_int_equal(f->err.code, ERR_NOT_FOUND);
	}
}

static void a_file_that_is_none_is_refused(void **state)
{
	struct fixture *f = *state;
	const char *const texts[] = { "", "a: [", "5", "[]", "current-context: x", "contexts: 5" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_false(
			config_from_file(f->a, file(f, "conf", texts[i]), NULL, &f->c, &f->err));
	assert_false(config_from_file(f->a, "/nowhere/at/all", NULL, &f->c, &f->err));
	assert_int_equal(f->err.code, ERR_NOT_FOUND);
	assert_false(config_from_file(f->a, f->dir, NULL, &f->c, &f->err));
}

static void a_pod_knows_its_server_and_namespace(void **state)
{
	struct fixture *f = *state;

	assert_false(config_from_pod(f->a, f->dir, "10.0.0.1", "443", &f->c, &f->err));
	file(f, "ca.crt", "CA");
	file(f, "token", "T");
	assert_true(config_from_pod(f->a, f->dir, "10.0.0.1", "443", &f->c, &f->err));
	assert_string_equal(f->c.server, "https://10.0.0.1:443");
	assert_string_equal(f->c.ns, "default");
	assert_string_equal(f->c.ca, "CA");
	assert_string_equal(f->c.proxy, "");
	assert_string_equal(f->c.token_file, arena_printf(f->a, "%s/token", f->dir));
	file(f, "namespace", "blue\n");
	assert_true(config_from_pod(f->a, f->dir, "fd00::1", "6443", &f->c, &f->err));
	assert_string_equal(f->c.server, "https://[fd00::1]:6443");
	assert_string_equal(f->c.ns, "blue");
}

static void the_environment_says_where_to_look(void **state)
{
	struct fixture *f = *state;
	const struct kube_options none = { 0 };
	const struct kube_options named = {
		.kubeconfig = file(f, "named",
			"{\"current-context\":\"a\",\"contexts\":[{\"name\":\"a\",\"context\":{\"cluster\":\"k\"}}],"
			"\"clusters\":[{\"name\":\"k\",\"cluster\":{\"server\":\"http://named\"}}]}")
	};

	setenv("KUBECONFIG", "/one:/two", 1);
	assert_false(config_load(f->a, &none, &f->c, &f->err));
	assert_non_null(strstr(f->err.msg, "several files"));
	assert_true(config_load(f->a, &named, &f->c, &f->err));
	assert_string_equal(f->c.server, "http://named");
	setenv("KUBECONFIG", named.kubeconfig, 1);
	assert_true(config_load(f->a, &none, &f->c, &f->err));
	unsetenv("KUBECONFIG");
	unsetenv("KUBERNETES_SERVICE_HOST");
	setenv("HOME", f->dir, 1);
	assert_false(config_load(f->a, &none, &f->c, &f->err));
	assert_non_null(strstr(f->err.msg, ".kube/config"));
	unsetenv("HOME");
	assert_false(config_load(f->a, &none, &f->c, &f->err));
}

#define a_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		a_test(data_in_the_file_is_decoded),
		a_test(files_are_found_beside_the_kubeconfig),
		a_test(a_token_and_a_careless_user),
		a_test(what_we_cannot_do_is_refused_by_name),
		a_test(the_context_asked_for_is_taken),
		a_test(a_file_that_is_none_is_refused),
		a_test(a_pod_knows_its_server_and_namespace),
		a_test(the_environment_says_where_to_look),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
