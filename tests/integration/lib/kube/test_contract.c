/* The API server in memory (tests/support/store.h) answers what a real one answers: one table of
 * calls is made to both, and what comes back is compared. Run under with-apiserver.sh. */
#include <stdio.h>

#include "lib/base/arena.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/json/json.h"
#include "lib/kube/kube.h"
#include "tests/support/store.h"
#include "tests/support/unit.h"

enum verb {
	GET,
	APPLY,
	FORCE,
	STATUS,
	CREATE,
	DELETE,	    /* whatever has the name */
	DELETE_UID, /* the uid in the object's metadata */
	SELECT,	    /* manager: the label selector */
	FIELDS,	    /* manager: the field selector */
};

/* In objects: `@version` is the present resourceVersion, `@first` the one at birth, `@uid` the
 * present uid, `@owner` the uid of the API "owner". look: what to compare beside success. */
struct step {
	enum verb verb;
	const char *manager;
	const char *object;
	const char *look[4];
};

#define MAP(rest) "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'c1'" rest
#define API(rest) "{'apiVersion':'wso2.com/v1alpha1','kind':'API','metadata':{'name':'a1'" rest
#define DEP(rest) "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'d1'" rest
#define DEP_SPEC(image)                                                                                   \
	"'spec':{'selector':{'matchLabels':{'app':'d1'}},'template':{'metadata':{'labels':{'app':'d1'}}," \
	"'spec':{'containers':[{'name':'main','image':'" image "'}]}}}}"
#define JOB(image)                                                                                   \
	"{'apiVersion':'batch/v1','kind':'Job','metadata':{'name':'j1'},'spec':{'template':{'spec':" \
	"{'restartPolicy':'Never','containers':[{'name':'main','image':'" image "'}]}}}}"
#define SPEC "'spec':{'definition':{'configmapName':'x'},'replicas':1}}"

