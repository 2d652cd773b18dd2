#include "lib/api/security.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/plan.h"
#include "lib/plan/reasons.h"
#include "security-svc/observe.h"
#include "security-svc/security.h"
#include "tests/support/unit.h"
#include "tests/support/world.h"

enum {
	DAY_S = 86400,
	FROM_S = 1767225600, /* 2026-01-01 */
	TO_S = 2082758400,   /* 2036-01-01 */
};

/* A certificate with those dates, EC P-256, CN=good.example. */
#define CERTIFICATE                                                                                \
	"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJGRENCdkFJQkJEQUtCZ2dxaGtqT1BRUURB"             \
	"akFYTVJVd0V3WURWUVFEREF4bmIyOWtMbVY0WVcxd2JHVXcKSGhjTk1qWXdNVEF4TURBd01EQXdX"             \
	"aGNOTXpZd01UQXhNREF3TURBd1dqQVhNUlV3RXdZRFZRUUREQXhuYjI5awpMbVY0WVcxd2JHVXdX"             \
	"VEFUQmdjcWhrak9QUUlCQmdncWhrak9QUU1CQndOQ0FBVFJpSWp2UU9RRUpieFBJUTVrCkJNdmxG"             \
	"N0QvRlJpRmVuVUtudVBhVWFTUGh4S3FQVFBmcXVlVm9oL201b0g1MitKVktXajIrUzg3amU4SFBq"             \
	"YXMKVk5UTU1Bb0dDQ3FHU000OUJBTUNBMGNBTUVRQ0lFanFVckQ2YW85SllFdktsaFdHMkhyWUpM"             \
	"T2xFcklKSkZWbApGNnI1K3h6aUFpQWhWcnFOZzdkRXpUZ2FTYkhmcE5uVzR5VWc1aHhnQlJGelAy"             \
	"NDdUS1pWS1E9PQotLS0tLUVORCBDRVJUSUZJQ0FURS0tLS0tCg=="

static struct test_world *petstore(struct arena *a)
{
	struct test_world *t = test_world_new(a);

	test_world_add(t, "kind: Security\n"
			  "metadata: {name: petstore, namespace: online, generation: 1, uid: u}\n"
			  "spec: {type: JWT, issuer: https://i.example, certificate: cert}\n"
			  "---\n"
			  "kind: Secret\n"
			  "metadata: {name: cert, namespace: online}\n"
			  "data: {server.pem: " CERTIFICATE "}\n");
	test_world_root(t, KIND_SECURITY, "online", "petstore");
	return t;
}

static struct plan *at(struct test_world *t, int64_t now_s)
{
	t->world.now_s = now_s;
	return test_world_run(t, security_needs, security_reconcile);
}

static void time_alone_changes_what_a_certificate_is_worth(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = petstore(a);
	const int64_t soon = TO_S - (int64_t)SECURITY_WARN_DAYS * DAY_S;

	assert_string_equal(test_condition(at(t, FROM_S - 1), COND_CERTIFICATES_VALID),
		"False CertificateNotYetValid");
	assert_string_equal(test_condition(at(t, FROM_S), COND_CERTIFICATES_VALID), "True Valid");
	assert_string_equal(test_condition(at(t, soon - 1), COND_CERTIFICATES_VALID), "True Valid");
	assert_string_equal(test_condition(at(t, soon), COND_CERTIFICATES_VALID),
		"True CertificateExpiresSoon");
	assert_string_equal(
		test_condition(at(t, TO_S), COND_CERTIFICATES_VALID), "False CertificateExpired");
	assert_string_equal(test_condition(at(t, TO_S), COND_READY), "True Ready");
}

static void the_next_look_is_when_that_changes(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = petstore(a);

	assert_int_equal(at(t, FROM_S - 5)->requeue_ms, 5000);
	assert_int_equal(at(t, TO_S - 7)->requeue_ms, 7000);
	assert_int_equal(at(t, TO_S - 40 * DAY_S)->requeue_ms, 10LL * DAY_S * 1000);
	assert_int_equal(at(t, FROM_S)->requeue_ms, 30LL * DAY_S * 1000);
	assert_int_equal(at(t, TO_S)->requeue_ms, 0);
}

static void an_appointment_is_no_unfinished_work(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	assert_string_equal(test_condition(at(petstore(a), FROM_S), COND_RECONCILING), "");
}

