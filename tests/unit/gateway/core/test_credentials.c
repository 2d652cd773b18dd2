#include "gateway/core/credentials.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "tests/support/gateway.h"
#include "tests/support/unit.h"

static size_t both[] = { 0, 1 };
static struct contract_scheme schemes[] = {
	{ .type = SCHEME_BASIC, .security = "one" },
	{ .type = SCHEME_BASIC, .security = "two" },
};
static const struct contract contract = { .schemes = schemes, .n_schemes = 2 };

static bool reads(struct arena *a, struct credentials *to, size_t scheme, const char *text)
{
	struct err err = { .msg = "" };

	if (credentials_read(a, to, &contract, scheme, text, strlen(text), &err))
		return true;
	assert_null(strstr(err.msg, "hunter2"));
	return false;
}

/* "password" in every form that users of the original have. */
static struct credentials *known(struct arena *a)
{
	struct credentials *c = credentials_new(a, &contract);

	assert_true(reads(a, c, 0,
		"{\"type\":\"basic\",\"entries\":["
		"{\"username\":\"upper\",\"password\":\"5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8\"},"
		"{\"username\":\"lower\",\"password\":\"5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8\"},"
		"{\"username\":\"sha256\",\"password\":\"@sha256:{5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8}\",\"scopes\":\"read,write\"},"
		"{\"username\":\"sha384\",\"password\":\"@sha384:{a8b64babd0aca91a59bdbb7761b421d4f2bb38280d3a75ba0f21f2bebc45583d446c598660c94ce680c47d19c30783a7}\"},"
		"{\"username\":\"sha512\",\"password\":\"@sha512:{b109f3bbbc244eb82441917ed06d618b9008dd09b3befd1b5e07394c706a8bb980b1d7785e5976ec049b46df5f1326af5a2ea6d103fd07c95385ffab0cacbc86}\"},"
		"{\"username\":\"twice\",\"password\":\"5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8\"},"
		"{\"username\":\"twice\",\"password\":\"f7a9e24777ec23212c54d7a350bc5bea5477fdbb\"}]}"));
	assert_true(reads(a, c, 1,
		"{\"type\":\"basic\",\"entries\":[{\"username\":\"other\","
		"\"password\":\"5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8\"}]}"));
	return c;
}

static int checked(struct arena *a, const struct credentials *c, const char *userpass, size_t n,
	const struct user **ret)
{
	struct contract_operation op = { .schemes = both, .n_schemes = 2 };
	char *sent = base64_encode(a, userpass, n);
	const char *why;

	return basic_check(a, &contract, &op, c, (struct span){ sent, strlen(sent) }, ret, &why);
}

static void passwords_of_every_historic_form_are_known(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	static const char *const sent[] = { "upper:password", "lower:password", "sha256:password",
		"sha384:password", "sha512:password", "twice:password", "twice:colon:in:it",
		"other:password" };
	const struct credentials *c = known(a);

	for (size_t i = 0; i < ARRAY_LEN(sent); i++) {
		const struct user *u = NULL;

		if (checked(a, c, sent[i], strlen(sent[i]), &u) != (i == 6 ? 900911 : 0))
			fail_msg("%s", sent[i]);
		if (i != 6)
			assert_memory_equal(u->name, sent[i], strlen(u->name));
	}
}

static void scopes_become_words(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const struct user *u;

	assert_int_equal(checked(a, known(a), "sha256:password", 15, &u), 0);
	assert_string_equal(u->scopes, "read write");
	assert_int_equal(checked(a, known(a), "lower:password", 14, &u), 0);
	assert_string_equal(u->scopes, "");
}

static void what_is_wrong_with_credentials_has_its_own_code(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	static const struct {
		const char *sent;
		size_t n;
		int code;
	} cases[] = {
		{ "lower:wrong", 11, 900911 },
		{ "lowe:password", 13, 900911 },
		{ "lowerr:password", 15, 900911 },
		{ "lower\0:password", 15, 900911 },
		{ ":password", 9, 900911 },
		{ "lower:", 6, 900911 },
		{ "lower", 5, 900912 },
		{ "", 0, 900912 },
	};
	struct contract_operation op = { .schemes = both, .n_schemes = 2 };
	const struct user *u;
	const char *why;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (checked(a, known(a), cases[i].sent, cases[i].n, &u) != cases[i].code)
			fail_msg("%s", cases[i].sent);
	assert_int_equal(
		basic_check(a, &contract, &op, known(a), (struct span){ "%%%", 3 }, &u, &why),
		900900);
}

static void nobody_is_let_in_by_what_is_not_loaded(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct credentials *c = credentials_new(a, &contract);
	const struct user *u;

	assert_int_equal(checked(a, NULL, "lower:password", 14, &u), 900900);
	assert_int_equal(checked(a, c, "lower:password", 14, &u), 900900);
	assert_false(reads(a, c, 0, "{\"type\":\"basic\",\"entries\":[{\"username\":\"x\"}]}"));
	assert_int_equal(checked(a, c, "x:", 2, &u), 900911);
	assert_int_equal(checked(a, c, "x:y", 3, &u), 900900);
}

static void broken_files_are_refused_without_quoting_them(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	static const char *const texts[] = {
		"",
		"[]",
		"{\"type\":\"jwt\",\"entries\":[]}",
		"{\"type\":\"basic\"}",
		"{\"type\":\"basic\",\"entries\":{}}",
		"{\"type\":\"basic\",\"entries\":[],\"more\":1}",
		"{\"type\":\"basic\",\"entries\":[{\"username\":\"a\",\"password\":\"hunter2\"}]}",
		"{\"type\":\"basic\",\"entries\":[{\"username\":\"a:b\",\"password\":\"5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8\"}]}",
		"{\"type\":\"basic\",\"entries\":[{\"username\":\"\",\"password\":\"5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8\"}]}",
		"{\"type\":\"basic\",\"entries\":[{\"username\":\"a\",\"password\":\"5baa61e4c9b93f3f0682250b6cf8331b7ee68fdg\"}]}",
		"{\"type\":\"basic\",\"entries\":[{\"username\":\"a\",\"password\":\"@sha256:{5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8}\"}]}",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (reads(a, credentials_new(a, &contract), 0, texts[i]))
			fail_msg("%s", texts[i]);
	assert_true(
		reads(a, credentials_new(a, &contract), 0, "{\"type\":\"basic\",\"entries\":[]}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passwords_of_every_historic_form_are_known),
		cmocka_unit_test(scopes_become_words),
		cmocka_unit_test(what_is_wrong_with_credentials_has_its_own_code),
		cmocka_unit_test(nobody_is_let_in_by_what_is_not_loaded),
		cmocka_unit_test(broken_files_are_refused_without_quoting_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
