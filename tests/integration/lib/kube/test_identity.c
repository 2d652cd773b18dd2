/* Who a client is to a real API server, and who the server is (run under with-apiserver.sh). */
#include <unistd.h>

#include "tests/support/kube.h"

static char *write_file(struct arena *a, const char *name, const char *text)
{
	char *path = arena_printf(a, "%s.%d.%s", getenv("KUBECONFIG"), (int)getpid(), name);
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(text, 1, strlen(text), out), strlen(text));
	assert_int_equal(fclose(out), 0);
	return path;
}

/* A client with a kubeconfig of its own. user and cluster: further members, in flow style. */
static struct kube *client(
	struct fixture *f, const char *server, const char *cluster, const char *user)
{
	const struct kube_options options = { .timeout_ms = 5000,
		.kubeconfig = write_file(f->a, "conf",
			arena_printf(f->a,
				"current-context: x\ncontexts: [{name: x, context: {cluster: x, user: x, "
				"namespace: blue}}]\nclusters: [{name: x, cluster: {server: '%s'%s}}]\n"
				"users: [{name: x, user: {%s}}]\n",
				server, cluster, user)) };
	struct kube *k = kube_new(&options, &f->err);

	if (!k)
		fail_msg("%s", f->err.msg);
	return k;
}

static char *ca_of_server(struct fixture *f)
{
	return arena_printf(f->a, ", certificate-authority: '%s'", getenv("APISERVER_CA"));
}

static void a_token_is_as_good_as_a_certificate(void **state)
{
	struct fixture *f = *state;
	struct kube *k = client(f, getenv("APISERVER"), ca_of_server(f),
		arena_printf(f->a, "token: '%s'", getenv("APISERVER_TOKEN")));
	struct object o = { .ref = { KIND_SERVICE, "default", "kubernetes" } };

	assert_string_equal(kube_default_namespace(k), "blue");
	ok(f, kube_ops(k).get(k, f->a, &o, 1, &f->err));
	assert_non_null(o.json);
	kube_free(k);
}

static void wrong_credentials_are_denied(void **state)
{
	struct fixture *f = *state;
	struct kube *wrong = client(f, getenv("APISERVER"), ca_of_server(f), "token: wrong");
	struct kube *anonymous = client(f, getenv("APISERVER"), ca_of_server(f), "");
	struct object o = { .ref = { KIND_SERVICE, "default", "kubernetes" } };

	fails(f, kube_ping(wrong, &f->err), ERR_DENIED);
	fails(f, kube_ops(wrong).get(wrong, f->a, &o, 1, &f->err), ERR_DENIED);
	fails(f, kube_ops(anonymous).get(anonymous, f->a, &o, 1, &f->err), ERR_DENIED);
	assert_non_null(strstr(f->err.msg, "system:anonymous"));
	kube_free(wrong);
	kube_free(anonymous);
}

static void a_renewed_token_file_is_used_at_once(void **state)
{
	struct fixture *f = *state;
	char *file = write_file(f->a, "token", "old\n");
	struct kube *k = client(f, getenv("APISERVER"), ca_of_server(f),
		arena_printf(f->a, "tokenFile: '%s'", file));

	fails(f, kube_ping(k, &f->err), ERR_DENIED);
	write_file(f->a, "token", arena_printf(f->a, "%s\n", getenv("APISERVER_TOKEN")));
	ok(f, kube_ping(k, &f->err));
	kube_free(k);
}

static void a_server_that_our_authority_did_not_sign_is_not_talked_to(void **state)
{
	struct fixture *f = *state;
	const char *user = arena_printf(f->a, "token: '%s'", getenv("APISERVER_TOKEN"));
	struct kube *strict = client(f, getenv("APISERVER"), "", user);
	struct kube *careless =
		client(f, getenv("APISERVER"), ", insecure-skip-tls-verify: true", user);

	fails(f, kube_ping(strict, &f->err), ERR_DENIED);
	ok(f, kube_ping(careless, &f->err));
	kube_free(strict);
	kube_free(careless);
}

static void a_server_that_is_not_there_is_unavailable(void **state)
{
	struct fixture *f = *state;
	struct kube *k = client(f, "https://127.0.0.1:9", ca_of_server(f), "token: x");

	fails(f, kube_ping(k, &f->err), ERR_UNAVAILABLE);
	kube_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_is_as_good_as_a_certificate),
		cmocka_unit_test(wrong_credentials_are_denied),
		cmocka_unit_test(a_renewed_token_file_is_used_at_once),
		cmocka_unit_test(a_server_that_our_authority_did_not_sign_is_not_talked_to),
		cmocka_unit_test(a_server_that_is_not_there_is_unavailable),
	};

	return cmocka_run_group_tests(tests, client_begin, client_end);
}