static void while_a_secret_is_missing_nothing_is_written(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = test_world_new(a);
	struct plan *p;

	test_world_add(t,
		"kind: Security\n"
		"metadata: {name: s, namespace: online}\n"
		"spec: {type: JWT, securityConfig: [{issuer: i, certificate: a}, {issuer: j, certificate: b}]}\n");
	test_world_root(t, KIND_SECURITY, "online", "s");
	p = test_world_run(t, security_needs, security_reconcile);
	assert_int_equal(p->applies.n, 0);
	assert_int_equal(p->deletes.n, 0);
	assert_string_equal(plan_condition_get(p, COND_RESOLVED_REFS)->message,
		"Secret \"a\" in namespace \"online\" not found; Secret \"b\" in namespace \"online\" not found");
}

static void a_password_never_leaves_the_secret(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = test_world_new(a);
	struct plan *p;

	/* hunter2 and a byte that is no ASCII */
	test_world_add(t, "kind: Security\n"
			  "metadata: {name: s, namespace: online}\n"
			  "spec: {type: basic, credentials: user}\n"
			  "---\n"
			  "kind: Secret\n"
			  "metadata: {name: user, namespace: online}\n"
			  "data: {username: YWRtaW4=, password: aHVudGVyMv8=}\n");
	test_world_root(t, KIND_SECURITY, "online", "s");
	p = test_world_run(t, security_needs, security_reconcile);
	assert_string_equal(test_condition(p, COND_RESOLVED_REFS), "False InvalidSecret");
	assert_null(strstr(plan_json(a, p), "hunter2"));
	assert_int_equal(p->applies.n, 0);
}

static void a_security_in_deletion_is_left_alone(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = test_world_new(a);
	struct plan *p;

	test_world_add(t,
		"kind: Security\n"
		"metadata: {name: s, namespace: online, deletionTimestamp: '2026-01-01T00:00:00Z'}\n"
		"spec: {type: apiKey}\n");
	test_world_root(t, KIND_SECURITY, "online", "s");
	p = test_world_run(t, security_needs, security_reconcile);
	assert_int_equal(p->applies.n + p->conditions.n, 0);
}

static const struct json *secret_made(struct arena *a, const char *ns, const char *more)
{
	struct test_world *t = test_world_new(a);
	struct err err = { .code = ERR_NONE };

	test_world_add(
		t, arena_printf(a,
			   "kind: Security\n"
			   "metadata: {name: default-security-jwt, namespace: %s, uid: u}\n"
			   "spec: {type: JWT, issuer: https://i.example, certificate: cert}\n%s",
			   ns, more));
	test_world_root(t, KIND_SECURITY, ns, "default-security-jwt");
	(void)test_world_run(t, security_needs, security_reconcile);
	assert_true(security_observe(&t->world, &err));
	return test_applied(test_world_run(t, security_needs, security_reconcile), KIND_SECRET,
		SECURITY_KEYS_SECRET);
}

static void an_installation_gets_a_secret_of_its_own(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const struct json *one = secret_made(a, "wso2-system", "");
	const struct json *other = secret_made(a, "wso2-system", "");
	size_t n = 0;

	assert_non_null(data_entry(a, one, "key", &n));
	assert_int_equal(n, 64);
	assert_string_not_equal(data_entry(a, one, "key", NULL), data_entry(a, other, "key", NULL));
	assert_null(json_path(one, "metadata", "ownerReferences", NULL));
}

static void one_that_it_has_is_never_written(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	assert_null(secret_made(a, "wso2-system",
		"---\n"
		"kind: Secret\n"
		"metadata: {name: apim-api-keys, namespace: wso2-system}\n"));
	assert_null(secret_made(a, "online", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_alone_changes_what_a_certificate_is_worth),
		cmocka_unit_test(the_next_look_is_when_that_changes),
		cmocka_unit_test(an_appointment_is_no_unfinished_work),
		cmocka_unit_test(while_a_secret_is_missing_nothing_is_written),
		cmocka_unit_test(a_password_never_leaves_the_secret),
		cmocka_unit_test(a_security_in_deletion_is_left_alone),
		cmocka_unit_test(an_installation_gets_a_secret_of_its_own),
		cmocka_unit_test(one_that_it_has_is_never_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
