#include "lib/json/json.h"
#include "tests/support/conf.h"
#include "tests/support/unit.h"

static void the_first_form_of_a_registry_is_complete(void **state UNUSED)
{
	AUTO(release) struct fixture x = a_conf();

	conf_has(&x, CONF_CONTROLLER, "{'dockerRegistry':' docker.io/jane '}");
	read_conf(&x);
	assert_int_equal(x.conf.registry.type, REGISTRY_DOCKER_HUB);
	assert_string_equal(x.conf.registry.repository, "docker.io/jane");
	assert_string_equal(x.conf.registry.secret, "docker-secret");
	assert_true(x.conf.registry.secret_is_userpass);
	assert_false(x.conf.registry.insecure);
}

static void a_registry_without_tls_has_its_scheme_in_front(void **state UNUSED)
{
	AUTO(release) struct fixture x = a_conf();

	conf_has(
		&x, CONF_CONTROLLER, "{'dockerRegistry':'http://registry.example:5000/gateways/'}");
	read_conf(&x);
	assert_string_equal(x.conf.registry.repository, "registry.example:5000/gateways");
	assert_true(x.conf.registry.insecure);
}

static void a_registry_that_was_not_filled_in_is_none(void **state UNUSED)
{
	AUTO(release) struct fixture x = a_conf();

	conf_has(&x, CONF_CONTROLLER, "{'dockerRegistry':'docker.io/<your-user>'}");
	read_conf(&x);
	assert_int_equal(x.conf.registry.type, REGISTRY_NONE);
	assert_int_equal(x.findings.all.n, 0);
}

static void the_later_form_of_a_registry_wins(void **state UNUSED)
{
	AUTO(release) struct fixture x = a_conf();

	conf_has(&x, CONF_CONTROLLER,
		"{'dockerRegistry':'docker.io/jane','imagePushSecretName':'push'}");
	conf_has(&x, CONF_REGISTRY,
		"{'registryType':'http','repositoryName':'registry.example/apis','imagePullSecretNames':'a, b,,C'}");
	read_conf(&x);
	assert_int_equal(x.conf.registry.type, REGISTRY_HTTP);
	assert_true(x.conf.registry.insecure);
	assert_string_equal(x.conf.registry.secret, "push");
	assert_false(x.conf.registry.secret_is_userpass);
	assert_int_equal(x.conf.registry.pull_secrets.n, 2);
	assert_string_equal(x.conf.registry.pull_secrets.at[1], "b");
	assert_string_equal(wrong(&x),
		"docker-registry-config.imagePullSecretNames: \"C\" is not the name of a Secret");
}

static void a_bad_registry_is_a_finding(void **state UNUSED)
{
	AUTO(release) struct fixture x = a_conf();

	conf_has(&x, CONF_CONTROLLER, "{'dockerRegistry':'registry.example/Upper Case'}");
	conf_has(&x, CONF_REGISTRY, "{'registryType':'FTP','repositoryName':'x'}");
	read_conf(&x);
	assert_int_equal(x.conf.registry.type, REGISTRY_NONE);
	assert_int_equal(x.findings.all.n, 2);
}

static const char *docker_config(struct fixture *x, const char *repository, const char *data)
{
	const struct conf_registry r = { .repository = repository };
	struct json *secret = json_format(x->arena, "{'kind':'Secret'}");

	json_set(x->arena, secret, "data", json_format(x->arena, data));
	return conf_docker_config(x->arena, &r, secret);
}

static void credentials_become_a_docker_configuration(void **state UNUSED)
{
	AUTO(release) struct fixture x = a_conf();
	const char *admin = "{'username':'YWRtaW4=','password':'c2VjcmV0Cg=='}";

	assert_string_equal(docker_config(&x, "jane", admin),
		"{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"YWRtaW46c2VjcmV0\"}}}");
	assert_string_equal(docker_config(&x, "registry.example:5000/a", admin),
		"{\"auths\":{\"registry.example:5000\":{\"auth\":\"YWRtaW46c2VjcmV0\"}}}");
	assert_null(docker_config(&x, "jane", "{'username':'','password':''}"));
	assert_null(docker_config(&x, "jane", "{'username':'YQ=='}"));
	assert_null(conf_docker_config(x.arena, &(struct conf_registry){ 0 }, NULL));
}

static void a_google_key_is_the_password_of_json_key(void **state UNUSED)
{
	AUTO(release) struct fixture x = a_conf();
	/* {"type":"service_account"} */
	const struct json *secret = json_format(x.arena,
		"{'kind':'Secret','data':{'gcr_key.json':'eyJ0eXBlIjoic2VydmljZV9hY2NvdW50In0K'}}");

	conf_has(&x, CONF_REGISTRY, "{'registryType':'gcr','repositoryName':'eu.gcr.io/project'}");
	read_conf(&x);
	assert_string_equal(x.conf.registry.secret, "google-application-credentials");
	assert_string_equal(conf_docker_config(x.arena, &x.conf.registry, secret),
		"{\"auths\":{\"eu.gcr.io\":{\"auth\":\"X2pzb25fa2V5OnsidHlwZSI6InNlcnZpY2VfYWNjb3VudCJ9\"}}}");
	conf_has(&x, CONF_REGISTRY, "{'registryType':'QUAY','repositoryName':'quay.io/me'}");
	read_conf(&x);
	assert_null(conf_docker_config(x.arena, &x.conf.registry, secret));
}

static void a_docker_configuration_is_used_as_it_is(void **state UNUSED)
{
	AUTO(release) struct fixture x = a_conf();
	const struct json *secret = json_format(
		x.arena, "{'kind':'Secret','data':{'.dockerconfigjson':'eyJhdXRocyI6e319'}}");

	conf_has(&x, CONF_REGISTRY, "{'registryType':'HTTPS','repositoryName':'reg.example/me'}");
	read_conf(&x);
	assert_string_equal(
		conf_docker_config(x.arena, &x.conf.registry, secret), "{\"auths\":{}}");
}

static void kaniko_arguments_are_lines_that_are_no_comments(void **state UNUSED)
{
	AUTO(release) struct fixture x = a_conf();

	conf_has(&x, CONF_KANIKO,
		"{'kanikoArguments':'# none\\n\\n  --cache=false \\r\\n--verbosity=info'}");
	read_conf(&x);
	assert_int_equal(x.conf.kaniko_arguments.n, 2);
	assert_string_equal(x.conf.kaniko_arguments.at[0], "--cache=false");
	assert_string_equal(x.conf.kaniko_arguments.at[1], "--verbosity=info");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_form_of_a_registry_is_complete),
		cmocka_unit_test(a_registry_without_tls_has_its_scheme_in_front),
		cmocka_unit_test(a_registry_that_was_not_filled_in_is_none),
		cmocka_unit_test(the_later_form_of_a_registry_wins),
		cmocka_unit_test(a_bad_registry_is_a_finding),
		cmocka_unit_test(credentials_become_a_docker_configuration),
		cmocka_unit_test(a_google_key_is_the_password_of_json_key),
		cmocka_unit_test(a_docker_configuration_is_used_as_it_is),
		cmocka_unit_test(kaniko_arguments_are_lines_that_are_no_comments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
