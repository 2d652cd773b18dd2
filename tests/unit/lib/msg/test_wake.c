
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/msg/wake.h"
#include "tests/support/unit.h"

struct bytes {
	const void *at;
	size_t n;
};

static struct wake a_wake(struct arena *a)
{
	struct wake w = { .ref = { KIND_API, "shop", "online-store" },
		.uid = "1b4e28ba-2fa1-11d2-883f-0016d3cca427",
		.generation = 3,
		.resource_version = "4711",
		.cause = "generation 3",
		.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" };
	struct ref *r = arena_alloc(a, sizeof(*r));

	*r = (struct ref){ KIND_CONFIG_MAP, "shop", "online-store.swagger" };
	vec_add(a, &w.moved, r);
	return w;
}

static struct bytes encoded(struct arena *a, const struct wake *w)
{
	struct bytes b;

	wake_encode(a, w, &b.at, &b.n);
	return b;
}

static void refused(struct arena *a, const struct wake *w, const char *naming)
{
	struct bytes b = encoded(a, w);
	struct wake got;
	struct err err = { 0 };

	assert_false(wake_decode(a, b.at, b.n, &got, &err));
	assert_int_equal(err.code, ERR_INVALID);
	assert_non_null(strstr(err.msg, naming));
}

static void all_objects_of_a_kind_may_have_moved_but_not_be_looked_at(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct wake w = a_wake(a);
	struct ref *all = arena_alloc(a, sizeof(*all));
	struct bytes b;
	struct wake got;
	struct err err;

	(void)state;
	*all = (struct ref){ KIND_REFERENCE_GRANT, "shop", ALL_NAMES };
	vec_add(a, &w.moved, all);
	b = encoded(a, &w);
	assert_true(wake_decode(a, b.at, b.n, &got, &err));
	w.ref.name = ALL_NAMES;
	refused(a, &w, "object.name");
}

static void what_was_encoded_is_decoded(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct wake w = a_wake(a);
	struct bytes b = encoded(a, &w);
	struct wake got;
	struct err err;
	const struct ref *moved;

	(void)state;
	assert_true(wake_decode(a, b.at, b.n, &got, &err));
	assert_true(ref_eq(got.ref, w.ref));
	assert_string_equal(got.uid, w.uid);
	assert_int_equal(got.generation, 3);
	assert_string_equal(got.resource_version, "4711");
	assert_string_equal(got.cause, "generation 3");
	assert_string_equal(got.traceparent, w.traceparent);
	assert_int_equal(got.moved.n, 1);
	moved = got.moved.at[0];
	assert_true(
		ref_eq(*moved, (struct ref){ KIND_CONFIG_MAP, "shop", "online-store.swagger" }));
}

static void missing_hints_become_empty_strings(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct wake w = { .ref = { KIND_SECURITY, "shop", "jwt" } };
	struct bytes b = encoded(a, &w);
	struct wake got;
	struct err err;

	(void)state;
	assert_true(wake_decode(a, b.at, b.n, &got, &err));
	assert_string_equal(got.uid, "");
	assert_string_equal(got.resource_version, "");
	assert_string_equal(got.cause, "");
	assert_string_equal(got.traceparent, "");
	assert_int_equal(got.moved.n, 0);
}

static void names_that_kubernetes_would_not_accept_are_refused(void **state)
{
	static const char *const bad[] = { "", "Store", "a/b", "a..b", ".a", "a.", "-a", "a-",
		"a.-b", "a_b", "a b", "../../secrets", "a\nb", "\xff\xfe", "st\xc3\xb6re" };
	AUTO(arena_auto) struct arena *a = arena_new();
	struct wake w = a_wake(a);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		w.ref.name = bad[i];
		refused(a, &w, "object.name");
	}
}

static void a_namespace_has_no_dots(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct wake w = a_wake(a);

	(void)state;
	w.ref.ns = "a.b";
	refused(a, &w, "object.namespace");
	w.ref.ns = "";
	refused(a, &w, "object.namespace");
}

static void the_longest_names_are_accepted_and_one_more_is_not(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct wake w = a_wake(a);
	char name[255], ns[65];
	struct wake got;
	struct err err;
	struct bytes b;

	(void)state;
	memset(name, 'n', sizeof(name));
	memset(ns, 's', sizeof(ns));
	name[253] = '\0';
	ns[63] = '\0';
	w.ref.name = name;
	w.ref.ns = ns;
	b = encoded(a, &w);
	assert_true(wake_decode(a, b.at, b.n, &got, &err));
	ns[63] = 's';
	ns[64] = '\0';
	refused(a, &w, "object.namespace");
	ns[63] = '\0';
	name[253] = 'n';
	name[254] = '\0';
	refused(a, &w, "object.name");
}

static void an_unknown_kind_is_refused(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct wake w = a_wake(a);

	(void)state;
	w.ref.kind = KIND_NONE;
	refused(a, &w, "object.kind");
}

static void a_bad_reference_in_moved_is_refused(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct wake w = a_wake(a);
	struct ref bad = { KIND_SECRET, "shop", "UPPER" };

	(void)state;
	vec_add(a, &w.moved, &bad);
	refused(a, &w, "moved.name");
}

static void hints_must_be_short_and_printable(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct wake w = a_wake(a);
	char longer[130];

	(void)state;
	w.uid = "a\x01";
	refused(a, &w, "uid");
	memset(longer, '1', sizeof(longer));
	longer[129] = '\0';
	w = a_wake(a);
	w.resource_version = longer;
	refused(a, &w, "resource_version");
	w = a_wake(a);
	w.traceparent = "00-\x7f";
	refused(a, &w, "traceparent");
	w = a_wake(a);
	w.cause = "line\nbreak";
	refused(a, &w, "cause");
	w = a_wake(a);
	w.generation = -1;
	refused(a, &w, "generation");
}

