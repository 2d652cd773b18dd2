#include "builder-svc/build.h"

#include "builder-svc/job.h"
#include "builder-svc/scene.h"
#include "builder-svc/turn.h"
#include "builder-svc/verdict.h"
#include "lib/api/api.h"
#include "lib/api/object.h"
#include "lib/base/arena.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/plan.h"
#include "lib/plan/reasons.h"
#include "lib/plan/world.h"

enum {
	RUNNING_MS = 30 * 1000, /* the Job's end wakes us; this is for pods that never start */
	ENDING_MS = 1000, /* its pod has ended, they say, but the server does not show it yet */
	QUEUED_MS =
		15 *
		1000,  /* who frees a place calls the next one; this is for calls that are lost */
	GONE_MS = 200, /* until a deleted Job has gone */
	WAIT_MIN_S = 1,
	WAIT_MAX_S = 30,
	RETRY_MIN_S = 10,
	RETRY_MAX_S = 300,
};

void build_needs(const struct world *w, struct needs *n)
{
	scene_needs(w, n);
}

/* ---- what is told ---- */

/* Writes the result beside the request, if it says something new. uid: a ConfigMap that was deleted
 * meanwhile is not made again by this; resourceVersion: nor is a request answered that was not
 * read. */
static bool note(const struct scene *s, struct plan *p, struct build_result r)
{
	const struct ref *root = &s->w->root_ref;
	struct json *annotations = json_object(p->arena);
	struct json *labels = NULL;
	char *text;

	r.input_hash = s->request.input_hash;
	r.image = s->request.image;
	r.force = *build_force(p->arena, &s->request) ? build_force(p->arena, &s->request) : NULL;
	/* Even of an image that needed none: whoever slept must not make the next request's Job
	 * the first. */
	if (!r.job)
		r.job = s->job_name;
	text = build_result_text(p->arena, &r);
	if (str_eq(text, meta_annotation(s->config_map, ANNOTATION_BUILD_RESULT)))
		return false;
	json_set_str(p->arena, annotations, ANNOTATION_BUILD_RESULT, text);
	if (r.since > 0)
		labels = json_format(
			p->arena, "{'" LABEL_BUILD_STATE "':%s}", build_state_name(r.state));
	plan_apply(p,
		json_prune(json_format(p->arena,
			"{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':%s,'namespace':%s,"
			"'uid':%s,'resourceVersion':%s,'annotations':%j,'labels':%j}}",
			scene_notes_name(p->arena, root->name), root->ns, meta_uid(s->config_map),
			meta_version(s->config_map), annotations, labels)),
		PLAN_FOREIGN);
	return true;
}

static void tell_ready(
	const struct scene *s, struct plan *p, const char *digest, const char *source)
{
	const char *job = s->job ? s->job->ref.name : s->built_by;
	struct build_result r = { .state = BUILD_READY, .digest = digest, .source = source };
	bool built = str_eq(source, "build");

	r.job = built ? job : NULL;
	if (!note(s, p, r))
		return;
	plan_event(p, "Normal", built ? REASON_BUILD_SUCCEEDED : REASON_IMAGE_EXISTS,
		built ? "Image %s is built, digest %s"
		      : "Image %s exists, digest %s, nothing to build",
		s->request.image, digest);
	plan_cloud_event(p, "build.image-ready",
		json_format(p->arena, "{'image':%s,'digest':%s,'inputHash':%s,'source':%s}",
			s->request.image, digest, s->request.input_hash, source));
}

/* What stops a build from beginning; the runtime's message comes back after requeue_ms. */
static void tell_waiting(const struct scene *s, struct plan *p, const char *reason,
	const char *message, int64_t requeue_ms)
{
	struct build_result r = { .state = BUILD_WAITING, .reason = reason, .message = message };

	/* Failures before this are not forgotten: they set the pace of what follows. */
	if (s->answered)
		r.attempts = s->result.attempts;
	if (note(s, p, r)) {
		plan_wake(p, "build.result", "build waits: %s", reason);
		plan_event(p, "Warning", reason, "%s", message);
	}
	plan_requeue(p, requeue_ms);
}

