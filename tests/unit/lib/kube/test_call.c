#include <unistd.h>

#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/json/json.h"
#include "lib/kube/call.h"
#include "lib/kube/client.h"
#include "lib/kube/kube.h"
#include "tests/support/http.h"
#include "tests/support/unit.h"

struct fixture {
	struct arena *a;
	struct http_script script;
	struct kube *kube;
	struct kube_ops ops;
	struct err err;
};

static void begin_with_timeout(
	struct fixture *f, const struct http_step *steps, size_t n, int timeout_ms)
{
	f->a = arena_new();
	f->script = http_play(steps, n);
	f->kube = http_client(f->a, &f->script, timeout_ms);
	f->ops = kube_ops(f->kube);
}

/* Long enough that a busy machine never meets it. */
static void begin(struct fixture *f, const struct http_step *steps, size_t n)
{
	begin_with_timeout(f, steps, n, 60000);
}

static void end(struct fixture *f)
{
	kube_free(f->kube);
	arena_free(f->a);
	http_stop(&f->script);
}

static bool get(struct fixture *f, const struct json **ret)
{
	struct object o = { .ref = { KIND_SECRET, "ns", "x" } };

	if (!f->ops.get(f->ops.self, f->a, &o, 1, &f->err))
		return false;
	*ret = o.json;
	return true;
}

static void a_failed_call_has_the_servers_words_and_ours(void **state UNUSED)
{
	const struct http_step steps[] = { { "GET /api/v1/namespaces/ns/secrets/x ", 403, NULL,
		"{\"kind\":\"Status\",\"message\":\"not for you\"}", false, false } };
	const struct json *v;
	struct fixture f;

	begin(&f, steps, ARRAY_LEN(steps));
	assert_false(get(&f, &v));
	assert_int_equal(f.err.code, ERR_DENIED);
	assert_string_equal(f.err.msg, "get Secret \"ns/x\": 403 from the API server: not for you");
	end(&f);
}

static void an_answer_that_is_no_json_is_an_error(void **state UNUSED)
{
	const struct http_step steps[] = { { "GET", 200, NULL, "{\"a\":", false, false },
		{ "GET", 200, NULL, "", false, false } };
	const struct json *v;
	struct fixture f;

	begin(&f, steps, ARRAY_LEN(steps));
	assert_false(get(&f, &v));
	assert_false(get(&f, &v));
	end(&f);
}

static void a_silent_server_is_a_timeout_and_the_next_call_a_new_connection(void **state UNUSED)
{
	const struct http_step steps[] = { { "GET", 200, "Content-Length: 100", "{", true, false },
		{ "GET", 200, NULL, "{\"kind\":\"Secret\"}", false, true } };
	const struct json *v = NULL;
	struct fixture f;

	begin_with_timeout(&f, steps, ARRAY_LEN(steps), 1500);
	assert_false(get(&f, &v));
	assert_int_equal(f.err.code, ERR_TIMEOUT);
	if (!get(&f, &v))
		fail_msg("%s", f.err.msg);
	assert_string_equal(json_get_str(v, "kind"), "Secret");
	end(&f);
}

static void an_answer_cut_short_is_no_answer(void **state UNUSED)
{
	const struct http_step steps[] = { { "GET", 200, "Content-Length: 100", "{}", false,
		false } };
	const struct json *v;
	struct fixture f;

	begin(&f, steps, ARRAY_LEN(steps));
	assert_false(get(&f, &v));
	assert_int_equal(f.err.code, ERR_UNAVAILABLE);
	end(&f);
}

static void a_refusal_cut_short_is_one(void **state UNUSED)
{
	const struct http_step steps[] = { { "GET", 422, "Content-Length: 100", "no, ", false,
		false } };
	const struct json *v;
	struct fixture f;

	begin(&f, steps, ARRAY_LEN(steps));
	assert_false(get(&f, &v));
	assert_int_equal(f.err.code, ERR_INVALID);
	end(&f);
}

static void write_token(const char *path, const char *token)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(token, 1, strlen(token), out), strlen(token));
	assert_int_equal(fclose(out), 0);
}

/* The file's time and inode are made to look unchanged: only the server's refusal tells. */
static void a_refused_token_is_read_again_and_the_call_repeated_once(void **state UNUSED)
{
	const struct http_step steps[] = {
		{ "Bearer old\r", 401, NULL, "Unauthorized", false, false },
		{ "Bearer new\r", 200, NULL, "{\"kind\":\"Secret\"}", false, false },
		{ "Bearer new\r", 401, NULL, "Unauthorized", false, false },
	};
	char path[] = "/tmp/test-token.XXXXXX";
	int fd = mkstemp(path);
	const struct json *v = NULL;
	struct fixture f;

	assert_true(fd >= 0);
	close(fd);
	begin(&f, steps, ARRAY_LEN(steps));
	write_token(path, "new");
	f.kube->config.token_file = path;
	token_init(&f.kube->token, &f.kube->config);
	assert_string_equal(token_get(&f.kube->token, kube_now_us(f.kube)), "new");
	memcpy(f.kube->token.text, "old", 3);
	assert_true(get(&f, &v));
	assert_false(get(&f, &v));
	assert_int_equal(f.err.code, ERR_DENIED);
	unlink(path);
	end(&f);
}

