#include "builder-svc/turn.h"

#include "builder-svc/job.h"
#include "builder-svc/queue.h"
#include "builder-svc/scene.h"
#include "builder-svc/verdict.h"
#include "lib/api/object.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/reasons.h"
#include "lib/plan/world.h"

enum {
	PARALLELISM = 4,
	MAX_NOTES = 64, /* of builds that are under way */
};

static const char all_jobs[] = LABEL_PART_OF "=" PART_OF;
static const char unfinished[] = "status.successful=0";
static const char queued[] = LABEL_BUILD_STATE "=queued";

const struct world_list *turn_jobs(const struct world *w)
{
	return world_list(w, KIND_JOB, NULL, all_jobs);
}

static const struct world_list *waiting_builds(const struct world *w)
{
	return world_list(w, KIND_CONFIG_MAP, NULL, queued);
}

size_t turn_places(const struct scene *s)
{
	const char *text = json_get_str(s->w->env, "BUILD_PARALLELISM");
	long n = text ? strtol(text, NULL, 10) : 0;

	return n >= 1 && n <= 1000 ? (size_t)n : PARALLELISM;
}

static size_t unfinished_jobs(const struct scene *s)
{
	const struct world_list *all = turn_jobs(s->w);
	size_t n = 0;

	if (all)
		vec_foreach (const struct object *, job, &all->items)
			n += scene_is_unfinished(s->arena, job->json);
	return n;
}

static const char *notes_of(const struct scene *s, const struct object *job)
{
	const char *api = scene_owner(job->json);

	return api ? scene_notes_name(s->arena, api) : NULL;
}

/* Its end is noted already: the Job controller counts once a second. */
static bool has_noted_end(const struct scene *s, const struct object *job)
{
	const char *name = notes_of(s, job);
	const struct json *notes =
		name ? world_get(s->w, KIND_CONFIG_MAP, job->ref.ns, name) : NULL;
	struct build_request request;
	struct build_result result;

	if (!notes || !build_request_read(s->arena, notes, &request) ||
		!build_result_read(s->arena, notes, &result) ||
		!job_is_for(s->arena, job->json, &request) ||
		!build_answers(s->arena, &result, &request))
		return false;
	return result.state == BUILD_READY ||
	       (result.state == BUILD_FAILED && str_eq(result.job_uid, meta_uid(job->json)));
}

static bool is_this_ones(const struct scene *s, const struct object *job)
{
	return str_eq(job->ref.ns, s->w->root_ref.ns) &&
	       str_eq(scene_owner(job->json), s->w->root_ref.name);
}

static bool is_going(const struct scene *s, const struct object *job)
{
	return scene_is_unfinished(s->arena, job->json) && !has_noted_end(s, job);
}

/* The API whose notes say that its build waits; NULL: they do not. Anybody can label a ConfigMap:
 * one without an owner that lives is collected as garbage, and whose turn has come without waiting
 * begins. */
static const char *waiting_api(
	const struct scene *s, const struct object *notes, int64_t *ret_since)
{
	const char *api = scene_owner(notes->json);
	struct build_request request;
	struct build_result result;

	if (!api || !str_eq(scene_notes_name(s->arena, api), notes->ref.name) ||
		!build_request_read(s->arena, notes->json, &request) ||
		!build_result_read(s->arena, notes->json, &result) ||
		!build_answers(s->arena, &result, &request) || result.state != BUILD_QUEUED ||
		result.since == 0)
		return NULL;
	*ret_since = result.since;
	return api;
}

static bool builds_already(
	const struct scene *s, const struct world_list *all, const struct object *notes)
{
	vec_foreach (const struct object *, job, &all->items)
		if (is_going(s, job) && str_eq(job->ref.ns, notes->ref.ns) &&
			str_eq(notes_of(s, job), notes->ref.name))
			return true;
	return false;
}

