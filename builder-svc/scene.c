#include "builder-svc/scene.h"

#include "builder-svc/job.h"
#include "builder-svc/turn.h"
#include "builder-svc/verdict.h"
#include "lib/api/api.h"
#include "lib/api/finding.h"
#include "lib/api/object.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/reasons.h"
#include "lib/plan/world.h"

enum {
	LABEL_MAX = 63,
	TOKEN_MIN_S = 3600,
	FINGERPRINT_DIGITS = 12,
};

static const enum conf_object config_objects[] = { CONF_CONTROLLER, CONF_REGISTRY, CONF_KANIKO };

const char *scene_notes_name(struct arena *a, const char *api)
{
	return arena_printf(a, "%s-dockerfile", api);
}

static const char *dockerfile_name(struct arena *a, const struct world *w)
{
	return scene_notes_name(a, w->root_ref.name);
}

/* A name too long for a label is found by its owner reference among all of the namespace. */
static const char *jobs_of(struct arena *a, const char *api)
{
	if (strlen(api) > LABEL_MAX)
		return LABEL_OWNER_KIND "=api";
	return arena_printf(a, LABEL_OWNER_KIND "=api," LABEL_OWNER "=%s", api);
}

static const char *pods_of(struct arena *a, const char *job)
{
	return arena_printf(a, "batch.kubernetes.io/job-name=%s", job);
}

/* ---- what is wanted ---- */

static void read_notes(struct scene *s)
{
	const struct world *w = s->w;

	s->config_map = world_get(w, KIND_CONFIG_MAP, w->root_ref.ns, dockerfile_name(s->arena, w));
	s->wanted = w->root && !meta_deleting(w->root) && !meta_deleting(s->config_map) &&
		    build_request_read(s->arena, s->config_map, &s->request);
	if (s->wanted && build_result_read(s->arena, s->config_map, &s->result)) {
		s->noted = true;
		s->answered = build_answers(s->arena, &s->result, &s->request);
	}
}

bool scene_is_ready(const struct scene *s)
{
	return s->answered && s->result.state == BUILD_READY;
}

/* ---- what runs ---- */

static bool is_owned_by(const struct json *job, const struct json *root)
{
	json_foreach (o, json_path(job, "metadata", "ownerReferences", NULL))
		if (str_eq(json_get_str(o, "uid"), meta_uid(root)))
			return true;
	return false;
}

/* A Job of an earlier API of the same name goes by itself, with its owner. */
bool scene_is_ours(const struct scene *s, const struct object *job)
{
	const struct world *w = s->w;

	if (!str_eq(job->ref.ns, w->root_ref.ns))
		return false;
	return w->root ? is_owned_by(job->json, w->root)
		       : str_eq(meta_label(job->json, LABEL_OWNER), w->root_ref.name);
}

const char *scene_owner(const struct json *o)
{
	json_foreach (owner, json_path(o, "metadata", "ownerReferences", NULL))
		if (kind_by_name(json_get_str(owner, "kind")) == KIND_API)
			return json_get_str(owner, "name");
	return NULL;
}

/* Of no API of this name: it may stay for ever. */
static bool is_a_strangers(const struct scene *s, const char *name)
{
	const struct json *job = world_get(s->w, KIND_JOB, s->w->root_ref.ns, name);

	return job && !str_eq(scene_owner(job), s->w->root_ref.name);
}

static const char *name_for_request(const struct scene *s)
{
	const char *api = s->w->root_ref.name;
	const char *const names[] = {
		job_name(s->arena, api),
		job_name_by_attempt(s->arena, api, &s->request),
		job_name_by_hash(s->arena, api, &s->request),
		job_name_by_all(s->arena, api, &s->request),
	};
	size_t last = ARRAY_LEN(names) - 1;

	if (s->answered && s->result.state != BUILD_READY)
		for (size_t i = 0; i <= last; i++)
			if (str_eq(names[i], s->result.job))
				return names[i];
	for (size_t i = s->noted && s->result.job; i < last; i++)
		if (!is_a_strangers(s, names[i]))
			return names[i];
	return names[last];
}

static void add_job(struct scene *s, struct object *job)
{
	const struct object *named = world_find(s->w, KIND_JOB, job->ref.ns, job->ref.name);

	if (named && !named->json)
		return;
	vec_foreach (const struct object *, known, &s->jobs)
		if (ref_eq(known->ref, job->ref))
			return;
	vec_add(s->arena, &s->jobs, job);
}