static void an_expired_page_starts_a_list_over_once(void **state UNUSED)
{
	const char *first =
		"{\"metadata\":{\"continue\":\"t\"},\"items\":[{\"metadata\":{\"name\":\"a\"}}]}";
	const char *last = "{\"metadata\":{},\"items\":[{\"metadata\":{\"name\":\"b\"}}]}";
	const struct http_step steps[] = {
		{ "secrets?limit=500 ", 200, NULL, first, false, false },
		{ "limit=500&continue=t ", 410, NULL, "expired", false, false },
		{ "secrets?limit=500 ", 200, NULL, first, false, false },
		{ "limit=500&continue=t ", 200, NULL, last, false, false },
		{ "secrets?limit=500 ", 200, NULL, first, false, false },
		{ "continue=t ", 410, NULL, "expired", false, false },
		{ "secrets?limit=500 ", 410, NULL, "expired", false, false },
	};
	const struct kube_query secrets = { .kind = KIND_SECRET, .ns = "ns" };
	struct vec found = { 0 };
	struct fixture f;

	begin(&f, steps, ARRAY_LEN(steps));
	assert_true(f.ops.list(f.ops.self, f.a, &secrets, &found, &f.err));
	assert_int_equal(found.n, 2);
	assert_false(f.ops.list(f.ops.self, f.a, &secrets, &found, &f.err));
	assert_int_equal(f.err.code, ERR_UNAVAILABLE);
	assert_int_equal(found.n, 2);
	end(&f);
}

static void a_ping_is_answered_even_by_a_refusal(void **state UNUSED)
{
	const struct http_step steps[] = {
		{ "GET /readyz ", 200, NULL, "ok", false, false },
		{ "GET /readyz ", 403, NULL, "{}", false, false },
		{ "GET /readyz ", 401, NULL, "{}", false, false },
		{ "GET /readyz ", 500, NULL, "etcd failed", false, false },
	};
	struct fixture f;

	begin(&f, steps, ARRAY_LEN(steps));
	assert_true(kube_ping(f.kube, &f.err));
	assert_true(kube_ping(f.kube, &f.err));
	assert_false(kube_ping(f.kube, &f.err));
	assert_int_equal(f.err.code, ERR_DENIED);
	assert_false(kube_ping(f.kube, &f.err));
	assert_int_equal(f.err.code, ERR_UNAVAILABLE);
	end(&f);
}

static void count(void *arg, const char *verb, int code, uint64_t n)
{
	str_addf(arg, "%s %d %d;", verb, code, (int)n);
}

static void answers_are_counted_by_verb_and_class(void **state UNUSED)
{
	const struct http_step steps[] = {
		{ "GET", 404, NULL, "{}", false, false },
		{ "GET", 200, NULL, "{}", false, false },
		{ "GET", 201, NULL, "{}", false, false },
		{ "DELETE", 500, NULL, "{}", false, false },
	};
	const struct ref r = { KIND_SECRET, "ns", "x" };
	const struct json *v;
	struct fixture f;
	struct str s;

	begin(&f, steps, ARRAY_LEN(steps));
	str_init(&s, f.a, 1000);
	for (int i = 0; i < 3; i++)
		assert_true(get(&f, &v));
	assert_false(f.ops.remove(f.ops.self, f.a, r, NULL, &f.err));
	kube_stats(f.kube, count, &s);
	assert_string_equal(s.ptr, "get 200 2;get 400 1;delete 500 1;");
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failed_call_has_the_servers_words_and_ours),
		cmocka_unit_test(an_answer_that_is_no_json_is_an_error),
		cmocka_unit_test(a_silent_server_is_a_timeout_and_the_next_call_a_new_connection),
		cmocka_unit_test(an_answer_cut_short_is_no_answer),
		cmocka_unit_test(a_refusal_cut_short_is_one),
		cmocka_unit_test(a_refused_token_is_read_again_and_the_call_repeated_once),
		cmocka_unit_test(an_expired_page_starts_a_list_over_once),
		cmocka_unit_test(a_ping_is_answered_even_by_a_refusal),
		cmocka_unit_test(answers_are_counted_by_verb_and_class),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
