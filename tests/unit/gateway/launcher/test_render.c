#include "gateway/core/contract.h"
#include "gateway/launcher/render.h"
#include "gateway/launcher/settings.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "tests/support/unit.h"

static const char *const no_files[] = { NULL };

static struct contract contract = {
	.max_uri_bytes = 4096,
	.max_header_bytes = 8192,
	.max_body_bytes = -1,
	.http_port = 9090,
	.https_port = 9095,
	.metrics_port = 9797,
	.http2 = true,
};

static struct arena *a;
static struct settings settings;
static struct surroundings around;

static int set_up(void **state)
{
	struct err err;

	(void)state;
	a = arena_new();
	around = (struct surroundings){ .workers = 2, .trust = no_files };
	return settings_read(&settings, &err) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(a);
	return 0;
}

static const char *rendered(void)
{
	struct err err;
	const char *conf = render(a, &settings, &contract, &around, &err);

	assert_non_null(conf);
	return conf;
}

static void contains(const char *text)
{
	if (!strstr(rendered(), text))
		fail_msg("\"%s\" is missing", text);
}

static void lacks(const char *text)
{
	if (strstr(rendered(), text))
		fail_msg("\"%s\" is there", text);
}

static void every_place_of_the_template_is_filled(void **state)
{
	char place[] = "@A";

	(void)state;
	for (; place[1] <= 'Z'; place[1]++)
		lacks(place);
	contains("location @grpc {");
	contains("load_module /usr/lib/nginx/modules/ngx_http_apim_module.so;");
	contains("worker_processes 2;");
	contains("apim_contract /etc/gateway/contract.json;");
}

static void a_key_manager_has_a_listener_of_its_own(void **state)
{
	(void)state;
	lacks("apim_tokens");
	contract.token_port = 9096;
	contains("server {\n\t\tlisten 9096 ssl http2 backlog=1024;\n\n\t\tlocation / {\n"
		 "\t\t\tapim_gateway on;\n\t\t\tapim_tokens on;\n");
	settings.token_port = 10;
	contains("listen 10 ssl http2 backlog");
	lacks("listen 9096");
	contract.token_port = 0;
	lacks("listen 10 ");
}

static void ports_are_the_contracts_unless_set(void **state)
{
	(void)state;
	contains("listen 9090 backlog");
	contains("listen 9095 ssl http2 backlog");
	contains("listen 9797 backlog");
	settings.http_port = 1234;
	contains("listen 1234 backlog");
	lacks("listen 9090");
}

static void both_families_are_listened_to_where_there_are_both(void **state)
{
	(void)state;
	lacks("[::]");
	around.ipv6 = true;
	contains("listen [::]:9095 ssl http2 ipv6only=on backlog");
	settings.bind = "127.0.0.1";
	lacks("[::]");
	contains("listen 127.0.0.1:9090 backlog");
}

static void http2_can_be_off(void **state)
{
	(void)state;
	contract.http2 = false;
	contains("listen 9095 ssl backlog");
	lacks("http2 ");
	contract.http2 = true;
}

static void limits_are_in_nginx_terms(void **state)
{
	(void)state;
	contains("client_max_body_size 0;");
	contains("large_client_header_buffers 8 20k;");
	contract.max_body_bytes = 0;
	contains("client_max_body_size 1;");
	contract.max_body_bytes = 1000;
	contract.max_uri_bytes = 100 * 1024;
	contains("client_max_body_size 1000;");
	contains("large_client_header_buffers 8 104k;");
	contract.max_body_bytes = -1;
	contract.max_uri_bytes = 4096;
}

static void the_key_is_the_users_if_there_is_one(void **state)
{
	(void)state;
	contains("ssl_certificate_key /tmp/gateway/tls.key;");
	around.user_key = true;
	contains("ssl_certificate_key /etc/gateway/tls/tls.key;");
	contains("ssl_certificate /etc/gateway/tls/tls.crt;");
}