/* ---- time ---- */

static int64_t doubled(int64_t s, int64_t times, int64_t max)
{
	while (times-- > 0 && s < max)
		s *= 2;
	return s < max ? s : max;
}

/* Up to a fifth more, so that many do not come back in step; the same for the same object and
 * attempt. */
static int64_t spread(const struct scene *s, int64_t ms, int64_t attempt)
{
	char *text = arena_printf(s->arena, "%s/%lld", meta_uid(s->w->root), (long long)attempt);
	unsigned char digest[SHA256_BYTES];

	sha256(text, strlen(text), digest);
	return ms + ms / 5 * digest[0] / 255;
}

static int64_t wait_ms(const struct scene *s)
{
	int64_t attempt = s->w->attempt;

	return spread(s, 1000 * doubled(WAIT_MIN_S, attempt - 1, WAIT_MAX_S), attempt);
}

/* Another configuration is worth another attempt at once. */
static bool is_due(const struct scene *s)
{
	return s->w->now_s >= s->result.retry_at || !str_eq(s->result.config, s->fingerprint);
}

static bool has_failed_before(const struct scene *s)
{
	return s->answered && s->result.state == BUILD_FAILED;
}

static void requeue_until_due(const struct scene *s, struct plan *p)
{
	plan_requeue(p, 1000 * (s->result.retry_at - s->w->now_s));
}

/* ---- the registry's answer ---- */

static bool is_complete(const struct scene *s)
{
	return s->job && str_eq(child_state(s->arena, KIND_JOB, s->job->json), "Complete");
}

/* The next thing to do may be a Job. */
static bool may_start(const struct scene *s)
{
	return !s->job && (!has_failed_before(s) || is_due(s));
}

static bool is_open(const struct scene *s)
{
	return s->configured && !s->trouble && !scene_is_ready(s);
}

/* Complete, and nobody knows what came of it. */
static bool is_unexplained(const struct scene *s)
{
	return is_complete(s) && verdict_digest(s->arena, s->pods) == NULL;
}

bool build_asks_registry(const struct scene *s)
{
	if (!is_open(s))
		return false;
	return is_unexplained(s) || (may_start(s) && !*build_force(s->arena, &s->request));
}

bool build_lacks_token(const struct scene *s)
{
	return is_open(s) && s->lacks_token && (is_unexplained(s) || may_start(s));
}

static bool registry_has_it(const struct scene *s)
{
	return json_get_bool(s->w->observed, "present", false);
}

/* ---- the rules: the first that decides ends the list ---- */

/* One of that name that is not ours stays. */
static void shared_ends(struct plan *p, enum kind kind, const char *name)
{
	const struct world *w = p->world;
	const struct object *o = world_find(w, kind, w->root_ref.ns, name);

	if (object_exists(o) && str_eq(meta_label(o->json, LABEL_PART_OF), PART_OF))
		plan_delete(p, o->ref, meta_uid(o->json));
}

/* No API, or none that wants an image: what still runs is stopped; with the namespace's last API
 * what all of them use goes. */
static bool nothing_is_wanted(const struct scene *s, struct plan *p)
{
	const struct world *w = s->w;
	const struct world_list *apis = world_list(w, KIND_API, w->root_ref.ns, NULL);

	if (s->wanted)
		return false;
	vec_foreach (const struct object *, job, &s->jobs)
		if (scene_is_ours(s, job) && scene_is_unfinished(s->arena, job->json))
			plan_delete(p, job->ref, meta_uid(job->json));
	if (!w->root && apis && apis->items.n == 0) {
		shared_ends(p, KIND_SECRET, CREDENTIALS_SECRET);
		shared_ends(p, KIND_SECRET, API_REPLICAS);
		shared_ends(p, KIND_SERVICE, API_REPLICAS);
	}
	return true;
}

