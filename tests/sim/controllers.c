#include "tests/sim/controllers.h"

#include "builder-svc/job.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "tests/sim/inside.h"
#include "tests/sim/sim.h"

enum {
	TTL_US = 150 * US_PER_S, /* less than the manifest says, so that a run sees it */
};

static const char controller[] = "kube-controller-manager";

static int64_t soon(struct sim *s, int64_t least_ms, int64_t most_ms)
{
	return s->now_us +
	       (least_ms + (int64_t)chance_of(&s->chance, (uint64_t)(most_ms - least_ms))) *
		       US_PER_MS;
}

static void later(struct sim *s, int64_t due_us, void (*run)(struct sim *, struct task *),
	struct ref ref, const char *uid, int64_t number)
{
	sim_at(s, due_us, (struct task){ .run = run, .ref = ref, .uid = uid, .number = number });
}

/* NULL: gone, or another one. */
static const struct json *still(struct sim *s, const struct task *t)
{
	const struct json *o = store_get(&s->store, t->ref);

	return str_eq(meta_uid(o), t->uid) ? o : NULL;
}

static void remove_object(struct sim *s, struct ref ref, const char *uid)
{
	struct kube_ops k = store_ops(&s->store);
	struct err ignored = { .code = ERR_NONE };

	sim_trace(s, controller, "removes %s", ref_text(s->arena, ref));
	(void)!k.remove(k.self, s->arena, ref, uid, &ignored);
}

/* ---- Jobs ---- */

static struct ref pod_of(struct sim *s, const struct task *t)
{
	return (struct ref){ KIND_POD, t->ref.ns,
		arena_printf(s->arena, "%s-%.5s", t->ref.name,
			t->uid + strlen(t->uid) - (strlen(t->uid) < 5 ? strlen(t->uid) : 5)) };
}

static void job_expires(struct sim *s, struct task *t)
{
	if (still(s, t))
		remove_object(s, t->ref, t->uid);
}

static void job_is_counted(struct sim *s, struct task *t)
{
	if (!still(s, t))
		return;
	sim_trace(s, controller, "%s %s", ref_text(s->arena, t->ref),
		t->number ? "is complete" : "has failed");
	store_set_status(&s->store, t->ref, t->uid,
		json_format(s->arena, "{'succeeded':%l,'conditions':[{'type':%s,'status':'True'}]}",
			t->number, t->number ? "Complete" : "Failed"),
		controller);
	later(s, s->now_us + TTL_US, job_expires, t->ref, t->uid, 0);
}

static void pod_ends(struct sim *s, struct task *t)
{
	const struct json *job = still(s, t);
	const char *image = meta_annotation(job, ANNOTATION_IMAGE);
	bool ok = !chance_hits(&s->chance, s->trouble.build_fails);
	const struct json *pod;

	if (!job)
		return;
	if (ok)
		vec_add(s->arena, &s->images, arena_dup(s->arena, image));
	pod = store_get(&s->store, pod_of(s, t));
	store_set_status(&s->store, pod_of(s, t), meta_uid(pod),
		json_format(s->arena,
			"{'phase':%s,'containerStatuses':[{'state':{'terminated':{'exitCode':%d,'message':%s}}}]}",
			ok ? "Succeeded" : "Failed", ok ? 0 : 1,
			ok ? inside_digest(s->arena, image)
			   : "error building image: no space left"),
		controller);
	later(s, soon(s, 1, 1500), job_is_counted, t->ref, t->uid, ok);
}

static void pod_begins(struct sim *s, struct task *t)
{
	const struct json *job = still(s, t);
	struct kube_ops k = store_ops(&s->store);
	struct err err = { .code = ERR_NONE };
	struct ref pod = pod_of(s, t);
	struct json *labels;

	if (!job)
		return;
	labels = json_dup(s->arena, json_path(job, "spec", "template", "metadata", "labels", NULL));
	json_set_str(s->arena, labels, "batch.kubernetes.io/job-name", t->ref.name);
	(void)!k.create(k.self, s->arena,
		json_format(s->arena,
			"{'apiVersion':'v1','kind':'Pod','metadata':{'name':%s,'namespace':%s,'labels':%j,"
			"'annotations':%j,'ownerReferences':[{'apiVersion':'batch/v1','kind':'Job','name':%s,'uid':%s,"
			"'controller':%b}]},'status':{'phase':'Running'}}",
			pod.name, pod.ns, labels,
			json_dup(s->arena, json_path(job, "spec", "template", "metadata",
						   "annotations", NULL)),
			t->ref.name, t->uid, true),
		controller, NULL, &err);
	later(s, soon(s, 500, 8000), pod_ends, t->ref, t->uid, 0);
}