static void root_is_named_and_trust_listed(void **state)
{
	static const char *const files[] = { "/a.crt", "/b.pem", NULL };

	(void)state;
	lacks("user root;");
	lacks("apim_trust");
	around.is_root = true;
	around.trust = files;
	contains("user root;");
	contains("apim_trust /a.crt;\n\tapim_trust /b.pem;");
}

static void clients_are_asked_for_certificates_where_an_api_wants_them(void **state)
{
	struct contract_api api = { .transport = { .client_cert = CLIENT_CERT_OPTIONAL } };

	(void)state;
	lacks("ssl_verify_client");
	contract.apis = &api;
	contract.n_apis = 1;
	contains("ssl_verify_client optional_no_ca;");
	lacks("ssl_client_certificate");
	around.client_trust = true;
	contains("ssl_client_certificate /tmp/gateway/clients.crt;");
	contract.n_apis = 0;
}

static void usage_is_told_only_if_a_bus_is_named(void **state)
{
	(void)state;
	lacks("apim_usage");
	settings.usage_url = "nats://nats:4222";
	contains("apim_usage /tmp/gateway;");
	lacks("nats");
}

static void the_environment_is_checked(void **state)
{
	struct settings s;
	struct err err;

	(void)state;
	assert_int_equal(setenv("GATEWAY_RUN_DIR", "/tmp/x; include /etc/passwd", 1), 0);
	assert_false(settings_read(&s, &err));
	assert_non_null(strstr(err.msg, "GATEWAY_RUN_DIR"));
	assert_int_equal(setenv("GATEWAY_RUN_DIR", "", 1), 0);
	assert_false(settings_read(&s, &err));
	assert_int_equal(unsetenv("GATEWAY_RUN_DIR"), 0);
	assert_int_equal(setenv("GATEWAY_WORKERS", "1x", 1), 0);
	assert_false(settings_read(&s, &err));
	assert_int_equal(setenv("GATEWAY_WORKERS", "257", 1), 0);
	assert_false(settings_read(&s, &err));
	assert_int_equal(setenv("GATEWAY_WORKERS", "3", 1), 0);
	assert_true(settings_read(&s, &err));
	assert_int_equal(s.workers, 3);
	assert_int_equal(unsetenv("GATEWAY_WORKERS"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static void other_replicas_are_named_if_there_are_any(void **state)
{
	(void)state;
	lacks("apim_replicas");
	settings.replicas = "gateways";
	settings.replicas_address = "10.0.0.1";
	contains("apim_replicas gateways 10.0.0.1 9798 /etc/gateway/replicas/key;");
}

static void an_own_address_is_needed_beside_the_name_of_all(void **state)
{
	struct settings s;
	struct err err;

	(void)state;
	assert_int_equal(setenv("GATEWAY_REPLICAS", "gateways", 1), 0);
	assert_false(settings_read(&s, &err));
	assert_non_null(strstr(err.msg, "GATEWAY_REPLICAS_ADDRESS"));
	assert_int_equal(setenv("GATEWAY_REPLICAS_ADDRESS", "10.0.0.1", 1), 0);
	assert_true(settings_read(&s, &err));
	assert_int_equal(unsetenv("GATEWAY_REPLICAS"), 0);
	assert_int_equal(unsetenv("GATEWAY_REPLICAS_ADDRESS"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_place_of_the_template_is_filled),
		TEST(a_key_manager_has_a_listener_of_its_own),
		TEST(ports_are_the_contracts_unless_set),
		TEST(both_families_are_listened_to_where_there_are_both),
		TEST(http2_can_be_off),
		TEST(limits_are_in_nginx_terms),
		TEST(the_key_is_the_users_if_there_is_one),
		TEST(root_is_named_and_trust_listed),
		TEST(clients_are_asked_for_certificates_where_an_api_wants_them),
		TEST(usage_is_told_only_if_a_bus_is_named),
		TEST(the_environment_is_checked),
		TEST(other_replicas_are_named_if_there_are_any),
		TEST(an_own_address_is_needed_beside_the_name_of_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
