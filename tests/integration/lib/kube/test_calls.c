/* The calls of struct kube_ops against a real API server (run under with-apiserver.sh). */
#include <signal.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/json/json.h"
#include "tests/support/kube.h"

static struct json *config_map(struct arena *a, const char *name, const char *value)
{
	return json_format(a,
		"{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':%s,'namespace':'default'},"
		"'data':{'key':%s}}",
		name, value);
}

static const struct json *applied(struct fixture *f, struct json *body)
{
	struct kube_apply x = { .body = body, .manager = "test", .force = true };

	ok(f, f->ops.apply(f->ops.self, f->a, &x, 1, &f->err));
	return x.live;
}

static const struct json *got(struct fixture *f, enum kind kind, const char *name)
{
	struct object o = { .ref = { kind, "default", name } };

	ok(f, f->ops.get(f->ops.self, f->a, &o, 1, &f->err));
	return o.json;
}

static const char *value_of(const struct json *config_map)
{
	return json_str(json_path(config_map, "data", "key", NULL));
}

/* ---- namespaces ---- */

/* Nobody is there who would finish it: it ends for ever. */
static void nothing_is_made_in_a_namespace_that_ends(void **state)
{
	struct fixture *f = *state;
	struct json *body = json_format(f->a,
		"{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'late','namespace':'ends'}}");
	struct kube_apply late = { .body = body, .manager = "test" };
	const struct json *made;

	assert_int_equal(system("PATH=build/tools/bin:$PATH; kubectl create namespace ends >&2 &&"
				"kubectl delete namespace ends --wait=false >&2"),
		0);
	fails(f, f->ops.apply(f->ops.self, f->a, &late, 1, &f->err), ERR_ENDING);
	fails(f, f->ops.create(f->ops.self, f->a, body, "test", &made, &f->err), ERR_ENDING);
}

/* ---- get ---- */

static void get_finds_what_exists_and_leaves_out_what_does_not(void **state)
{
	struct fixture *f = *state;
	struct object o[] = { { .ref = { KIND_CONFIG_MAP, "default", "get-1" } },
		{ .ref = { KIND_CONFIG_MAP, "default", "get-missing" } },
		{ .ref = { KIND_SECRET, "no-such-namespace", "x" } },
		{ .ref = { KIND_CONFIG_MAP, "default", "get-1" } } };

	applied(f, config_map(f->a, "get-1", "v"));
	ok(f, f->ops.get(f->ops.self, f->a, o, 4, &f->err));
	assert_string_equal(value_of(o[0].json), "v");
	assert_string_equal(json_get_str(o[0].json, "kind"), "ConfigMap");
	assert_null(o[1].json);
	assert_null(o[2].json);
	assert_non_null(o[3].json);
}

