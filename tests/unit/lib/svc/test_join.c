/* A root that becomes an owner of somebody else's object, and is gone meanwhile. */
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/msg/wake.h"
#include "lib/plan/plan.h"
#include "lib/plan/world.h"
#include "lib/svc/log.h"
#include "lib/svc/runtime.h"
#include "lib/svc/service.h"
#include "tests/support/memory.h"
#include "tests/support/unit.h"

static struct memory memory;
static void (*meanwhile)(void); /* between reading and writing */

static void nothing(void)
{
}

static void put_root(void)
{
	memory_put(&memory, "{'kind':'Security','metadata':{'namespace':'shop','name':'s'}}");
}

static void put_another_root(void)
{
	memory_put(&memory, "{'kind':'Security','metadata':{'namespace':'shop','name':'other'}}");
}

static void put_document(void)
{
	memory_put(&memory, "{'kind':'ConfigMap','metadata':{'namespace':'shop','name':'doc'}}");
}

static void the_root_is_made_anew(void)
{
	memory_delete(&memory, KIND_SECURITY, "shop", "s");
	put_root();
}

static void the_document_is_made_anew(void)
{
	memory_delete(&memory, KIND_CONFIG_MAP, "shop", "doc");
	put_document();
}

static void needs(const struct world *w, struct needs *n)
{
	need_input(n, KIND_CONFIG_MAP, w->root_ref.ns, "doc");
}

static bool reconcile(const struct world *w, struct plan *p, struct err *err UNUSED)
{
	plan_apply(p,
		json_format(p->arena,
			"{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'doc','uid':%s,"
			"'ownerReferences':[{'apiVersion':'wso2.com/v1alpha1','kind':'Security',"
			"'name':%s,'uid':%s}]}}",
			meta_uid(world_get(w, KIND_CONFIG_MAP, w->root_ref.ns, "doc")),
			w->root_ref.name, meta_uid(w->root)),
		PLAN_FOREIGN | PLAN_JOINED);
	meanwhile();
	return true;
}

static const struct service joiner = {
	.name = "joiner", .about = "test", .needs = needs, .reconcile = reconcile
};

static const char *owner_uid(void)
{
	return json_get_str(
		json_first(json_path(memory_get(&memory, KIND_CONFIG_MAP, "shop", "doc"),
			"metadata", "ownerReferences", NULL)),
		"uid");
}

static bool looks_again(struct arena *a, const char *root, void (*happens)(void))
{
	struct wake wake = { .ref = { KIND_SECURITY, "shop", root }, .cause = "test" };
	struct runtime rt = { .service = &joiner,
		.kube = memory_kube(&memory),
		.bus = memory_bus(&memory),
		.clock = memory_clock(&memory),
		.system_ns = "wso2-system",
		.instance = "joiner-0" };

	meanwhile = happens;
	return runtime_pass(&rt, a, &wake, 1).again;
}

static void only_what_is_still_there_becomes_an_owner(void **state UNUSED)
{
	static void (*const changes[])(void) = { the_root_is_made_anew, the_document_is_made_anew };

	log_open("test", LOG_ERROR);
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		AUTO(arena_auto) struct arena *a = arena_new();

		memory_init(&memory, a);
		put_root();
		put_document();
		assert_true(looks_again(a, "s", changes[i]));
		assert_null(owner_uid());
		assert_false(looks_again(a, "s", nothing));
		assert_string_equal(
			owner_uid(), meta_uid(memory_get(&memory, KIND_SECURITY, "shop", "s")));
	}
}

/* Whatever becomes of the root, it might have had it a moment before. */
static void what_was_there_before_the_root_is_joined_without_another_look(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	unsigned int reads;

	log_open("test", LOG_ERROR);
	memory_init(&memory, a);
	put_document();
	put_root();
	assert_false(looks_again(a, "s", nothing));
	reads = memory.reads;
	assert_string_equal(owner_uid(), meta_uid(memory_get(&memory, KIND_SECURITY, "shop", "s")));

	memory_init(&memory, a);
	put_root();
	put_document();
	assert_false(looks_again(a, "s", nothing));
	assert_int_equal(memory.reads, reads + 1);

	memory_init(&memory, a);
	put_document();
	put_root();
	assert_true(looks_again(a, "s", the_document_is_made_anew));
	assert_null(owner_uid());
}

static void several_are_owners_of_one_object_and_none_writes_again(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const char *version;

	log_open("test", LOG_ERROR);
	memory_init(&memory, a);
	put_root();
	put_another_root();
	put_document();
	assert_false(looks_again(a, "s", nothing));
	assert_false(looks_again(a, "other", nothing));
	assert_int_equal(json_len(json_path(memory_get(&memory, KIND_CONFIG_MAP, "shop", "doc"),
				 "metadata", "ownerReferences", NULL)),
		2);
	version = meta_version(memory_get(&memory, KIND_CONFIG_MAP, "shop", "doc"));
	assert_false(looks_again(a, "s", nothing));
	assert_false(looks_again(a, "other", nothing));
	assert_string_equal(
		version, meta_version(memory_get(&memory, KIND_CONFIG_MAP, "shop", "doc")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_still_there_becomes_an_owner),
		cmocka_unit_test(what_was_there_before_the_root_is_joined_without_another_look),
		cmocka_unit_test(several_are_owners_of_one_object_and_none_writes_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