/* ---- Deployments ---- */

static void set_rollout(struct sim *s, const struct task *t, const struct json *d, bool done)
{
	int64_t n = json_get_int(json_get(d, "spec"), "replicas", 1);

	store_set_status(&s->store, t->ref, t->uid,
		json_format(s->arena,
			"{'observedGeneration':%l,'replicas':%l,'updatedReplicas':%l,'availableReplicas':%l,"
			"'conditions':[{'type':'Progressing','status':'True','reason':%s}]}",
			meta_generation(d), n, done ? n : n - 1, done ? n : n - 1,
			done ? "NewReplicaSetAvailable" : "ReplicaSetUpdated"),
		controller);
}

static void rollout_ends(struct sim *s, struct task *t)
{
	const struct json *d = still(s, t);

	if (!d || meta_generation(d) != t->number)
		return;
	sim_trace(s, controller, "%s is rolled out", ref_text(s->arena, t->ref));
	set_rollout(s, t, d, true);
}

static void rollout_begins(struct sim *s, struct task *t)
{
	const struct json *d = still(s, t);

	if (!d || meta_generation(d) != t->number)
		return;
	set_rollout(s, t, d, false);
	later(s, soon(s, 200, 4000), rollout_ends, t->ref, t->uid, t->number);
}

/* ---- Services ---- */

static void address_is_given(struct sim *s, struct task *t)
{
	if (!still(s, t))
		return;
	store_set_status(&s->store, t->ref, t->uid,
		json_format(s->arena, "{'loadBalancer':{'ingress':[{'ip':'172.30.1.%d'}]}}",
			10 + (int)strlen(t->ref.name)),
		controller);
}

/* ---- garbage ---- */

static bool owner_lives(struct sim *s, struct ref dependent, const struct json *reference)
{
	struct ref owner = { kind_by_name(json_get_str(reference, "kind")), dependent.ns,
		json_get_str(reference, "name") };

	return str_eq(meta_uid(store_get(&s->store, owner)), json_get_str(reference, "uid"));
}

static void is_collected(struct sim *s, struct task *t)
{
	const struct json *o = still(s, t);
	const struct json *owners = json_path(o, "metadata", "ownerReferences", NULL);

	if (!o || json_len(owners) == 0)
		return;
	json_foreach (reference, owners)
		if (owner_lives(s, t->ref, reference))
			return;
	remove_object(s, t->ref, t->uid);
}

static void collect(struct sim *s, struct ref ref, const struct json *object)
{
	later(s, soon(s, 1, 2000), is_collected, ref, meta_uid(object), 0);
}

static bool depends_on(const struct json *object, const char *uid)
{
	json_foreach (reference, json_path(object, "metadata", "ownerReferences", NULL))
		if (str_eq(json_get_str(reference, "uid"), uid))
			return true;
	return false;
}

static void collect_dependents(struct sim *s, const char *uid)
{
	for (size_t kind = 0; kind < KIND_COUNT; kind++)
		vec_foreach (const struct slot *, x, &s->store.slots[kind])
			if (x->json && depends_on(x->json, uid))
				collect(s, x->ref, x->json);
}

static void see_owners(struct sim *s, const struct change *c)
{
	json_foreach (reference, json_path(c->after, "metadata", "ownerReferences", NULL))
		if (!owner_lives(s, c->ref, reference))
			collect(s, c->ref, c->after);
}

/* ---- all of them ---- */

static bool is_new_generation(const struct change *c)
{
	return c->after && (!c->before || meta_generation(c->before) != meta_generation(c->after));
}

void controllers_see(struct sim *s, const struct change *c)
{
	const char *uid = meta_uid(c->after);
	const char *type = json_str(json_path(c->after, "spec", "type", NULL));

	if (!c->after) {
		collect_dependents(s, meta_uid(c->before));
		return;
	}
	see_owners(s, c);
	if (c->ref.kind == KIND_JOB && !c->before)
		later(s, soon(s, 5, 1500), pod_begins, c->ref, uid, 0);
	if (c->ref.kind == KIND_DEPLOYMENT && is_new_generation(c))
		later(s, soon(s, 5, 300), rollout_begins, c->ref, uid, meta_generation(c->after));
	if (c->ref.kind == KIND_SERVICE && str_eq(type, "LoadBalancer") && !c->before)
		later(s, soon(s, 50, 2000), address_is_given, c->ref, uid, 0);
}
