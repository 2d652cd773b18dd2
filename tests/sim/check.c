#include "tests/sim/check.h"

#include <stdlib.h>
#include <string.h>

#include "builder-svc/job.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/reasons.h"
#include "lib/plan/world.h"
#include "tests/sim/sim.h"

static const char *const ours[] = { "api-svc", "builder-svc", "security-svc", "ratelimit-svc",
	"endpoint-svc", "watcher" };

static bool is_ours(const char *manager, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (strlen(ours[i]) == n && strncmp(ours[i], manager, n) == 0)
			return true;
	return false;
}

void check_taken(struct sim *s, const char *service, struct ref ref, const struct vec *taken)
{
	vec_foreach (const char *, t, taken)
		if (is_ours(t, strcspn(t, " ")) && !str_starts(t, service))
			sim_violated(s, "%s takes a field of %s from %s", service, t,
				ref_text(s->arena, ref));
}

/* ---- at every write ---- */

static int64_t number(const char *text)
{
	return text ? strtoll(text, NULL, 10) : 0;
}

static int64_t observed(const struct json *o)
{
	return json_get_int(json_get(o, "status"), "observedGeneration", 0);
}

static void check_generations(struct sim *s, const struct change *c)
{
	int64_t before = number(meta_annotation(c->before, ANNOTATION_GENERATION));
	int64_t after = number(meta_annotation(c->after, ANNOTATION_GENERATION));
	bool same = str_eq(meta_uid(c->before), meta_uid(c->after));
	bool same_owner = json_equal(json_path(c->before, "metadata", "ownerReferences", NULL),
		json_path(c->after, "metadata", "ownerReferences", NULL));

	if (kind_is_ours(c->ref.kind) && observed(c->after) > meta_generation(c->after))
		sim_violated(s, "%s has observed generation %lld before it came",
			ref_text(s->arena, c->ref), (long long)observed(c->after));
	if (kind_is_ours(c->ref.kind) && same && observed(c->after) < observed(c->before))
		sim_violated(s, "%s has forgotten generation %lld", ref_text(s->arena, c->ref),
			(long long)observed(c->before));
	/* What has no owner is written for many. */
	if (same && same_owner && after < before &&
		json_path(c->after, "metadata", "ownerReferences", NULL))
		sim_violated(s, "%s goes back from generation %lld to %lld",
			ref_text(s->arena, c->ref), (long long)before, (long long)after);
}

static bool is_unfinished(struct sim *s, const struct json *job)
{
	return str_empty(child_state(s->arena, KIND_JOB, job));
}

static void check_job(struct sim *s, const struct change *c)
{
	if (c->before || !c->after)
		return;
	vec_foreach (const struct slot *, x, &s->store.slots[KIND_JOB]) {
		if (!x->json || ref_eq(x->ref, c->ref) || !str_eq(x->ref.ns, c->ref.ns) ||
			!is_unfinished(s, x->json))
			continue;
		if (str_eq(meta_annotation(x->json, ANNOTATION_IMAGE),
			    meta_annotation(c->after, ANNOTATION_IMAGE)) &&
			str_eq(meta_annotation(x->json, ANNOTATION_FORCE),
				meta_annotation(c->after, ANNOTATION_FORCE)))
			sim_violated(s, "%s and %s build the same image at the same time",
				ref_text(s->arena, x->ref), ref_text(s->arena, c->ref));
	}
}

void check_change(struct sim *s, const struct change *c)
{
	if (c->after)
		check_generations(s, c);
	if (c->ref.kind == KIND_JOB)
		check_job(s, c);
	if (c->writer && is_ours(c->writer, strlen(c->writer)) && c->ref.kind != KIND_LEASE &&
		c->ref.kind != KIND_EVENT) {
		s->writes++;
		s->last_write_us = s->now_us;
	}
}

/* ---- when all is quiet ---- */

static const struct json *condition(const struct json *root, const char *type)
{
	json_foreach (c, json_path(root, "status", "conditions", NULL))
		if (str_eq(json_get_str(c, "type"), type))
			return c;
	return NULL;
}

static void check_dependencies(struct sim *s, const struct slot *x)
{
	json_foreach (d, json_path(x->json, "status", "dependencies", NULL)) {
		struct ref r = { kind_by_name(json_get_str(d, "kind")),
			json_get_str(d, "namespace"), json_get_str(d, "name") };
		const char *have = meta_version(store_get(&s->store, r));

		if (!str_eq(have ? have : "", json_get_str(d, "resourceVersion")))
			sim_violated(s, "%s records version \"%s\" of %s, which has \"%s\"",
				ref_text(s->arena, x->ref), json_get_str(d, "resourceVersion"),
				ref_text(s->arena, r), have ? have : "");
	}
}

static void check_children(struct sim *s, const struct slot *x)
{
	json_foreach (c, json_path(x->json, "status", "children", NULL)) {
		struct ref r = { kind_by_name(json_get_str(c, "kind")), x->ref.ns,
			json_get_str(c, "name") };
		const struct json *live = store_get(&s->store, r);

		if (!live)
			sim_violated(s, "%s records a child that is not there, %s",
				ref_text(s->arena, x->ref), ref_text(s->arena, r));
		else if (!str_eq(child_version(s->arena, r.kind, live), json_get_str(c, "version")))
			sim_violated(s, "%s records another version of %s than there is",
				ref_text(s->arena, x->ref), ref_text(s->arena, r));
		else if (!str_eq(child_state(s->arena, r.kind, live), json_get_str(c, "state")))
			sim_violated(s, "%s records the state \"%s\" of %s, which is \"%s\"",
				ref_text(s->arena, x->ref), json_get_str(c, "state"),
				ref_text(s->arena, r), child_state(s->arena, r.kind, live));
	}
}

