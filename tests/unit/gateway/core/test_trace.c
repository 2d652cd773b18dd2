#include "gateway/core/trace.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "tests/support/unit.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define SPAN "b7ad6b7169203331"

static struct arena *a;
static const char *environment[8][2];

static int set_up(void **state UNUSED)
{
	a = arena_new();
	memset(environment, 0, sizeof(environment));
	return 0;
}

static int tear_down(void **state UNUSED)
{
	arena_free(a);
	return 0;
}

static void set(const char *name, const char *value)
{
	size_t i = 0;

	while (environment[i][0] && !str_eq(environment[i][0], name))
		i++;
	environment[i][0] = name;
	environment[i][1] = value;
}

static const char *get(const char *name)
{
	for (size_t i = 0; environment[i][0]; i++)
		if (str_eq(environment[i][0], name))
			return environment[i][1];
	return NULL;
}

static const struct trace_settings *settings(void)
{
	struct trace_settings *s = NULL;
	struct err err;

	if (!trace_settings_read(a, get, &s, &err))
		fail_msg("%s", err.msg);
	return s;
}

static void is_refused(const char *name, const char *value)
{
	struct trace_settings *s = NULL;
	struct err err;

	set_up(NULL);
	set("OTEL_EXPORTER_OTLP_ENDPOINT", "http://otel:4318");
	set("OTEL_TRACES_SAMPLER", "traceidratio");
	set(name, value);
	if (trace_settings_read(a, get, &s, &err))
		fail_msg("%s=%s was taken", name, value);
	if (!strstr(err.msg, name))
		fail_msg("%s: %s", name, err.msg);
	tear_down(NULL);
}

static bool parses(const char *text, struct trace_parent *ret)
{
	return trace_parse((struct span){ text, strlen(text) }, ret);
}

static void a_traceparent_is_read_and_written(void **state UNUSED)
{
	char text[TRACE_PARENT_CHARS + 1];
	struct trace_parent p;

	assert_true(parses("00-" TRACE "-" SPAN "-01", &p));
	assert_true(p.sampled);
	assert_int_equal(p.trace[0], 0x0a);
	assert_int_equal(p.span[7], 0x31);
	trace_format(&p, text);
	assert_string_equal(text, "00-" TRACE "-" SPAN "-01");
	assert_true(parses("00-" TRACE "-" SPAN "-fe", &p));
	assert_false(p.sampled);
	assert_true(parses("01-" TRACE "-" SPAN "-01-more", &p));
	assert_true(parses("cc-" TRACE "-" SPAN "-01", &p));
}

static void what_is_no_traceparent_begins_a_new_trace(void **state UNUSED)
{
	static const char *const bad[] = { "", "00", "00-" TRACE "-" SPAN,
		"00-" TRACE "-" SPAN "-0", "ff-" TRACE "-" SPAN "-01",
		"00-" TRACE "-" SPAN "-01-more", "00-" TRACE "-" SPAN "-01 ",
		"01-" TRACE "-" SPAN "-01more", "00-00000000000000000000000000000000-" SPAN "-01",
		"00-" TRACE "-0000000000000000-01", "00_" TRACE "-" SPAN "-01",
		"00-0AF7651916CD43DD8448EB211C80319C-" SPAN "-01", "00-" TRACE "-" SPAN "-0g",
		"0x-" TRACE "-" SPAN "-01" };
	struct trace_parent p;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (parses(bad[i], &p))
			fail_msg("taken: %s", bad[i]);
}

static void without_a_collector_nothing_is_traced(void **state UNUSED)
{
	assert_null(settings());
	set("OTEL_EXPORTER_OTLP_ENDPOINT", "");
	assert_null(settings());
	set("OTEL_EXPORTER_OTLP_ENDPOINT", "http://otel:4318");
	assert_non_null(settings());
	set("OTEL_SDK_DISABLED", "true");
	assert_null(settings());
	set("OTEL_SDK_DISABLED", "false");
	set("OTEL_TRACES_EXPORTER", "none");
	assert_null(settings());
}