/* What was read by name counts, lists may be a moment old. */
static void collect_jobs(struct scene *s)
{
	const struct world *w = s->w;
	const struct ref *root = &w->root_ref;
	const struct world_list *own =
		world_list(w, KIND_JOB, root->ns, jobs_of(s->arena, root->name));
	const struct world_list *all = turn_jobs(w);

	s->looked = all || (s->job_name && world_find(w, KIND_JOB, root->ns, s->job_name));
	vec_foreach (struct object *, o, &w->objects)
		if (o->ref.kind == KIND_JOB && o->json)
			add_job(s, o);
	if (own)
		vec_foreach (struct object *, job, &own->items)
			add_job(s, job);
	if (all)
		vec_foreach (struct object *, job, &all->items)
			if (scene_is_ours(s, job))
				add_job(s, job);
}

static bool is_of_another_job(const struct json *pod, const struct json *job)
{
	json_foreach (o, json_path(pod, "metadata", "ownerReferences", NULL))
		if (str_eq(json_get_str(o, "kind"), "Job"))
			return !str_eq(json_get_str(o, "uid"), meta_uid(job));
	return false;
}

/* A Job that had the name before leaves its pods behind for a while: what they say is about another
 * image. */
static const struct world_list *pods_of_this(struct scene *s, const struct world_list *all)
{
	struct world_list *own = arena_alloc(s->arena, sizeof(*own));

	*own = *all;
	own->items = (struct vec){ .n = 0 };
	vec_foreach (struct object *, pod, &all->items)
		if (!is_of_another_job(pod->json, s->job->json))
			vec_add(s->arena, &own->items, pod);
	return own;
}

/* The Job that we were told of, with the end of its pod; NULL: none. */
static const struct ref *told_job(const struct world *w)
{
	vec_foreach (const struct ref *, r, &w->moved)
		if (r->kind == KIND_JOB && str_eq(r->ns, w->root_ref.ns))
			return r;
	return NULL;
}

/* A pod says what it has built and for which request: one that has succeeded needs no Job to speak
 * for it. */
static void read_success(struct scene *s)
{
	const struct ref *job = told_job(s->w);
	const struct world_list *pods =
		job ? world_list(s->w, KIND_POD, job->ns, pods_of(s->arena, job->name)) : NULL;
	struct world_list own = { .kind = KIND_POD };

	if (!s->wanted || !pods)
		return;
	vec_foreach (struct object *, pod, &pods->items)
		if (job_is_for(s->arena, pod->json, &s->request))
			vec_add(s->arena, &own.items, pod);
	s->built_digest = verdict_digest(s->arena, &own);
	s->built_by = job->name;
}

static void read_jobs(struct scene *s)
{
	const struct world *w = s->w;
	const struct world_list *pods;

	s->job_name = s->wanted ? name_for_request(s) : NULL;
	collect_jobs(s);
	if (!s->wanted)
		return;
	vec_foreach (const struct object *, job, &s->jobs) {
		if (scene_is_ours(s, job) && job_is_for(s->arena, job->json, &s->request))
			s->job = job;
		else if (str_eq(job->ref.ns, w->root_ref.ns) && str_eq(job->ref.name, s->job_name))
			s->in_the_way = job;
	}
	if (!s->job)
		return;
	pods = world_list(w, KIND_POD, w->root_ref.ns, pods_of(s->arena, s->job->ref.name));
	s->pods = pods ? pods_of_this(s, pods) : NULL;
}

bool scene_is_unfinished(struct arena *a, const struct json *job)
{
	return str_empty(child_state(a, KIND_JOB, job));
}

/* ---- how it is to be done ---- */

static bool conf_is_read(const struct world *w)
{
	return world_find(w, KIND_CONFIG_MAP, w->system_ns, conf_object_name(CONF_CONTROLLER));
}

static void read_conf(struct scene *s)
{
	struct conf_input in = { .images = { .kaniko = json_get_str(s->w->env, "KANIKO_IMAGE") } };
	struct findings findings;

	findings_init(&findings, s->arena);
	for (size_t i = 0; i < ARRAY_LEN(config_objects); i++)
		in.objects[config_objects[i]] = world_get(s->w, KIND_CONFIG_MAP, s->w->system_ns,
			conf_object_name(config_objects[i]));
	conf_read(s->arena, &in, &s->conf, &findings);
}

static struct login login_by(const struct scene *s, const char *docker_config)
{
	struct err ignored = { .code = ERR_NONE };

