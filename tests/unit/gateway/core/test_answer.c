#include "gateway/core/answer.h"
#include "lib/base/arena.h"
#include "tests/support/unit.h"

static struct arena *a;

static int set_up(void **state UNUSED)
{
	a = arena_new();
	return 0;
}

static int tear_down(void **state UNUSED)
{
	arena_free(a);
	return 0;
}

static enum answer_state reads(const char *text, bool is_end, struct answer *ret)
{
	return answer_read(a, (struct span){ text, strlen(text) }, is_end, ret);
}

static void is_complete(const char *text, bool is_end, int status, const char *body)
{
	struct answer answer;

	if (reads(text, is_end, &answer) != ANSWER_COMPLETE)
		fail_msg("not complete: %s", text);
	assert_int_equal(answer.status, status);
	assert_int_equal(answer.body.n, strlen(body));
	assert_memory_equal(answer.body.at, body, strlen(body));
}

static void bodies_end_by_length_by_chunks_or_with_the_connection(void **state UNUSED)
{
	is_complete("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", false, 200, "{}");
	is_complete("HTTP/1.1 200 OK\r\ncontent-length: 2 \r\n\r\n{}more", false, 200, "{}");
	is_complete("HTTP/1.0 503\n\nsorry", true, 503, "sorry");
	is_complete("HTTP/1.1 204 No\r\nX: y\r\n\r\n", false, 204, "");
	is_complete("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
		    "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n",
		false, 200, "hello world");
	is_complete("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n",
		false, 401, "");
}

static void what_has_not_come_yet_is_waited_for(void **state UNUSED)
{
	static const char *const texts[] = { "", "HTT", "HTTP/1.1 200 OK\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n" };
	struct answer answer;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (reads(texts[i], false, &answer) != ANSWER_PARTIAL)
			fail_msg("not partial: %s", texts[i]);
		if (reads(texts[i], true, &answer) != ANSWER_BROKEN)
			fail_msg("not broken at its end: %s", texts[i]);
	}
}

static void what_is_no_answer_is_refused(void **state UNUSED)
{
	static const char *const texts[] = { "SSH-2.0\r\n", "HTTP/2 200\r\n\r\n",
		"HTTP/1.1 20x OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 099 \r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n" };
	struct answer answer;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (reads(texts[i], false, &answer) != ANSWER_BROKEN)
			fail_msg("not broken: %s", texts[i]);
}

static void headers_are_found_by_name(void **state UNUSED)
{
	struct answer answer;
	struct span value;

	assert_int_equal(reads("HTTP/1.1 200 OK\r\nCache-Control:  max-age=60\t\r\nX:\r\n\r\n",
				 true, &answer),
		ANSWER_COMPLETE);
	assert_true(answer_header(&answer, "cache-control", &value));
	assert_int_equal(value.n, 10);
	assert_memory_equal(value.at, "max-age=60", 10);
	assert_true(answer_header(&answer, "x", &value));
	assert_int_equal(value.n, 0);
	assert_false(answer_header(&answer, "cache", &value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_end_by_length_by_chunks_or_with_the_connection),
		cmocka_unit_test(what_has_not_come_yet_is_waited_for),
		cmocka_unit_test(what_is_no_answer_is_refused),
		cmocka_unit_test(headers_are_found_by_name),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