static void a_path_is_added_to_the_common_endpoint_only(void **state UNUSED)
{
	set("OTEL_EXPORTER_OTLP_ENDPOINT", "http://otel:4318/");
	assert_string_equal(settings()->target, "/v1/traces");
	assert_int_equal(settings()->to.port, 4318);
	set("OTEL_EXPORTER_OTLP_ENDPOINT", "https://otel.example/tenant");
	assert_string_equal(settings()->target, "/tenant/v1/traces");
	assert_true(settings()->to.tls);
	set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://own:80");
	assert_string_equal(settings()->target, "/");
	assert_string_equal(settings()->to.host, "own");
}

static void names_and_values_are_decoded(void **state UNUSED)
{
	const struct trace_settings *s;

	set("OTEL_EXPORTER_OTLP_ENDPOINT", "http://otel:4318");
	assert_string_equal(settings()->resource[0].value, "apim-gateway");
	set("OTEL_RESOURCE_ATTRIBUTES", " a=b%20c%zz , service.name = front ,");
	set("OTEL_EXPORTER_OTLP_HEADERS", "x-key=1%2B1,other=");
	s = settings();
	assert_int_equal(s->n_resource, 2);
	assert_string_equal(s->resource[0].value, "front");
	assert_string_equal(s->resource[1].name, "a");
	assert_string_equal(s->resource[1].value, "b c%zz");
	assert_int_equal(s->n_headers, 2);
	assert_string_equal(s->headers[0].value, "1+1");
	assert_string_equal(s->headers[1].value, "");
	set("OTEL_SERVICE_NAME", "named");
	assert_string_equal(settings()->resource[0].value, "named");
	set("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "own=2");
	assert_string_equal(settings()->headers[0].name, "own");
}

static void nonsense_is_refused_by_name(void **state UNUSED)
{
	tear_down(NULL);
	is_refused("OTEL_EXPORTER_OTLP_ENDPOINT", "otel:4318");
	is_refused("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:secret@otel");
	is_refused("OTEL_TRACES_SAMPLER", "jaeger_remote");
	is_refused("OTEL_TRACES_SAMPLER_ARG", "1.01");
	is_refused("OTEL_TRACES_SAMPLER_ARG", "nan");
	is_refused("OTEL_TRACES_SAMPLER_ARG", "-1");
	is_refused("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
	is_refused("OTEL_RESOURCE_ATTRIBUTES", "alone");
	is_refused("OTEL_EXPORTER_OTLP_HEADERS", "a b=c");
	is_refused("OTEL_EXPORTER_OTLP_HEADERS", "a=b%0d%0aevil: yes");
	set_up(NULL);
}

static bool chosen(const char *sampler, const char *ratio, const bool *parent, unsigned char last)
{
	const unsigned char trace[TRACE_ID_BYTES] = { 0xff, [8] = last };
	struct trace_parent p = { .sampled = parent && *parent };

	set("OTEL_EXPORTER_OTLP_ENDPOINT", "http://otel:4318");
	set("OTEL_TRACES_SAMPLER", sampler);
	set("OTEL_TRACES_SAMPLER_ARG", ratio);
	return trace_is_chosen(settings(), parent ? &p : NULL, trace);
}

static void samplers_decide_as_opentelemetry_says(void **state UNUSED)
{
	static const bool yes = true, no = false;

	assert_true(chosen(NULL, NULL, NULL, 0));
	assert_false(chosen(NULL, NULL, &no, 0));
	assert_true(chosen("always_on", NULL, &no, 0xff));
	assert_false(chosen("always_off", NULL, &yes, 0));
	assert_true(chosen("parentbased_always_off", NULL, &yes, 0));
	assert_false(chosen("parentbased_always_off", NULL, NULL, 0));
	assert_true(chosen("traceidratio", "0.5", NULL, 0x7f));
	assert_false(chosen("traceidratio", "0.5", NULL, 0x80));
	assert_true(chosen("traceidratio", "1", NULL, 0xff));
	assert_false(chosen("traceidratio", "0", NULL, 0));
	assert_true(chosen("parentbased_traceidratio", "0", &yes, 0));
	assert_false(chosen("parentbased_traceidratio", "1", &no, 0));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_traceparent_is_read_and_written),
		TEST(what_is_no_traceparent_begins_a_new_trace),
		TEST(without_a_collector_nothing_is_traced),
		TEST(a_path_is_added_to_the_common_endpoint_only),
		TEST(names_and_values_are_decoded),
		TEST(nonsense_is_refused_by_name),
		TEST(samplers_decide_as_opentelemetry_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