static void too_many_moved_are_cut_when_written(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct wake w = a_wake(a);
	struct wake got;
	struct err err;
	struct bytes b;

	(void)state;
	for (int i = 0; i < 400; i++)
		vec_add(a, &w.moved, w.moved.at[0]);
	b = encoded(a, &w);
	assert_true(wake_decode(a, b.at, b.n, &got, &err));
	assert_int_equal(got.moved.n, WAKE_MAX_MOVED);
}

static void the_longest_message_still_fits(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct wake w = a_wake(a);
	char name[254], cause[2000];
	struct ref big = { KIND_HPA, "shop", name };
	struct wake got;
	struct err err;
	struct bytes b;

	(void)state;
	memset(name, 'n', 253);
	name[253] = '\0';
	memset(cause, 'c', sizeof(cause) - 1);
	cause[sizeof(cause) - 1] = '\0';
	w.cause = cause;
	for (int i = 0; i < 300; i++)
		vec_add(a, &w.moved, &big);
	b = encoded(a, &w);
	assert_true(b.n < WAKE_MAX_BYTES);
	assert_true(wake_decode(a, b.at, b.n, &got, &err));
	assert_true(got.moved.n > 50);
	assert_int_equal(strlen(got.cause), WAKE_MAX_CAUSE);
}

/* 257 empty submessages of field 6 behind a valid object. */
static void more_moved_than_allowed_on_the_wire_is_refused(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct wake w = { .ref = { KIND_API, "shop", "store" } };
	struct bytes b = encoded(a, &w);
	char *wire = arena_alloc(a, b.n + 2 * (WAKE_MAX_MOVED + 1));
	struct wake got;
	struct err err;

	(void)state;
	memcpy(wire, b.at, b.n);
	for (int i = 0; i <= WAKE_MAX_MOVED; i++)
		memcpy(wire + b.n + 2 * i, "\x32\x00", 2);
	assert_false(wake_decode(a, wire, b.n + 2 * (WAKE_MAX_MOVED + 1), &got, &err));
	assert_non_null(strstr(err.msg, "moved: has 257"));
}

static void every_prefix_of_a_message_is_refused_or_a_valid_wake(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct wake w = a_wake(a);
	struct bytes b = encoded(a, &w);
	struct wake got;
	struct err err;

	(void)state;
	for (size_t n = 0; n < b.n; n++) {
		char *cut =
			malloc(n ? n : 1); /* heap, so that a sanitizer sees reads behind the end */

		memcpy(cut, b.at, n);
		if (wake_decode(a, cut, n, &got, &err))
			assert_true(ref_eq(got.ref, w.ref));
		free(cut);
	}
	assert_false(wake_decode(a, NULL, 0, &got, &err));
}

static void flipped_bits_never_crash(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct wake w = a_wake(a);
	struct bytes b = encoded(a, &w);
	struct wake got;
	struct err err;

	(void)state;
	for (size_t bit = 0; bit < b.n * 8; bit++) {
		unsigned char *bent = malloc(b.n);

		memcpy(bent, b.at, b.n);
		bent[bit / 8] ^= (unsigned char)(1U << bit % 8);
		(void)!wake_decode(a, bent, b.n, &got, &err);
		free(bent);
	}
}

static void an_oversized_message_is_refused_unread(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct wake got;
	struct err err;

	(void)state;
	assert_false(wake_decode(a, "", WAKE_MAX_BYTES + 1, &got, &err));
	assert_int_equal(err.code, ERR_INVALID);
}

static void a_failed_decode_leaves_the_result_alone(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct wake got = { .uid = "untouched" };
	struct err err;

	(void)state;
	assert_false(wake_decode(a, "\x01", 1, &got, &err));
	assert_string_equal(got.uid, "untouched");
}

static void subjects_have_one_token_per_name(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	assert_string_equal(subject_token(a, "a.b.c"), "a_b_c");
	assert_string_equal(subject_token(a, "plain"), "plain");
	assert_string_equal(subject_token(a, ""), "");
	assert_string_equal(subject_for(a, "cr.api", "shop", "store.v1"), "cr.api.shop.store_v1");
	assert_string_equal(subject_for(a, "job", "shop", "x"), "job.shop.x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_objects_of_a_kind_may_have_moved_but_not_be_looked_at),
		cmocka_unit_test(what_was_encoded_is_decoded),
		cmocka_unit_test(missing_hints_become_empty_strings),
		cmocka_unit_test(names_that_kubernetes_would_not_accept_are_refused),
		cmocka_unit_test(a_namespace_has_no_dots),
		cmocka_unit_test(the_longest_names_are_accepted_and_one_more_is_not),
		cmocka_unit_test(an_unknown_kind_is_refused),
		cmocka_unit_test(a_bad_reference_in_moved_is_refused),
		cmocka_unit_test(hints_must_be_short_and_printable),
		cmocka_unit_test(too_many_moved_are_cut_when_written),
		cmocka_unit_test(the_longest_message_still_fits),
		cmocka_unit_test(more_moved_than_allowed_on_the_wire_is_refused),
		cmocka_unit_test(every_prefix_of_a_message_is_refused_or_a_valid_wake),
		cmocka_unit_test(flipped_bits_never_crash),
		cmocka_unit_test(an_oversized_message_is_refused_unread),
		cmocka_unit_test(a_failed_decode_leaves_the_result_alone),
		cmocka_unit_test(subjects_have_one_token_per_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