static void a_name_that_cannot_exist_is_missing(void **state)
{
	struct fixture *f = *state;
	const char *const names[] = { "", "..", ".", "a/b", "../../secrets/x", "a%2fb", "a?b",
		"a b", "\xc3\xa4" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_null(got(f, KIND_CONFIG_MAP, names[i]));
}

static void a_batch_of_many_gets_returns_all(void **state)
{
	struct fixture *f = *state;
	struct object o[200];

	applied(f, config_map(f->a, "many", "v"));
	for (size_t i = 0; i < ARRAY_LEN(o); i++)
		o[i] = (struct object){ .ref = { KIND_CONFIG_MAP, "default",
						i % 2 ? "many" : "many-missing" } };
	ok(f, f->ops.get(f->ops.self, f->a, o, ARRAY_LEN(o), &f->err));
	for (size_t i = 0; i < ARRAY_LEN(o); i++)
		assert_int_equal(o[i].json != NULL, i % 2);
}

static void no_objects_to_get_is_success(void **state)
{
	struct fixture *f = *state;

	ok(f, f->ops.get(f->ops.self, f->a, NULL, 0, &f->err));
}

/* ---- apply ---- */

static void apply_creates_then_changes_nothing_then_changes(void **state)
{
	struct fixture *f = *state;
	const struct json *first = applied(f, config_map(f->a, "apply-1", "a"));
	const struct json *same = applied(f, config_map(f->a, "apply-1", "a"));
	const struct json *changed = applied(f, config_map(f->a, "apply-1", "b"));

	assert_string_equal(value_of(first), "a");
	assert_string_equal(meta_version(first), meta_version(same));
	assert_string_not_equal(meta_version(same), meta_version(changed));
	assert_string_equal(value_of(got(f, KIND_CONFIG_MAP, "apply-1")), "b");
}

static void a_stale_version_is_a_conflict(void **state)
{
	struct fixture *f = *state;
	const struct json *first = applied(f, config_map(f->a, "stale", "a"));
	struct json *body = config_map(f->a, "stale", "c");
	struct kube_apply x = { .body = body, .manager = "test", .force = true };

	applied(f, config_map(f->a, "stale", "b"));
	json_set_str(
		f->a, json_sub(f->a, body, "metadata"), "resourceVersion", meta_version(first));
	fails(f, f->ops.apply(f->ops.self, f->a, &x, 1, &f->err), ERR_CONFLICT);
	assert_null(x.live);
	assert_string_equal(value_of(got(f, KIND_CONFIG_MAP, "stale")), "b");
}

/* What the server does: a version alone does not keep an apply from creating what is gone, a uid
 * does. */
static void an_object_that_is_gone_is_made_again_unless_its_uid_is_given(void **state)
{
	struct fixture *f = *state;
	struct json *body = config_map(f->a, "gone", "c");
	struct json *meta = json_sub(f->a, body, "metadata");
	struct kube_apply x = { .body = body, .manager = "test", .force = true };

	json_set_str(f->a, meta, "resourceVersion", "1");
	json_set_str(f->a, meta, "uid", "11111111-2222-3333-4444-555555555555");
	fails(f, f->ops.apply(f->ops.self, f->a, &x, 1, &f->err), ERR_CONFLICT);
	assert_null(got(f, KIND_CONFIG_MAP, "gone"));
	json_remove(meta, "uid");
	ok(f, f->ops.apply(f->ops.self, f->a, &x, 1, &f->err));
	assert_non_null(got(f, KIND_CONFIG_MAP, "gone"));
}

static void the_status_of_an_object_that_is_gone_is_not_found(void **state)
{
	struct fixture *f = *state;
	struct json *body = json_format(f->a,
		"{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'none','namespace':"
		"'default'},'status':{'replicas':3}}");
	struct kube_apply x = { .body = body, .manager = "test", .status = true };

	fails(f, f->ops.apply(f->ops.self, f->a, &x, 1, &f->err), ERR_NOT_FOUND);
}

static void a_field_of_another_manager_is_taken_by_force_only(void **state)
{
	struct fixture *f = *state;
	struct kube_apply x = { .body = config_map(f->a, "fields", "b"), .manager = "other" };

	applied(f, config_map(f->a, "fields", "a"));
	fails(f, f->ops.apply(f->ops.self, f->a, &x, 1, &f->err), ERR_CONFLICT);
	assert_non_null(strstr(f->err.msg, "\"test\""));
	x.force = true;
	ok(f, f->ops.apply(f->ops.self, f->a, &x, 1, &f->err));
	assert_string_equal(value_of(x.live), "b");
}

static void a_refused_object_is_invalid_and_the_others_are_applied(void **state)
{
	struct fixture *f = *state;
	struct kube_apply x[] = {
		{ .body = config_map(f->a, "batch-1", "a"), .manager = "test" },
		{ .body = json_format(f->a,
			  "{'apiVersion':'v1','kind':'Service','metadata':{'name':"
			  "'batch-2','namespace':'default'},'spec':{'ports':[]}}"),
			.manager = "test" },
		{ .body = config_map(f->a, "batch-3", "a"), .manager = "test" },
	};

	struct kube_apply y[] = {
		{ .body = config_map(f->a, "", "a"), .manager = "test" },
		{ .body = config_map(f->a, "batch-4", "a"), .manager = "test" },
	};

	fails(f, f->ops.apply(f->ops.self, f->a, y, 2, &f->err), ERR_INVALID);
	assert_null(y[0].live);
	assert_non_null(y[1].live);
	fails(f, f->ops.apply(f->ops.self, f->a, x, 3, &f->err), ERR_INVALID);
	assert_non_null(strstr(f->err.msg, "apply Service \"default/batch-2\""));
	assert_non_null(strstr(f->err.msg, "spec.ports"));
	assert_non_null(x[0].live);
	assert_null(x[1].live);
	assert_non_null(x[2].live);
}

static void status_is_applied_apart_from_spec(void **state)
{
	struct fixture *f = *state;
	struct json *spec = json_format(f->a,
		"{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'d','namespace':'default'},"
		"'spec':{'selector':{'matchLabels':{'a':'b'}},'template':{'metadata':{'labels':{'a':'b'}},"
		"'spec':{'containers':[{'name':'c','image':'i'}]}}}}");
	struct json *status = json_format(f->a,
		"{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'d','namespace':'default'},"
		"'status':{'replicas':3}}");
	struct kube_apply x = { .body = status, .manager = "test", .status = true };

	applied(f, spec);
	ok(f, f->ops.apply(f->ops.self, f->a, &x, 1, &f->err));
	assert_int_equal(json_get_int(json_get(x.live, "status"), "replicas", 0), 3);
	assert_int_equal(meta_generation(x.live), 1);
	json_set(f->a, spec, "status", json_format(f->a, "{'replicas':7}"));
	assert_int_equal(json_get_int(json_get(applied(f, spec), "status"), "replicas", 0), 3);
}

/* Apply bodies are read as YAML, whose rules differ for these. */
static void every_character_survives_an_apply(void **state)
{
	struct fixture *f = *state;
	struct str text;

	str_init(&text, f->a, 4096);
	for (char c = 1; c < 127; c++)
		str_addc(&text, c);
	str_add(&text, "\x7f\xc2\x80\xc2\x85\xc2\x9f\xc2\xa0\xc3\xa4\xe2\x80\xa8\xe2\x80\xa9"
		       "\xef\xbb\xbf\xef\xbf\xbe\xef\xbf\xbf\xef\xbf\xbd\xf0\x9f\x98\x80"
		       " \\u2028 \\\\n\r\n\t--- # : {x}\n...\n yes");
	assert_string_equal(value_of(applied(f, config_map(f->a, "chars", text.ptr))), text.ptr);
	assert_string_equal(value_of(got(f, KIND_CONFIG_MAP, "chars")), text.ptr);
}

static void a_large_object_is_applied_and_read(void **state)
{
	struct fixture *f = *state;
	size_t n = 1000 * 1000;
	char *text = arena_alloc(f->a, n + 1);

	for (size_t i = 0; i < n; i++)
		text[i] = (char)('a' + i * 7 % 26);
	applied(f, config_map(f->a, "large", text));
	assert_string_equal(value_of(got(f, KIND_CONFIG_MAP, "large")), text);
}

static void an_object_that_is_too_large_is_our_inputs_fault(void **state)
{
	struct fixture *f = *state;
	size_t n = 4000 * 1000;
	char *text = arena_alloc(f->a, n + 1);
	struct kube_apply x = { .manager = "test" };

	memset(text, 'x', n);
	x.body = config_map(f->a, "too-large", text);
	fails(f, f->ops.apply(f->ops.self, f->a, &x, 1, &f->err), ERR_LIMIT);
	fails(f, f->ops.create(f->ops.self, f->a, x.body, "test", NULL, &f->err), ERR_LIMIT);
	text[2000 * 1000] = '\0';
	x.body = config_map(f->a, "too-large", text);
	fails(f, f->ops.apply(f->ops.self, f->a, &x, 1, &f->err), ERR_INVALID);
}

/* ---- create, remove ---- */

static void a_name_can_be_created_once(void **state)
{
	struct fixture *f = *state;
	struct json *body = config_map(f->a, "once", "a");
	const struct json *live = NULL;

	ok(f, f->ops.create(f->ops.self, f->a, body, "test", &live, &f->err));
	assert_non_null(meta_uid(live));
	fails(f, f->ops.create(f->ops.self, f->a, body, "test", NULL, &f->err), ERR_CONFLICT);
	assert_non_null(strstr(f->err.msg, "already exists"));
}

static void only_the_object_that_was_meant_is_removed(void **state)
{
	struct fixture *f = *state;
	const struct ref r = { KIND_CONFIG_MAP, "default", "removed" };
	const struct json *live = applied(f, config_map(f->a, "removed", "a"));
	const char *other = "11111111-2222-3333-4444-555555555555";

	fails(f, f->ops.remove(f->ops.self, f->a, r, other, &f->err), ERR_CONFLICT);
	assert_non_null(got(f, KIND_CONFIG_MAP, "removed"));
	ok(f, f->ops.remove(f->ops.self, f->a, r, meta_uid(live), &f->err));
	assert_null(got(f, KIND_CONFIG_MAP, "removed"));
	ok(f, f->ops.remove(f->ops.self, f->a, r, meta_uid(live), &f->err));
	ok(f, f->ops.remove(f->ops.self, f->a, r, NULL, &f->err));
}

static void a_removal_without_a_name_removes_nothing(void **state)
{
	struct fixture *f = *state;
	const struct ref r = { KIND_CONFIG_MAP, "default", "" };

	applied(f, config_map(f->a, "stays", "a"));
	fails(f, f->ops.remove(f->ops.self, f->a, r, NULL, &f->err), ERR_INVALID);
	assert_non_null(got(f, KIND_CONFIG_MAP, "stays"));
}

/* ---- list ---- */

static void apply_many(struct fixture *f, size_t n)
{
	struct kube_apply x[100];

	for (size_t done = 0; done < n; done += ARRAY_LEN(x)) {
		for (size_t i = 0; i < ARRAY_LEN(x); i++) {
			struct json *body =
				config_map(f->a, arena_printf(f->a, "page-%04zu", done + i), "v");

			json_set(f->a, json_sub(f->a, body, "metadata"), "labels",
				json_format(f->a, "{'pages':'yes'}"));
			x[i] = (struct kube_apply){ .body = body, .manager = "test" };
		}
		ok(f, f->ops.apply(f->ops.self, f->a, x, ARRAY_LEN(x), &f->err));
	}
}

static void a_list_longer_than_a_page_is_complete(void **state)
{
	struct fixture *f = *state;
	struct vec all = { 0 };
	size_t i = 0;

	apply_many(f, 1200);
	ok(f, f->ops.list(f->ops.self, f->a,
		      &(struct kube_query){ KIND_CONFIG_MAP, "default", "pages=yes", NULL, false },
		      &all, &f->err));
	assert_int_equal(all.n, 1200);
	vec_foreach (struct object *, o, &all) {
		assert_string_equal(o->ref.name, arena_printf(f->a, "page-%04zu", i++));
		assert_int_equal(o->ref.kind, KIND_CONFIG_MAP);
		assert_string_equal(json_get_str(o->json, "kind"), "ConfigMap");
		assert_string_equal(json_get_str(o->json, "apiVersion"), "v1");
	}
}

static void a_list_of_all_namespaces_and_one_of_nothing(void **state)
{
	struct fixture *f = *state;
	struct vec all = { 0 };
	struct vec none = { 0 };

	ok(f, f->ops.list(f->ops.self, f->a, &(struct kube_query){ .kind = KIND_SERVICE }, &all,
		      &f->err));
	assert_true(all.n >= 1); /* default/kubernetes */
	ok(f, f->ops.list(f->ops.self, f->a,
		      &(struct kube_query){ KIND_JOB, "default", "a=b,c in (d, e)", NULL, false },
		      &none, &f->err));
	assert_int_equal(none.n, 0);
	fails(f,
		f->ops.list(f->ops.self, f->a,
			&(struct kube_query){ .kind = KIND_JOB, .labels = "((" }, &none, &f->err),
		ERR_INVALID);
	fails(f,
		f->ops.list(f->ops.self, f->a, &(struct kube_query){ .kind = KIND_API }, &none,
			&f->err),
		ERR_NOT_FOUND);
}

/* ---- the connection ---- */

static pid_t server_pid(void)
{
	FILE *in = fopen(getenv("APISERVER_PID_FILE"), "r");
	long pid = 0;

	assert_non_null(in);
	assert_int_equal(fscanf(in, "%ld", &pid), 1);
	fclose(in);
	return (pid_t)pid;
}

static bool ready_within(struct fixture *f, int seconds)
{
	struct clock_ops clock = clock_real();
	int64_t deadline = clock.now_ms(clock.self) + seconds * 1000;

	while (clock.now_ms(clock.self) < deadline) {
		if (kube_ping(f->kube, &f->err))
			return true;
		usleep(20 * 1000);
	}
	return false;
}

/* SIGTERM: the server says goodbye (GOAWAY); SIGKILL: the connection breaks. */
static void a_client_survives_the_end_of_its_server(struct fixture *f, int signal)
{
	struct object o = { .ref = { KIND_SERVICE, "default", "kubernetes" } };
	pid_t before = server_pid();

	ok(f, kube_ping(f->kube, &f->err));
	assert_int_equal(kill(before, signal), 0);
	while (server_pid() == before)
		if (!f->ops.get(f->ops.self, f->a, &o, 1, &f->err))
			assert_int_equal(f->err.code, ERR_UNAVAILABLE);
	assert_true(ready_within(f, 60));
	ok(f, f->ops.get(f->ops.self, f->a, &o, 1, &f->err));
	assert_non_null(o.json);
}

static void a_client_survives_a_killed_server(void **state)
{
	a_client_survives_the_end_of_its_server(*state, SIGKILL);
}

static void a_client_survives_a_server_that_stops_in_order(void **state)
{
	a_client_survives_the_end_of_its_server(*state, SIGTERM);
}

static void a_server_that_does_not_answer_is_a_timeout(void **state)
{
	struct fixture *f = *state;
	const struct kube_options options = { .timeout_ms = 300 };
	struct kube *k = kube_new(&options, &f->err);
	pid_t server = server_pid();

	assert_non_null(k);
	ok(f, kube_ping(k, &f->err));
	assert_int_equal(kill(server, SIGSTOP), 0);
	/* The signal takes its time to reach all threads. */
	bool answered = true;
	for (int i = 0; i < 100 && answered; i++)
		answered = kube_ping(k, &f->err);
	assert_int_equal(kill(server, SIGCONT), 0);
	assert_false(answered);
	assert_int_equal(f->err.code, ERR_TIMEOUT);
	kube_free(k);
	assert_true(ready_within(f, 10));
}

static void count(void *arg, const char *verb, int code, uint64_t n)
{
	uint64_t *sum = arg;

	if (str_eq(verb, "get") && (code == 200 || code == 400))
		*sum += n;
}

static void requests_are_counted(void **state)
{
	struct fixture *f = *state;
	uint64_t before = 0;
	uint64_t after = 0;

	kube_stats(f->kube, count, &before);
	got(f, KIND_SERVICE, "kubernetes");
	got(f, KIND_SERVICE, "nothing");
	kube_stats(f->kube, count, &after);
	assert_int_equal(after - before, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(get_finds_what_exists_and_leaves_out_what_does_not),
		cmocka_unit_test(a_name_that_cannot_exist_is_missing),
		cmocka_unit_test(a_batch_of_many_gets_returns_all),
		cmocka_unit_test(no_objects_to_get_is_success),
		cmocka_unit_test(apply_creates_then_changes_nothing_then_changes),
		cmocka_unit_test(a_stale_version_is_a_conflict),
		cmocka_unit_test(an_object_that_is_gone_is_made_again_unless_its_uid_is_given),
		cmocka_unit_test(the_status_of_an_object_that_is_gone_is_not_found),
		cmocka_unit_test(a_field_of_another_manager_is_taken_by_force_only),
		cmocka_unit_test(a_refused_object_is_invalid_and_the_others_are_applied),
		cmocka_unit_test(status_is_applied_apart_from_spec),
		cmocka_unit_test(every_character_survives_an_apply),
		cmocka_unit_test(a_large_object_is_applied_and_read),
		cmocka_unit_test(an_object_that_is_too_large_is_our_inputs_fault),
		cmocka_unit_test(a_name_can_be_created_once),
		cmocka_unit_test(only_the_object_that_was_meant_is_removed),
		cmocka_unit_test(a_removal_without_a_name_removes_nothing),
		cmocka_unit_test(a_list_longer_than_a_page_is_complete),
		cmocka_unit_test(a_list_of_all_namespaces_and_one_of_nothing),
		cmocka_unit_test(nothing_is_made_in_a_namespace_that_ends),
		cmocka_unit_test(requests_are_counted),
		cmocka_unit_test(a_server_that_does_not_answer_is_a_timeout),
		cmocka_unit_test(a_client_survives_a_killed_server),
		cmocka_unit_test(a_client_survives_a_server_that_stops_in_order),
	};

	return cmocka_run_group_tests(tests, client_begin, client_end);
}