static bool outdated_builds_end(const struct scene *s, struct plan *p)
{
	vec_foreach (const struct object *, job, &s->jobs)
		if (scene_is_ours(s, job) && !job_is_for(s->arena, job->json, &s->request) &&
			scene_is_unfinished(s->arena, job->json))
			plan_delete(p, job->ref, meta_uid(job->json));
	return false;
}

static bool job_has_moved(const struct world *w)
{
	vec_foreach (const struct ref *, r, &w->moved)
		if (r->kind == KIND_JOB)
			return true;
	return false;
}

/* Somebody who asks anew is told again. The end of a Job that was noted already, and a message of
 * ours that comes back, are no news: should the first telling have been lost, the note on the
 * ConfigMap wakes api-svc as well. */
static bool is_asked(const struct world *w)
{
	return w->attempt <= 1 && !job_has_moved(w);
}

static bool image_is_known(const struct scene *s, struct plan *p)
{
	if (!scene_is_ready(s))
		return false;
	if (is_asked(s->w))
		plan_wake(p, "build.result", "image is ready");
	return true;
}

static bool job_is_going(const struct scene *s, struct plan *p)
{
	if (!s->job || !meta_deleting(s->job->json))
		return false;
	plan_requeue(p, GONE_MS);
	return true;
}

/* The pod tells of success before the Job controller has counted it. */
static bool build_succeeded(const struct scene *s, struct plan *p)
{
	const char *digest = s->built_digest;

	if (!digest && s->job)
		digest = verdict_digest(s->arena, s->pods);
	if (!digest && is_complete(s) && registry_has_it(s))
		digest = json_get_str(s->w->observed, "digest");
	if (!digest)
		return false;
	plan_wake(p, "build.result", "image is built");
	tell_ready(s, p, digest, "build");
	return true;
}

static bool build_runs(const struct scene *s, struct plan *p)
{
	const char *trouble;

	if (!s->job || !scene_is_unfinished(s->arena, s->job->json))
		return false;
	trouble = verdict_trouble(s->arena, s->pods);
	if (trouble)
		tell_waiting(s, p, REASON_BUILD_PENDING,
			arena_printf(p->arena, "Job %s: %s", s->job->ref.name, trouble),
			RUNNING_MS);
	plan_requeue(p, job_has_moved(s->w) ? ENDING_MS : RUNNING_MS);
	return true;
}

static const char *failure_reason(const struct scene *s)
{
	json_foreach (c, json_path(s->job->json, "status", "conditions", NULL))
		if (str_eq(json_get_str(c, "reason"), "DeadlineExceeded"))
			return REASON_BUILD_DEADLINE;
	if (s->pods)
		vec_foreach (const struct object *, pod, &s->pods->items)
			if (str_eq(json_str(json_path(pod->json, "status", "reason", NULL)),
				    "DeadlineExceeded"))
				return REASON_BUILD_DEADLINE;
	return REASON_BUILD_FAILED;
}

static void tell_failed(const struct scene *s, struct plan *p)
{
	int64_t attempts = s->answered ? s->result.attempts + 1 : 1;
	int64_t delay_ms =
		spread(s, 1000 * doubled(RETRY_MIN_S, attempts - 1, RETRY_MAX_S), attempts);
	struct build_result r = {
		.state = BUILD_FAILED,
		.reason = failure_reason(s),
		.message = verdict_failure(s->arena, s->pods, &s->login),
		.job = s->job->ref.name,
		.job_uid = meta_uid(s->job->json),
		.attempts = attempts,
		.retry_at = s->w->now_s + delay_ms / 1000,
		.config = s->fingerprint,
	};

	(void)note(s, p, r);
	plan_wake(p, "build.result", "build failed");
	plan_event(p, "Warning", r.reason, "Job %s failed (attempt %lld): %s", r.job,
		(long long)attempts, r.message);
	plan_cloud_event(p, "build.failed",
		json_format(p->arena,
			"{'image':%s,'inputHash':%s,'job':%s,'reason':%s,'message':%s,'attempts':%l}",
			s->request.image, s->request.input_hash, r.job, r.reason, r.message,
			attempts));
	plan_requeue(p, delay_ms);
}