static void read_queue(const struct scene *s, struct queue *ret)
{
	const struct world_list *all = turn_jobs(s->w);
	const struct world_list *waiting = waiting_builds(s->w);
	const char *own = scene_notes_name(s->arena, s->w->root_ref.name);

	*ret = (struct queue){ .arena = s->arena, .places = turn_places(s) };
	if (!all)
		return;
	vec_foreach (const struct object *, job, &all->items)
		if (is_going(s, job) && !is_this_ones(s, job))
			queue_add_going(ret, job->ref.ns);
	if (!waiting)
		return;
	vec_foreach (const struct object *, notes, &waiting->items) {
		int64_t since = 0;
		const char *api = waiting_api(s, notes, &since);
		bool is_own =
			str_eq(notes->ref.ns, s->w->root_ref.ns) && str_eq(notes->ref.name, own);

		if (api && !is_own && !builds_already(s, all, notes))
			queue_add_waiting(ret, (struct ref){ KIND_API, notes->ref.ns, api }, since);
	}
}

int64_t turn_waits_since(const struct scene *s)
{
	bool waits = s->answered && s->result.state == BUILD_QUEUED && s->result.since > 0;

	return waits ? s->result.since : s->w->now_s;
}

/* Who comes for the first time comes after all who wait. */
bool turn_has_come(const struct scene *s)
{
	struct queue q;
	struct vec next;

	read_queue(s, &q);
	queue_add_waiting(&q, s->w->root_ref, turn_waits_since(s));
	next = queue_next(&q);
	vec_foreach (const struct ref *, r, &next)
		if (ref_eq(*r, s->w->root_ref))
			return true;
	return false;
}

bool turn_frees_a_place(const struct scene *s)
{
	/* Its pod says so before the Job controller does, whoever woke us to see that. */
	bool ended = s->job && (!scene_is_unfinished(s->arena, s->job->json) ||
				       verdict_digest(s->arena, s->pods));

	/* The garbage collector may have been faster than we. */
	if (!s->w->root)
		return true;
	if (s->wanted && (s->built_digest || ended))
		return !scene_is_ready(s) &&
		       !(s->answered && s->result.state == BUILD_FAILED && ended &&
			       str_eq(s->result.job_uid, meta_uid(s->job->json)));
	vec_foreach (const struct object *, job, &s->jobs)
		if (scene_is_ours(s, job) && scene_is_unfinished(s->arena, job->json) &&
			!(s->wanted && job_is_for(s->arena, job->json, &s->request)))
			return true;
	return false;
}

struct vec turn_next(const struct scene *s)
{
	struct queue q;

	read_queue(s, &q);
	return queue_next(&q);
}

/* ---- what has to be read for it ---- */

void turn_needs_jobs(struct needs *n)
{
	need_recent_list(n, KIND_JOB, NULL, all_jobs, unfinished);
}

/* Jobs may have ended that are not counted yet; others may have come before. */
static void need_queue(const struct scene *s, struct needs *n, size_t own)
{
	const struct world_list *all = turn_jobs(s->w);
	size_t going = all ? unfinished_jobs(s) : 0;
	size_t notes = 0;

	turn_needs_jobs(n);
	if (!all || going + own < turn_places(s))
		return;
	need_recent_list(n, KIND_CONFIG_MAP, NULL, queued, NULL);
	if (going < turn_places(s))
		return;
	vec_foreach (const struct object *, job, &all->items)
		if (notes++ < MAX_NOTES)
			need_child(n, KIND_CONFIG_MAP, job->ref.ns, notes_of(s, job));
}

void turn_needs(const struct scene *s, struct needs *n)
{
	need_queue(s, n, 1);
}

void turn_needs_successors(const struct scene *s, struct needs *n)
{
	const struct world_list *waiting = waiting_builds(s->w);

	if (!turn_frees_a_place(s))
		return;
	need_recent_list(n, KIND_CONFIG_MAP, NULL, queued, NULL);
	if (!waiting || waiting->items.n == 0)
		return;
	need_queue(s, n, 0);
}