static void check_root(struct sim *s, const struct slot *x)
{
	const struct json *ready = condition(x->json, COND_READY);

	if (observed(x->json) != meta_generation(x->json))
		sim_violated(s, "%s has generation %lld, its status speaks of %lld",
			ref_text(s->arena, x->ref), (long long)meta_generation(x->json),
			(long long)observed(x->json));
	check_dependencies(s, x);
	check_children(s, x);
	/* A name that two tiers want is the only trouble that the script leaves. */
	if (!str_eq(json_get_str(ready, "status"), "True") && x->ref.kind != KIND_RATE_LIMITING)
		sim_violated(s, "%s is not Ready: %s, %s", ref_text(s->arena, x->ref),
			json_get_str(ready, "reason"), json_get_str(ready, "message"));
}

static bool is_recorded(const struct json *root, struct ref ref)
{
	json_foreach (c, json_path(root, "status", "children", NULL))
		if (kind_by_name(json_get_str(c, "kind")) == ref.kind &&
			str_eq(json_get_str(c, "name"), ref.name))
			return true;
	return false;
}

static void check_child(struct sim *s, const struct slot *x)
{
	if (!str_eq(meta_label(x->json, LABEL_PART_OF), PART_OF))
		return;
	json_foreach (o, json_path(x->json, "metadata", "ownerReferences", NULL)) {
		struct ref r = { kind_by_name(json_get_str(o, "kind")), x->ref.ns,
			json_get_str(o, "name") };
		const struct json *root = store_get(&s->store, r);

		if (!str_eq(meta_uid(root), json_get_str(o, "uid")))
			sim_violated(s, "%s has outlived %s", ref_text(s->arena, x->ref),
				ref_text(s->arena, r));
		else if (x->ref.kind != KIND_JOB && !is_recorded(root, x->ref))
			sim_violated(s, "%s is no recorded child of %s", ref_text(s->arena, x->ref),
				ref_text(s->arena, r));
	}
}

void check_quiet(struct sim *s)
{
	for (enum kind kind = KIND_API; kind < KIND_POD; kind++)
		vec_foreach (const struct slot *, x, &s->store.slots[kind]) {
			if (!x->json)
				continue;
			if (kind_is_ours(kind))
				check_root(s, x);
			else
				check_child(s, x);
		}
}

/* ---- the final state as text ---- */

static struct json *plain_metadata(struct arena *a, const struct json *object)
{
	struct json *meta = json_dup(a, json_get(object, "metadata"));
	struct json *notes = json_sub(a, meta, "annotations");

	json_remove(meta, "resourceVersion");
	json_remove(meta, "creationTimestamp");
	json_remove(meta, "uid");
	json_remove(meta, "generation");
	json_remove(notes, ANNOTATION_TRACE);
	json_remove(notes, ANNOTATION_GENERATION);
	/* How the image came to be depends on what happened before. */
	json_remove(notes, "apim.wso2.com/build-result");
	return meta;
}

static struct json *plain_conditions(struct arena *a, const struct json *root)
{
	struct json *list = json_object(a); /* their order says nothing */

	json_foreach (c, json_path(root, "status", "conditions", NULL)) {
		struct json *copy = json_dup(a, c);

		json_remove(copy, "lastTransitionTime");
		if (str_eq(json_get_str(c, "type"), COND_BUILT) &&
			str_eq(json_get_str(c, "status"), "True")) {
			json_remove(copy, "reason");
			json_remove(copy, "message");
		}
		json_set(a, list, json_get_str(c, "type"), copy);
	}
	return list;
}

static struct json *without(struct arena *a, const struct json *list, const char *member)
{
	struct json *out = json_array(a);

	json_foreach (d, list) {
		struct json *copy = json_dup(a, d);

		json_remove(copy, member);
		json_add(out, copy);
	}
	return out;
}

static struct json *plain(struct arena *a, const struct slot *x)
{
	struct json *o = json_dup(a, x->json);
	struct json *status = json_sub(a, o, "status");

	json_set(a, o, "metadata", plain_metadata(a, x->json));
	if (x->ref.kind == KIND_DEPLOYMENT) {
		json_remove(json_sub(a, o, "spec"), "replicas");
		json_remove(o, "status");
	}
	/* What a port is called depends on those that it has come to stand beside. */
	if (x->ref.kind == KIND_SERVICE)
		json_set(a, json_sub(a, o, "spec"), "ports",
			without(a, json_path(o, "spec", "ports", NULL), "name"));
	if (!kind_is_ours(x->ref.kind))
		return o;
	json_set(a, status, "conditions", plain_conditions(a, x->json));
	json_set(a, status, "dependencies",
		without(a, json_get(status, "dependencies"), "resourceVersion"));
	json_remove(status, "children");
	return o;
}

static int by_text(const void *x, const void *y)
{
	return strcmp(*(char *const *)x, *(char *const *)y);
}

char *check_dump(struct sim *s, struct arena *a)
{
	struct vec lines = { .n = 0 };
	struct str text;

	for (enum kind kind = KIND_API; kind < KIND_POD; kind++)
		vec_foreach (const struct slot *, x, &s->store.slots[kind])
			if (x->json && kind != KIND_JOB)
				vec_add(a, &lines,
					arena_printf(a, "%s %s", ref_text(a, x->ref),
						json_canonical(a, plain(a, x))));
	qsort(lines.at, lines.n, sizeof(*lines.at), by_text);
	str_init(&text, a, 64 * 1024 * 1024);
	vec_foreach (const char *, line, &lines)
		str_addf(&text, "%s\n", line);
	return text.ptr;
}