static const struct step steps[] = {
	/* making, changing nothing, changing something */
	{ GET, NULL, MAP("}}"), { NULL } },
	{ APPLY, "m1", MAP("},'data':{'a':'1','b':'2'}}"), { "data.a", "data.b" } },
	{ APPLY, "m1", MAP("},'data':{'a':'1','b':'2'}}"), { "data.a" } },
	{ APPLY, "m1", MAP("},'data':{'a':'3','b':'2'}}"), { "data.a" } },
	/* what is no longer said goes, unless somebody else says it as well */
	{ APPLY, "m2", MAP("},'data':{'b':'2'}}"), { "data.b" } },
	{ APPLY, "m1", MAP("},'data':{'a':'3'}}"), { "data.a", "data.b" } },
	{ APPLY, "m2", MAP("},'data':{'c':'5'}}"), { "data.a", "data.b", "data.c" } },
	/* another one's field: conflict, or force */
	{ APPLY, "m2", MAP("},'data':{'a':'9','c':'5'}}"), { "data.a" } },
	{ FORCE, "m2", MAP("},'data':{'a':'9','c':'5'}}"), { "data.a" } },
	{ APPLY, "m1", MAP("},'data':{'a':'3'}}"), { "data.a" } },
	{ APPLY, "m1", MAP("}}"), { "data.a", "data.c" } },
	{ APPLY, "m2", MAP("}}"), { "data", "data.c" } },
	/* labels and annotations, whose names have slashes and dots */
	{ APPLY, "m1", MAP(",'labels':{'x.y/z':'1','w':'2'},'annotations':{'x.y/n':'t'}}}"),
		{ "metadata.labels.w", "metadata.annotations" } },
	{ APPLY, "m1", MAP(",'labels':{'x.y/z':'1'}}}"),
		{ "metadata.labels", "metadata.annotations" } },
	{ SELECT, "x.y/z=1", MAP("}}"), { NULL } },
	{ SELECT, "x.y/z", MAP("}}"), { NULL } },
	{ SELECT, "x.y/z=1,w=2", MAP("}}"), { NULL } },
	/* preconditions */
	{ APPLY, "m1", MAP(",'resourceVersion':'@first'},'data':{'a':'1'}}"), { "data.a" } },
	{ APPLY, "m1", MAP(",'resourceVersion':'1'},'data':{'a':'1'}}"), { "data.a" } },
	{ APPLY, "m1", MAP(",'resourceVersion':'@version'},'data':{'a':'1'}}"), { "data.a" } },
	{ APPLY, "m1", MAP(",'uid':'another'},'data':{'a':'2'}}"), { "data.a" } },
	{ APPLY, "m1", MAP(",'uid':'@uid'},'data':{'a':'2'}}"), { "data.a" } },
	{ APPLY, "m1", MAP(",'uid':'@uid','resourceVersion':'@version'},'data':{'a':'4'}}"),
		{ "data.a" } },
	{ APPLY, "m1", MAP(",'uid':'another','resourceVersion':'@first'},'data':{'a':'5'}}"),
		{ "data.a" } },
	{ APPLY, "m1", MAP(",'uid':'another','resourceVersion':'@version'},'data':{'a':'5'}}"),
		{ "data.a" } },
	{ CREATE, "m1", MAP("},'data':{'a':'7'}}"), { "data.a" } },
	{ DELETE_UID, NULL, MAP(",'uid':'another'}}"), { NULL } },
	{ DELETE_UID, NULL, MAP(",'uid':'@uid'}}"), { NULL } },
	{ GET, NULL, MAP("}}"), { NULL } },
	{ DELETE, NULL, MAP("}}"), { NULL } },
	/* preconditions of what is not there */
	{ APPLY, "m1", MAP(",'uid':'another'},'data':{'a':'1'}}"), { "data.a" } },
	{ GET, NULL, MAP("}}"), { NULL } },
	{ APPLY, "m1", MAP(",'resourceVersion':'1'},'data':{'a':'1'}}"), { "data.a" } },
	{ APPLY, "m1", MAP(",'resourceVersion':'1'},'data':{'a':'2'}}"), { "data.a" } },
	{ DELETE, NULL, MAP("}}"), { NULL } },
	/* posted, then applied by the same */
	{ CREATE, "m1", MAP("},'data':{'a':'7','b':'8'}}"), { "data.a" } },
	{ APPLY, "m1", MAP("},'data':{'a':'8'}}"), { "data.a" } },
	{ FORCE, "m1", MAP("},'data':{'a':'8'}}"), { "data.a", "data.b" } },
	/* owners */
	{ APPLY, "m1",
		"{'apiVersion':'wso2.com/v1alpha1','kind':'API','metadata':{'name':'owner'}," SPEC,
		{ NULL } },
	{ FORCE, "m1",
		MAP(",'ownerReferences':[{'apiVersion':'wso2.com/v1alpha1','kind':'API','name':'owner',"
		    "'uid':'@owner','controller':true}]},'data':{'a':'8'}}"),
		{ "metadata.ownerReferences" } },
	{ FORCE, "m2",
		MAP(",'ownerReferences':[{'apiVersion':'wso2.com/v1alpha1','kind':'API','name':'owner',"
		    "'uid':'deadbeef','controller':true}]}}"),
		{ "metadata.ownerReferences" } },
	{ APPLY, "m2",
		MAP(",'ownerReferences':[{'apiVersion':'wso2.com/v1alpha1','kind':'API','name':'owner',"
		    "'uid':'deadbeef'}]}}"),
		{ NULL } },
	{ APPLY, "m2", MAP("}}"), { "metadata.ownerReferences" } },
	{ DELETE, NULL, MAP("}}"), { NULL } },
	/* generation and status of our kinds */
	{ STATUS, "m1", API("},'status':{'replicas':1}}"), { NULL } },
	{ APPLY, "m1", API("}," SPEC), { "metadata.generation" } },
	{ APPLY, "m1", API(",'labels':{'l':'1'}}," SPEC), { "metadata.generation" } },
	{ APPLY, "m1",
		API("},'spec':{'definition':{'configmapName':'x'},'replicas':2},'status':{'replicas':9}}"),
		{ "metadata.generation", "status" } },
	{ STATUS, "m2",
		API(",'resourceVersion':'@version'},'status':{'observedGeneration':2,'replicas':2,"
		    "'conditions':[{'type':'Ready','status':'True','reason':'R','message':'',"
		    "'lastTransitionTime':'2026-01-01T00:00:00Z'},{'type':'X','status':'True','reason':'R',"
		    "'message':'','lastTransitionTime':'2026-01-01T00:00:00Z'}]}}"),
		{ "metadata.generation", "status", "spec" } },
	{ STATUS, "m2", API(",'resourceVersion':'@first'},'status':{'observedGeneration':1}}"),
		{ "status" } },
	{ STATUS, "m2",
		API("},'status':{'observedGeneration':2,"
		    "'conditions':[{'type':'Ready','status':'True','reason':'R','message':'',"
		    "'lastTransitionTime':'2026-01-01T00:00:00Z'}]}}"),
		{ "metadata.generation", "status" } },
	{ STATUS, "m2",
		API("},'spec':{'replicas':7},'status':{'observedGeneration':2,"
		    "'conditions':[{'type':'Ready','status':'True','reason':'R','message':'',"
		    "'lastTransitionTime':'2026-01-01T00:00:00Z'}]}}"),
		{ "metadata.generation", "spec.replicas" } },
	{ STATUS, "m2",
		API("},'status':{'children':[{'kind':'Secret','name':'a','version':'1','state':'','applied':'x'}]}}"),
		{ "status" } },
	{ STATUS, "m2",
		API("},'status':{'children':[{'kind':'Secret','name':'b','version':'1','state':'','applied':'x'}]}}"),
		{ "status" } },
	{ DELETE, NULL, API("}}"), { NULL } },
	/* Jobs: what cannot be changed, and how those that have not ended well are found */
	{ CREATE, "m1", JOB("i:1"), { "metadata.generation" } },
	{ CREATE, "m1", JOB("i:1"), { NULL } },
	{ FORCE, "m1", JOB("i:2"), { "metadata.generation" } },
	{ FIELDS, "status.successful=0", JOB("i:1"), { NULL } },
	{ FIELDS, "status.successful=1", JOB("i:1"), { NULL } },
	{ DELETE, NULL, JOB("i:1"), { NULL } },
	/* what counts as a generation of a Deployment, and merging of containers */
	{ APPLY, "m1", DEP("},") DEP_SPEC("i:1"), { "metadata.generation" } },
	{ APPLY, "m1", DEP(",'annotations':{'x':'1'}},") DEP_SPEC("i:1"),
		{ "metadata.generation" } },
	{ APPLY, "m1", DEP(",'annotations':{'x':'1'},'labels':{'y':'1'}},") DEP_SPEC("i:1"),
		{ "metadata.generation" } },
	{ APPLY, "m1", DEP("},") DEP_SPEC("i:2"), { "metadata.generation" } },
	{ APPLY, "m2",
		DEP("},'spec':{'template':{'spec':{'containers':[{'name':'main','imagePullPolicy':'Always'},"
		    "{'name':'other','image':'o:1','imagePullPolicy':'Always'}]}}}}"),
		{ "metadata.generation" } },
	{ FORCE, "m1",
		DEP("},'spec':{'selector':{'matchLabels':{'app':'other'}},'template':{'metadata':{'labels':{'app':'other'}},"
		    "'spec':{'containers':[{'name':'main','image':'i:2'}]}}}}"),
		{ "metadata.generation" } },
	{ DELETE, NULL, DEP("}}"), { NULL } },
};

