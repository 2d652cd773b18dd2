#include "builder-svc/job.h"

#include "lib/api/build.h"
#include "lib/api/name.h"
#include "lib/api/object.h"
#include "lib/base/arena.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/reasons.h"

enum {
	NAME_MAX_CHARS = 63, /* of a label and of a container */
	HASH_LABEL_DIGITS = 40,
	SUFFIX_DIGITS = 8,
	ATTEMPT_MAX = 16,
	POD_DEADLINE_S = 570, /* the pod ends first, so that its log can still be read */
	JOB_DEADLINE_S = 600,
	KEEP_FINISHED_S = 3600,
};

/* ---- names ---- */

/* `<stem><end>` within `max` characters; what is cut off is replaced by digits of its hash. */
static const char *fitted(struct arena *a, const char *stem, const char *end, size_t max)
{
	size_t room = max - strlen(end);
	char *digits;

	if (strlen(stem) <= room)
		return arena_printf(a, "%s%s", stem, end);
	digits = sha256_hex(a, stem, strlen(stem));
	return arena_printf(a, "%.*s-%.*s%s", (int)(room - SUFFIX_DIGITS - 1), stem, SUFFIX_DIGITS,
		digits, end);
}

const char *job_name(struct arena *a, const char *api)
{
	return fitted(a, api, "-kaniko", NAME_MAX_CHARS);
}

static const char *with_digits(struct arena *a, const char *api, const char *digits)
{
	return fitted(
		a, api, arena_printf(a, "-kaniko-%.*s", SUFFIX_DIGITS, digits), NAME_MAX_CHARS);
}

const char *job_name_by_all(struct arena *a, const char *api, const struct build_request *r)
{
	char *text = arena_printf(a, "%s/%s/%s", r->input_hash, build_force(a, r), r->image);

	return with_digits(a, api, sha256_hex(a, text, strlen(text)));
}

const char *job_name_by_hash(struct arena *a, const char *api, const struct build_request *r)
{
	return *build_force(a, r) ? job_name_by_all(a, api, r) : with_digits(a, api, r->input_hash);
}

const char *job_name_by_attempt(struct arena *a, const char *api, const struct build_request *r)
{
	const char *attempt = r->attempt;

	if (str_empty(attempt) || strlen(attempt) > ATTEMPT_MAX || !name_is_label(attempt))
		return job_name_by_hash(a, api, r);
	return fitted(a, api, arena_printf(a, "-kaniko-%s", attempt), NAME_MAX_CHARS);
}

const char *job_hash_label(struct arena *a, const char *input_hash)
{
	return arena_printf(a, "%.*s", HASH_LABEL_DIGITS, input_hash);
}

bool job_is_for(struct arena *a, const struct json *job, const struct build_request *r)
{
	const char *force = meta_annotation(job, ANNOTATION_FORCE);

	return str_eq(meta_label(job, LABEL_INPUT_HASH), job_hash_label(a, r->input_hash)) &&
	       str_eq(meta_annotation(job, ANNOTATION_IMAGE), r->image) &&
	       str_eq(force ? force : "", build_force(a, r));
}

/* Containers have no dots in their names. */
static const char *container_name(struct arena *a, const char *api)
{
	char *name = arena_dup(a, fitted(a, api, "gen-container", NAME_MAX_CHARS));

	for (char *p = name; *p; p++)
		if (*p == '.')
			*p = '-';
	return name;
}

/* ---- the container ---- */

static struct json *arguments(struct arena *a, const struct job *j)
{
	struct json *args = json_array(a);

	json_add_str(a, args, "--dockerfile=/usr/wso2/dockerfile/Dockerfile");
	json_add_str(a, args, "--context=/usr/wso2/");
	json_add_str(a, args, arena_printf(a, "--destination=%s", j->request->image));
	json_add_str(a, args, "--digest-file=/dev/termination-log");
	/* One look at names, sizes and times instead of one at every byte. */
	json_add_str(a, args, "--snapshot-mode=redo");
	if (j->request->contract_sha256)
		json_add_str(a, args,
			arena_printf(
				a, "--build-arg=CONTRACT_SHA256=%s", j->request->contract_sha256));
	if (j->plain_http) {
		json_add_str(a, args, "--insecure");
		json_add_str(a, args, "--insecure-pull");
	}
	vec_foreach (const char *, argument, &j->arguments)
		json_add_str(a, args, argument);
	return args;
}

static void add_volume(struct arena *a, struct json *volumes, struct json *mounts, const char *name,
	struct json *source, const char *path, const char *sub_path)
{
	struct json *volume = json_object(a);

	json_set_str(a, volume, "name", name);
	json_set(a, volume, json_key(json_first(source)), json_dup(a, json_first(source)));
	json_add(volumes, volume);
	json_add(mounts,
		json_prune(json_format(a, "{'name':%s,'mountPath':%s,'subPath':%s,'readOnly':true}",
			name, path, sub_path)));
}

static void add_volumes(
	struct arena *a, const struct job *j, struct json *volumes, struct json *mounts)
{
	int i = 0;