/* Noted once; when its time has come the Job makes room for the next one. */
static bool build_failed(const struct scene *s, struct plan *p)
{
	bool noted;

	if (!s->job || is_complete(s))
		return false;
	noted = has_failed_before(s) && str_eq(s->result.job_uid, meta_uid(s->job->json));
	if (!noted) {
		tell_failed(s, p);
	} else if (is_due(s)) {
		plan_delete(p, s->job->ref, meta_uid(s->job->json));
		plan_requeue(p, GONE_MS);
	} else {
		requeue_until_due(s, p);
	}
	return true;
}

static bool configuration_is_incomplete(const struct scene *s, struct plan *p)
{
	if (!s->trouble)
		return false;
	tell_waiting(s, p, s->trouble_reason, s->trouble, wait_ms(s));
	return true;
}

static bool retry_is_not_due(const struct scene *s, struct plan *p)
{
	if (!has_failed_before(s) || is_due(s))
		return false;
	requeue_until_due(s, p);
	return true;
}

static bool registry_does_not_answer(const struct scene *s, struct plan *p)
{
	const char *message = json_get_str(s->w->observed, "message");
	const char *reason = REASON_REGISTRY_UNAVAILABLE;

	if (!message)
		return false;
	if (str_eq(json_get_str(s->w->observed, "error"), "denied")) {
		reason = REASON_REGISTRY_DENIED;
		message = arena_printf(p->arena, "%s: correct Secret \"%s/%s\"", message,
			s->w->system_ns, s->conf.registry.secret);
	}
	tell_waiting(s, p, reason, message, wait_ms(s));
	return true;
}

static struct json *token_annotations(const struct scene *s, struct plan *p)
{
	struct json *annotations = json_object(p->arena);

	json_set_str(p->arena, annotations, ANNOTATION_EXPIRES_AT,
		arena_printf(p->arena, "%lld", (long long)json_get_int(s->token, "expiresAt", 0)));
	json_set_str(p->arena, annotations, ANNOTATION_GOT_WITH, scene_got_with(s));
	return annotations;
}

/* Credentials for Jobs and gateways of the namespace. A Secret of that name that is not ours is the
 * user's choice. */
static void credentials(const struct scene *s, struct plan *p)
{
	const struct json *live =
		world_get(s->w, KIND_SECRET, s->w->root_ref.ns, CREDENTIALS_SECRET);
	const char *have = data_entry(s->arena, live, ".dockerconfigjson", NULL);
	struct json *data = json_object(p->arena);
	struct json *secret;

	if (!s->docker_config || str_eq(have, s->docker_config))
		return;
	if (live && !str_eq(meta_label(live, LABEL_PART_OF), PART_OF))
		return;
	json_set_str(p->arena, data, ".dockerconfigjson",
		base64_encode(p->arena, s->docker_config, strlen(s->docker_config)));
	secret = json_format(p->arena,
		"{'apiVersion':'v1','kind':'Secret','metadata':{'name':%s},"
		"'type':'kubernetes.io/dockerconfigjson','data':%j}",
		CREDENTIALS_SECRET, data);
	if (s->token)
		json_set(p->arena, json_sub(p->arena, secret, "metadata"), "annotations",
			token_annotations(s, p));
	plan_apply(p, secret, PLAN_UNOWNED);
}

static bool image_is_in_the_registry(const struct scene *s, struct plan *p)
{
	if (!registry_has_it(s))
		return false;
	credentials(s, p);
	plan_wake(p, "build.result", "image exists");
	tell_ready(s, p, json_get_str(s->w->observed, "digest"), "registry");
	return true;
}