	return image_login(s->arena, &s->image,
		json_parse(s->arena, docker_config, strlen(docker_config), &ignored));
}

char *scene_got_with(const struct scene *s)
{
	const char *version = meta_version(s->aws);

	return arena_printf(s->arena, "%s/%s", s->conf.registry.secret, version ? version : "");
}

/* The token that the namespace has, while it is good for a build and for the pods that follow. */
static const char *kept_token(const struct scene *s)
{
	const struct json *live =
		world_get(s->w, KIND_SECRET, s->w->root_ref.ns, CREDENTIALS_SECRET);
	const char *expires = meta_annotation(live, ANNOTATION_EXPIRES_AT);
	const char *config = data_entry(s->arena, live, ".dockerconfigjson", NULL);

	if (!expires || strtoll(expires, NULL, 10) < s->w->now_s + TOKEN_MIN_S || !config ||
		!str_eq(meta_annotation(live, ANNOTATION_GOT_WITH), scene_got_with(s)) ||
		!login_by(s, config).username)
		return NULL;
	return config;
}

static void read_token(struct scene *s)
{
	s->docker_config = kept_token(s);
	if (s->docker_config)
		return;
	s->token = json_get(s->w->observed, "token");
	s->lacks_token = s->token == NULL;
	if (s->token)
		s->docker_config = conf_docker_login(
			s->arena, &s->conf.registry, ECR_USER, json_get_str(s->token, "password"));
}

static void read_credentials(struct scene *s)
{
	const struct conf_registry *r = &s->conf.registry;
	const struct json *secret = world_get(s->w, KIND_SECRET, s->w->system_ns, r->secret);

	s->docker_config = conf_docker_config(s->arena, r, secret);
	s->aws = secret;
	if (!s->docker_config && r->type == REGISTRY_AMAZON_ECR)
		read_token(s);
	if (s->docker_config)
		s->login = login_by(s, s->docker_config);
}

static void judge_conf(struct scene *s)
{
	enum registry_type type = s->conf.registry.type;
	struct err err = { .code = ERR_NONE };

	if (type == REGISTRY_NONE) {
		s->trouble_reason = REASON_REGISTRY_NOT_CONFIGURED;
		s->trouble = arena_printf(s->arena,
			"no registry is configured: set dockerRegistry in ConfigMap \"%s/%s\" (and user and "
			"password in Secret \"" CONF_DOCKER_SECRET
			"\"), or repositoryName in ConfigMap \"%s\"",
			s->w->system_ns, conf_object_name(CONF_CONTROLLER),
			conf_object_name(CONF_REGISTRY));
	} else if (!s->conf.kaniko_image) {
		s->trouble_reason = REASON_BUILD_PENDING;
		s->trouble = arena_printf(s->arena,
			"no image of Kaniko is configured: set kanikoImg in ConfigMap \"%s/%s\"",
			s->w->system_ns, conf_object_name(CONF_CONTROLLER));
	} else if (!image_parse(s->arena, s->request.image, &s->image, &err)) {
		s->trouble_reason = REASON_BUILD_FAILED;
		s->trouble = arena_dup(s->arena, err.msg);
	} else if (type == REGISTRY_AMAZON_ECR &&
		   !ecr_place_of(s->arena, s->image.registry,
			   json_get_str(s->w->env, ECR_ENDPOINT_ENV), &s->place, &err)) {
		s->trouble_reason = REASON_REGISTRY_NOT_CONFIGURED;
		s->trouble = arena_printf(s->arena, "repositoryName in ConfigMap \"%s/%s\": %s",
			s->w->system_ns, conf_object_name(CONF_REGISTRY), err.msg);
	}
}

/* Versions, not contents: no trace of a password. */
static void read_fingerprint(struct scene *s)
{
	const struct world *w = s->w;
	struct str text;

	str_init(&text, s->arena, 4096);
	for (size_t i = 0; i < ARRAY_LEN(config_objects); i++) {
		const struct json *o = world_get(
			w, KIND_CONFIG_MAP, w->system_ns, conf_object_name(config_objects[i]));

		str_addf(&text, "%s/", meta_version(o) ? meta_version(o) : "");
	}
	if (s->conf.registry.secret) {
		const struct json *o =
			world_get(w, KIND_SECRET, w->system_ns, s->conf.registry.secret);

		str_addf(&text, "%s", meta_version(o) ? meta_version(o) : "");
	}
	s->fingerprint =
		arena_dupn(s->arena, sha256_hex(s->arena, text.ptr, text.len), FINGERPRINT_DIGITS);
}