/* One of the two servers, and what it was asked to say. */
struct side {
	struct kube_ops ops;
	struct arena *a;
	const char *first;
	struct vec lines;
};

static const char *replaced(struct arena *a, const char *text, const char *what, const char *by)
{
	const char *at = strstr(text, what);

	return at ? arena_printf(a, "%.*s%s%s", (int)(at - text), text, by ? by : "none",
			    at + strlen(what))
		  : text;
}

static const struct json *look_at(struct side *s, struct ref ref)
{
	struct object o = { .ref = ref };
	struct err err;

	assert_true(s->ops.get(s->ops.self, s->a, &o, 1, &err));
	return o.json;
}

static struct json *object_of(struct side *s, const struct step *step)
{
	struct json *o = json_format(s->a, step->object);
	const struct json *live, *owner;
	const char *text;
	struct err err;

	json_set_str(s->a, json_sub(s->a, o, "metadata"), "namespace", "default");
	live = look_at(s, ref_of(o));
	owner = look_at(s, (struct ref){ KIND_API, "default", "owner" });
	if (!live)
		s->first = NULL;
	else if (!s->first)
		s->first = meta_version(live);
	text = replaced(s->a, json_text(s->a, o), "@version", meta_version(live));
	text = replaced(s->a, text, "@first", s->first);
	text = replaced(s->a, text, "@uid", meta_uid(live));
	text = replaced(s->a, text, "@owner", meta_uid(owner));
	return json_parse(s->a, text, strlen(text), &err);
}