/* Complete, but neither its pod nor the registry knows the image: built again. */
static bool image_has_vanished(const struct scene *s, struct plan *p)
{
	if (!is_complete(s))
		return false;
	plan_delete(p, s->job->ref, meta_uid(s->job->json));
	plan_requeue(p, GONE_MS);
	return true;
}

static bool others_come_first(const struct scene *s, struct plan *p)
{
	struct build_result r = {
		.state = BUILD_QUEUED, .reason = REASON_BUILD_PENDING, .since = turn_waits_since(s)
	};

	if (turn_has_come(s))
		return false;
	r.message = arena_printf(p->arena,
		"%zu images are built at a time, this one waits its turn", turn_places(s));
	if (s->answered)
		r.attempts = s->result.attempts;
	if (note(s, p, r))
		plan_wake(p, "build.result", "build is queued");
	plan_requeue(p, spread(s, QUEUED_MS, s->w->attempt));
	return true;
}

/* A Job of another request has the name, and nobody needs it any more; or one of an API that had
 * the name before, which the garbage collector is about to take. */
static bool name_is_taken(const struct scene *s, struct plan *p)
{
	const struct object *job = s->in_the_way;

	if (!job)
		return false;
	if (scene_is_ours(s, job) && !meta_deleting(job->json) &&
		!scene_is_unfinished(s->arena, job->json))
		plan_delete(p, job->ref, meta_uid(job->json));
	plan_requeue(p, GONE_MS);
	return true;
}

/* Whatever becomes of the create: a namespace whose quota refuses Jobs keeps no place from others.
 */
static void leave_the_queue(const struct scene *s, struct plan *p)
{
	if (!s->answered || s->result.state != BUILD_QUEUED || s->result.since == 0)
		return;
	(void)note(s, p,
		(struct build_result){ .state = BUILD_QUEUED,
			.reason = REASON_BUILD_PENDING,
			.message = "its turn has come",
			.attempts = s->result.attempts });
}

static bool build_starts(const struct scene *s, struct plan *p)
{
	struct job j = {
		.name = s->job_name,
		.api = s->w->root_ref.name,
		.request = &s->request,
		.force = build_force(p->arena, &s->request),
		.kaniko_image = s->conf.kaniko_image,
		.plain_http = s->conf.registry.insecure,
		.credentials = s->docker_config ? CREDENTIALS_SECRET : NULL,
		.arguments = s->conf.kaniko_arguments,
	};

	leave_the_queue(s, p);
	credentials(s, p);
	plan_apply(p, job_manifest(p->arena, &j), PLAN_CREATE);
	plan_event(p, "Normal", "BuildStarted", "Job %s builds image %s", j.name, s->request.image);
	plan_cloud_event(p, "build.started",
		json_format(p->arena, "{'image':%s,'inputHash':%s,'job':%s}", s->request.image,
			s->request.input_hash, j.name));
	plan_requeue(p, RUNNING_MS);
	return true;
}

static bool (*const rules[])(const struct scene *, struct plan *) = {
	nothing_is_wanted,
	outdated_builds_end,
	image_is_known,
	job_is_going,
	build_succeeded,
	build_runs,
	build_failed,
	configuration_is_incomplete,
	retry_is_not_due,
	registry_does_not_answer,
	image_is_in_the_registry,
	image_has_vanished,
	name_is_taken,
	others_come_first,
	build_starts,
};

/* Whoever comes next does not wait until it looks by itself. */
static void call_next(const struct scene *s, struct plan *p)
{
	struct vec next = turn_next(s);

	vec_foreach (const struct ref *, api, &next)
		plan_wake_other(p, "build.request", *api, "a place is free");
}

bool build_reconcile(const struct world *w, struct plan *p, struct err *err)
{
	struct scene s;

	(void)err;
	scene_read(p->arena, w, &s);
	p->keep_status = true;
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (rules[i](&s, p))
			break;
	if (turn_frees_a_place(&s))
		call_next(&s, p);
	return true;
}