void scene_read(struct arena *a, const struct world *w, struct scene *ret)
{
	struct scene s = { .arena = a, .w = w };

	read_notes(&s);
	read_success(&s);
	read_jobs(&s);
	s.configured = s.wanted && conf_is_read(w);
	if (s.configured) {
		read_conf(&s);
		judge_conf(&s);
		if (!s.trouble)
			read_credentials(&s);
		read_fingerprint(&s);
	}
	*ret = s;
}

/* ---- what has to be read for it ---- */

static void need_leftovers(const struct world *w, struct needs *n)
{
	need_list(n, KIND_API, w->root_ref.ns, NULL);
	need_child(n, KIND_SECRET, w->root_ref.ns, CREDENTIALS_SECRET);
	if (w->root)
		return;
	need_child(n, KIND_SECRET, w->root_ref.ns, API_REPLICAS);
	need_child(n, KIND_SERVICE, w->root_ref.ns, API_REPLICAS);
}

static void need_configuration(const struct scene *s, struct needs *n)
{
	const struct world *w = s->w;

	for (size_t i = 0; i < ARRAY_LEN(config_objects); i++)
		need_input(n, KIND_CONFIG_MAP, w->system_ns, conf_object_name(config_objects[i]));
	if (!s->configured || s->trouble)
		return;
	need_input(n, KIND_SECRET, w->system_ns, s->conf.registry.secret);
	if (s->docker_config || s->lacks_token)
		need_child(n, KIND_SECRET, w->root_ref.ns, CREDENTIALS_SECRET);
}

/* A Job that runs or ended well speaks for itself. */
static bool job_says_enough(const struct scene *s)
{
	const char *state = child_state(s->arena, KIND_JOB, s->job->json);

	if (str_eq(state, "Complete"))
		return !s->pods || verdict_digest(s->arena, s->pods);
	return str_empty(state);
}

/* Nothing was ever noted for this API, and nobody says that it has a Job: there is none to read.
 * Should there be one all the same, its name is taken, and the next attempt looks. */
static bool is_first_build(const struct scene *s)
{
	return s->w->attempt == 1 && s->w->moved.n == 0 && !s->noted;
}

static void need_job(const struct scene *s, struct needs *n)
{
	const struct world *w = s->w;
	const char *ns = w->root_ref.ns;

	if (is_first_build(s))
		turn_needs_jobs(n);
	else
		need_child(n, KIND_JOB, ns, s->job_name);
	if (!s->looked)
		return;
	/* Back to what was built before: that Job may still be there, under its own name. */
	if (!s->job && s->noted)
		need_recent_list(n, KIND_JOB, ns, jobs_of(n->arena, w->root_ref.name), NULL);
	if (s->job)
		need_recent_list(n, KIND_POD, ns, pods_of(n->arena, s->job->ref.name), NULL);
	if (s->job && job_says_enough(s))
		return;
	if (!s->job)
		turn_needs(s, n);
	/* Whose turn has not come needs to know no more. */
	if (s->answered && s->result.state == BUILD_QUEUED && !s->job && !turn_has_come(s))
		return;
	need_configuration(s, n);
}

void scene_needs(const struct world *w, struct needs *n)
{
	struct arena *a = n->arena;
	const char *ns = w->root_ref.ns;
	const char *told = told_job(w) ? pods_of(a, told_job(w)->name) : NULL;
	struct scene s;

	need_kept_child(n, KIND_CONFIG_MAP, ns, dockerfile_name(a, w));
	scene_read(a, w, &s);
	if (!w->root) {
		need_list(n, KIND_JOB, ns, jobs_of(a, w->root_ref.name));
		need_leftovers(w, n);
		turn_needs_successors(&s, n);
		return;
	}
	if (!world_find(w, KIND_CONFIG_MAP, ns, dockerfile_name(a, w)) || scene_is_ready(&s))
		return;
	if (!s.wanted) {
		need_recent_list(n, KIND_JOB, ns, jobs_of(a, w->root_ref.name), NULL);
		turn_needs_successors(&s, n);
		return;
	}
	if (told)
		need_recent_list(n, KIND_POD, ns, told, NULL);
	if (told && !world_list(w, KIND_POD, ns, told))
		return;
	if (!s.built_digest)
		need_job(&s, n);
	turn_needs_successors(&s, n);
}