static const char *value_at(struct side *s, const struct json *o, const char *path)
{
	char *rest = arena_dup(s->a, path);
	char *save = NULL;

	for (char *key = strtok_r(rest, ".", &save); key; key = strtok_r(NULL, ".", &save))
		o = json_get(o, key);
	return o ? json_canonical(s->a, o) : "nothing";
}

static bool carry_out(struct side *s, const struct step *step, struct json *o, struct err *err)
{
	struct kube_apply x = { .body = o,
		.manager = step->manager,
		.force = step->verb == FORCE,
		.status = step->verb == STATUS };
	struct vec found = { .n = 0 };
	struct kube_query query;
	const struct json *live;
	bool ok;

	switch (step->verb) {
	case GET:
		return true;
	case APPLY:
	case FORCE:
	case STATUS:
		return s->ops.apply(s->ops.self, s->a, &x, 1, err);
	case CREATE:
		return s->ops.create(s->ops.self, s->a, o, step->manager, &live, err);
	case DELETE:
		return s->ops.remove(s->ops.self, s->a, ref_of(o), NULL, err);
	case DELETE_UID:
		return s->ops.remove(s->ops.self, s->a, ref_of(o), meta_uid(o), err);
	case SELECT:
	case FIELDS:
		query = (struct kube_query){ .kind = ref_of(o).kind,
			.ns = "default",
			.labels = step->verb == SELECT ? step->manager : NULL,
			.fields = step->verb == FIELDS ? step->manager : NULL };
		ok = s->ops.list(s->ops.self, s->a, &query, &found, err);
		return ok && found.n == 1;
	}
	return false;
}

static void take(struct side *s, size_t i)
{
	const struct step *step = &steps[i];
	struct err err = { .code = ERR_NONE };
	struct json *o = object_of(s, step);
	const struct json *before = look_at(s, ref_of(o));
	bool ok = carry_out(s, step, o, &err);
	const struct json *after = look_at(s, ref_of(o));
	const char *line = arena_printf(s->a, "step %zu, %s: %s, %s, version %s", i, step->object,
		ok ? "done" : err_code_name(err.code), after ? "is there" : "is not there",
		str_eq(meta_version(before), meta_version(after)) ? "stays" : "moves");

	for (size_t l = 0; l < ARRAY_LEN(step->look) && step->look[l]; l++)
		line = arena_printf(s->a, "%s, %s %s", line, step->look[l],
			replaced(s->a, value_at(s, after, step->look[l]),
				look_at(s, (struct ref){ KIND_API, "default", "owner" })
					? meta_uid(look_at(
						  s, (struct ref){ KIND_API, "default", "owner" }))
					: "@owner",
				"@owner"));
	vec_add(s->a, &s->lines, arena_dup(s->a, line));
}

static void define_kinds(void)
{
	FILE *f = popen("PATH=build/tools/bin:$PATH; kubectl create -f deploy/crds >&2 &&"
			"kubectl wait --for=condition=Established --timeout=30s -f deploy/crds >&2",
		"r");

	if (!f || pclose(f) != 0)
		fail_msg("kubectl create -f deploy/crds failed");
}

static void both_servers_answer_the_same(void **state)
{
	const struct kube_options options = { .user_agent = "test" };
	AUTO(arena_auto) struct arena *a = arena_new();
	struct store store;
	struct err err;
	struct kube *kube = kube_new(&options, &err);
	struct side real = { .a = a };
	struct side memory = { .a = a };
	int differences = 0;

	(void)state;
	assert_non_null(kube);
	define_kinds();
	store_init(&store, a);
	real.ops = kube_ops(kube);
	memory.ops = store_ops(&store);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		take(&real, i);
		take(&memory, i);
		if (str_eq(real.lines.at[i], memory.lines.at[i]))
			continue;
		differences++;
		print_message("real:   %s\nmemory: %s\n", (char *)real.lines.at[i],
			(char *)memory.lines.at[i]);
	}
	kube_free(kube);
	assert_int_equal(differences, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_servers_answer_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