	vec_foreach (const char *, definition, &j->request->definitions) {
		i++;
		add_volume(a, volumes, mounts, arena_printf(a, "swagger-%d", i),
			json_format(a, "{'configMap':{'name':%s}}", definition),
			arena_printf(a, "/usr/wso2/swagger/project-%d", i), NULL);
	}
	add_volume(a, volumes, mounts, "dockerfile",
		json_format(
			a, "{'configMap':{'name':%s}}", arena_printf(a, "%s-dockerfile", j->api)),
		"/usr/wso2/dockerfile", NULL);
	add_volume(a, volumes, mounts, "policy",
		json_format(a, "{'configMap':{'name':'policy-configmap','optional':true}}"),
		"/usr/wso2/policy", NULL);
	add_volume(a, volumes, mounts, "mgwconf",
		json_format(
			a, "{'secret':{'secretName':%s}}", arena_printf(a, "%s-mgw-conf", j->api)),
		"/usr/wso2/mgwconf", NULL);
	if (j->credentials)
		add_volume(a, volumes, mounts, "docker-config",
			json_format(a,
				"{'secret':{'secretName':%s,'items':[{'key':'.dockerconfigjson',"
				"'path':'config.json'}]}}",
				j->credentials),
			"/kaniko/.docker", NULL);
}

/* What api-svc has copied, and what stands in the API's namespace anyway. */
static struct json *mount_what_administrators_want(
	struct arena *a, const struct job *j, struct json *volumes, struct json *mounts)
{
	struct json *env_from = json_array(a);
	size_t number = 0;

	json_foreach (m, j->request->mounts) {
		const char *name = json_get_str(m, "name");
		const char *path = json_get_str(m, "path");
		bool secret = str_eq(json_get_str(m, "kind"), "Secret");

		if (path)
			add_volume(a, volumes, mounts, arena_printf(a, "mount-%zu", ++number),
				json_format(a,
					secret ? "{'secret':{'secretName':%s}}"
					       : "{'configMap':{'name':%s}}",
					name),
				path, json_get_str(m, "subPath"));
		else
			json_add(env_from, json_format(a,
						   secret ? "{'secretRef':{'name':%s}}"
							  : "{'configMapRef':{'name':%s}}",
						   name));
	}
	return env_from;
}

/* Kaniko unpacks images over its own root: it must be root there and may give files away, and a RUN
 * may change its user. It needs nothing else. */
static struct json *container(
	struct arena *a, const struct job *j, struct json *mounts, struct json *env_from)
{
	struct json *c = json_format(a,
		"{'name':%s,'image':%s,'imagePullPolicy':'IfNotPresent','args':%j,'volumeMounts':%j,"
		"'terminationMessagePolicy':'FallbackToLogsOnError',"
		"'resources':{'requests':{'cpu':'100m','memory':'128Mi'},'limits':{'memory':'1Gi'}},"
		"'securityContext':{'runAsUser':0,'allowPrivilegeEscalation':false,'capabilities':{"
		"'drop':['ALL'],'add':['CHOWN','DAC_OVERRIDE','FOWNER','SETGID','SETUID']}}}",
		container_name(a, j->api), j->kaniko_image, arguments(a, j), mounts);

	if (json_len(env_from) > 0)
		json_set(a, c, "envFrom", env_from);
	return c;
}

static struct json *labels(struct arena *a, const struct job *j)
{
	struct json *l = json_object(a);
	const char *name = fitted(a, j->api, "-job", NAME_MAX_CHARS);

	json_set_str(a, l, "app.kubernetes.io/name", name);
	json_set_str(a, l, LABEL_PART_OF, PART_OF);
	json_set_str(a, l, LABEL_INPUT_HASH, job_hash_label(a, j->request->input_hash));
	/* On the pod too: who sees it end knows whose build it was. */
	if (strlen(j->api) <= NAME_MAX_CHARS) {
		json_set_str(a, l, LABEL_OWNER_KIND, "api");
		json_set_str(a, l, LABEL_OWNER, j->api);
	}
	return l;
}

/* Of the Job and of its pod: each says for which request it is. */
static void annotate(struct arena *a, const struct job *j, struct json *annotations)
{
	json_set_str(a, annotations, ANNOTATION_IMAGE, j->request->image);
	if (*j->force)
		json_set_str(a, annotations, ANNOTATION_FORCE, j->force);
}

static struct json *pod_annotations(struct arena *a, const struct job *j)
{
	struct json *annotations = json_object(a);

	json_set_str(a, annotations, "sidecar.istio.io/inject", "false");
	annotate(a, j, annotations);
	return annotations;
}

static struct json *pod_template(struct arena *a, const struct job *j)
{
	struct json *volumes = json_array(a);
	struct json *mounts = json_array(a);
	struct json *pull = json_array(a);
	struct json *env_from;

	add_volumes(a, j, volumes, mounts);
	env_from = mount_what_administrators_want(a, j, volumes, mounts);
	if (j->credentials)
		json_add(pull, json_format(a, "{'name':%s}", j->credentials));
	return json_format(a,
		"{'metadata':{'labels':%j,'annotations':%j},"
		"'spec':{'restartPolicy':'Never','activeDeadlineSeconds':%d,"
		"'automountServiceAccountToken':false,'enableServiceLinks':false,"
		"'terminationGracePeriodSeconds':1,"
		"'securityContext':{'seccompProfile':{'type':'RuntimeDefault'}},"
		"'imagePullSecrets':%j,'containers':[%j],'volumes':%j}}",
		labels(a, j), pod_annotations(a, j), POD_DEADLINE_S, pull,
		container(a, j, mounts, env_from), volumes);
}

struct json *job_manifest(struct arena *a, const struct job *j)
{
	struct json *job = json_format(a,
		"{'apiVersion':'batch/v1','kind':'Job','metadata':{'name':%s,'labels':%j,"
		"'annotations':{}},'spec':{'backoffLimit':0,'activeDeadlineSeconds':%d,"
		"'ttlSecondsAfterFinished':%d,'template':%j}}",
		j->name, labels(a, j), JOB_DEADLINE_S, KEEP_FINISHED_S, pod_template(a, j));

	annotate(a, j, json_sub(a, json_sub(a, job, "metadata"), "annotations"));
	return job;
}
