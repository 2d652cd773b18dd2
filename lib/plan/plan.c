#include "lib/plan/plan.h"

#include <stdarg.h>

#include "lib/base/arena.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/msg/wake.h"
#include "lib/plan/reasons.h"
#include "lib/plan/world.h"

static char *vprintf_arena(struct arena *a, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);

static char *vprintf_arena(struct arena *a, const char *fmt, va_list ap)
{
	va_list again;
	char *out;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		abort();
	out = arena_alloc(a, (size_t)n + 1);
	(void)vsnprintf(out, (size_t)n + 1, fmt, ap);
	return out;
}

struct plan *plan_new(struct arena *a, const struct world *w)
{
	struct plan *p = arena_alloc(a, sizeof(*p));

	p->arena = a;
	p->world = w;
	p->status = json_object(a);
	return p;
}

static void add_owner(struct plan *p, struct json *meta)
{
	const struct world *w = p->world;
	const struct kind_info *info = kind_info(w->root_ref.kind);
	struct json *owners = json_array(p->arena);

	json_add(owners,
		json_format(p->arena,
			"{'apiVersion':%s,'kind':%s,'name':%s,'uid':%s,"
			"'controller':true,'blockOwnerDeletion':true}",
			info->api_version, info->kind, w->root_ref.name, meta_uid(w->root)));
	json_set(p->arena, meta, "ownerReferences", owners);
}

static void add_label(struct plan *p, struct json *labels, const char *key, const char *value)
{
	/* A label holds at most 63 characters; a longer name is found by owner reference alone. */
	if (value && strlen(value) <= 63)
		json_set_str(p->arena, labels, key, value);
}

/* Who made it and for whom: what the watcher selects by and the garbage collector follows. */
static void adopt(struct plan *p, struct json *body, unsigned int flags)
{
	const struct world *w = p->world;
	struct json *meta = json_sub(p->arena, body, "metadata");
	struct json *labels = json_sub(p->arena, meta, "labels");
	char *generation;

	json_set_str(p->arena, labels, LABEL_PART_OF, PART_OF);
	if (!(flags & PLAN_UNOWNED)) {
		add_label(p, labels, LABEL_OWNER_KIND, kind_info(w->root_ref.kind)->token);
		add_label(p, labels, LABEL_OWNER, w->root_ref.name);
		add_owner(p, meta);
	}
	/* An unowned object is written for several roots: their generations say nothing about it.
	 */
	if (w->root && !(flags & PLAN_UNOWNED)) {
		generation = arena_printf(p->arena, "%lld", (long long)meta_generation(w->root));
		json_set_str(p->arena, json_sub(p->arena, meta, "annotations"),
			ANNOTATION_GENERATION, generation);
	}
	if (flags & PLAN_CREATE)
		json_set_str(p->arena, json_sub(p->arena, meta, "annotations"), ANNOTATION_TRACE,
			w->traceparent);
}

void plan_apply(struct plan *p, struct json *body, unsigned int flags)
{
	struct plan_apply *apply = arena_alloc(p->arena, sizeof(*apply));
	struct json *meta = json_sub(p->arena, body, "metadata");

	json_prune(body);
	if (!json_get(meta, "namespace"))
		json_set_str(p->arena, meta, "namespace", p->world->root_ref.ns);
	if (!(flags & PLAN_FOREIGN))
		adopt(p, body, flags);
	*apply = (struct plan_apply){ body, flags };
	vec_add(p->arena, &p->applies, apply);
}

void plan_delete(struct plan *p, struct ref ref, const char *uid)
{
	struct plan_delete *d = arena_alloc(p->arena, sizeof(*d));

	*d = (struct plan_delete){ ref, uid };
	vec_add(p->arena, &p->deletes, d);
}

static struct condition *find(const struct plan *p, const char *type)
{
	vec_foreach (struct condition *, c, &p->conditions)
		if (str_eq(c->type, type))
			return c;
	return NULL;
}

static void set_condition(struct plan *p, struct condition decided)
{
	struct condition *c = find(p, decided.type);

	if (!c) {
		c = arena_alloc(p->arena, sizeof(*c));
		vec_add(p->arena, &p->conditions, c);
	}
	*c = decided;
}

void plan_condition(struct plan *p, const char *type, const char *status, const char *reason,
	const char *message_fmt, ...)
{
	const char *message;
	va_list ap;

	va_start(ap, message_fmt);
	message = vprintf_arena(p->arena, message_fmt, ap);
	va_end(ap);
	set_condition(p, (struct condition){ type, status, reason, message });
}

const struct condition *plan_condition_get(const struct plan *p, const char *type)
{
	return find(p, type);
}

void plan_event(struct plan *p, const char *type, const char *reason, const char *message_fmt, ...)
{
	struct plan_event *e = arena_alloc(p->arena, sizeof(*e));
	va_list ap;

	va_start(ap, message_fmt);
	*e = (struct plan_event){ type, reason, vprintf_arena(p->arena, message_fmt, ap) };
	va_end(ap);
	vec_add(p->arena, &p->events, e);
}

/* The condition as the root's status has it; NULL if it has none. */
static const struct json *recorded(const struct plan *p, const char *type)
{
	json_foreach (c, json_path(p->world->root, "status", "conditions", NULL))
		if (str_eq(json_get_str(c, "type"), type))
			return c;
	return NULL;
}

bool plan_changed(const struct plan *p, const char *condition_type)
{
	const struct condition *now = find(p, condition_type);
	const struct json *then = recorded(p, condition_type);

	if (!now)
		return then != NULL;
	return !str_eq(now->status, json_get_str(then, "status")) ||
	       !str_eq(now->reason, json_get_str(then, "reason"));
}

static void add_message(struct plan *p, struct plan_message message)
{
	struct plan_message *m = arena_alloc(p->arena, sizeof(*m));

	*m = message;
	vec_add(p->arena, &p->messages, m);
}

void plan_wake(struct plan *p, const char *prefix, const char *cause_fmt, ...)
{
	const struct ref *root = &p->world->root_ref;
	const char *cause;
	va_list ap;

	va_start(ap, cause_fmt);
	cause = vprintf_arena(p->arena, cause_fmt, ap);
	va_end(ap);
	add_message(p, (struct plan_message){
			       .subject = subject_for(p->arena, prefix, root->ns, root->name),
			       .cause = cause });
}

void plan_wake_other(struct plan *p, const char *prefix, struct ref other, const char *cause)
{
	add_message(p, (struct plan_message){
			       .subject = subject_for(p->arena, prefix, other.ns, other.name),
			       .ref = other,
			       .cause = cause });
}

void plan_cloud_event(struct plan *p, const char *what, struct json *data)
{
	const struct ref *root = &p->world->root_ref;
	char *prefix = arena_printf(p->arena, "evt.%s", what);

	json_set(p->arena, data, "object",
		json_format(p->arena, "{'kind':%s,'namespace':%s,'name':%s,'generation':%l}",
			kind_info(root->kind)->kind, root->ns, root->name,
			meta_generation(p->world->root)));
	add_message(p, (struct plan_message){
			       .subject = subject_for(p->arena, prefix, root->ns, root->name),
			       .ce_type = arena_printf(p->arena, "com.wso2.apim.%s", what),
			       .data = data,
		       });
}

void plan_requeue(struct plan *p, int64_t after_ms)
{
	if (p->requeue_ms == 0 || after_ms < p->requeue_ms)
		p->requeue_ms = after_ms;
}

/* ---- status ---- */

/* What is Unknown may only be waiting for what is False. */
static bool is_worse(const struct condition *x, const struct condition *y)
{
	return str_eq(x->status, "False") && str_eq(y->status, "Unknown");
}

void plan_summarize(struct plan *p, const char *const *required)
{
	const struct condition *first = NULL;
	bool waits;

	for (; *required; required++) {
		const struct condition *c = find(p, *required);

		if (c && !str_eq(c->status, "True") && (!first || is_worse(c, first)))
			first = c;
	}
	if (!first) {
		set_condition(p, (struct condition){ COND_READY, "True", "Ready", "" });
		return;
	}
	waits = p->retrying || p->requeue_ms > 0 || str_eq(first->status, "Unknown");
	set_condition(
		p, (struct condition){ COND_READY, first->status, first->reason, first->message });
	set_condition(p, (struct condition){ waits ? COND_RECONCILING : COND_STALLED, "True",
				 first->reason, first->message });
}

static struct json *condition_json(const struct plan *p, const struct condition *c)
{
	const struct json *then = recorded(p, c->type);
	const char *since = json_get_str(then, "lastTransitionTime");

	if (!since || !str_eq(c->status, json_get_str(then, "status")))
		since = clock_rfc3339(p->arena, p->world->now_s * 1000);
	return json_format(p->arena,
		"{'type':%s,'status':%s,'reason':%s,'message':%s,'lastTransitionTime':%s,"
		"'observedGeneration':%l}",
		c->type, c->status, c->reason, c->message, since, meta_generation(p->world->root));
}

struct json *plan_status_json(
	const struct plan *p, const struct json *dependencies, const struct json *children)
{
	struct json *status = json_dup(p->arena, p->status);
	struct json *conditions = json_array(p->arena);

	vec_foreach (const struct condition *, c, &p->conditions)
		json_add(conditions, condition_json(p, c));
	json_set_int(p->arena, status, "observedGeneration", meta_generation(p->world->root));
	json_set(p->arena, status, "conditions", conditions);
	json_set(p->arena, status, "dependencies", json_dup(p->arena, dependencies));
	json_set(p->arena, status, "children", json_dup(p->arena, children));
	return status;
}

/* ---- the dump ---- */

static struct json *applies_json(struct arena *a, const struct plan *p)
{
	struct json *list = json_array(a);

	vec_foreach (const struct plan_apply *, x, &p->applies) {
		struct json *o = json_format(a, "{'body':%j,'foreign':%b,'unowned':%b,'create':%b}",
			x->body, (x->flags & PLAN_FOREIGN) != 0, (x->flags & PLAN_UNOWNED) != 0,
			(x->flags & PLAN_CREATE) != 0);

		if (x->flags & PLAN_UNRECORDED)
			json_set_bool(a, o, "unrecorded", true);
		json_add(list, o);
	}
	return list;
}

static struct json *messages_json(struct arena *a, const struct plan *p)
{
	struct json *list = json_array(a);

	vec_foreach (const struct plan_message *, m, &p->messages)
		json_add(list,
			json_prune(json_format(a, "{'subject':%s,'cause':%s,'type':%s,'data':%j}",
				m->subject, m->cause, m->ce_type, m->data)));
	return list;
}

char *plan_json(struct arena *a, const struct plan *p)
{
	struct json *out = json_object(a);
	struct json *deletes = json_array(a);
	struct json *events = json_array(a);

	vec_foreach (const struct plan_delete *, d, &p->deletes)
		json_add_str(a, deletes, ref_text(a, d->ref));
	vec_foreach (const struct plan_event *, e, &p->events)
		json_add(events, json_format(a, "{'type':%s,'reason':%s,'message':%s}", e->type,
					 e->reason, e->message));
	json_set(a, out, "apply", applies_json(a, p));
	json_set(a, out, "delete", deletes);
	json_set(a, out, "events", events);
	json_set(a, out, "publish", messages_json(a, p));
	json_set(a, out, "status", plan_status_json(p, NULL, NULL));
	json_set_int(a, out, "requeueMs", p->requeue_ms);
	json_set_bool(a, out, "keepStatus", p->keep_status);
	return json_canonical(a, out);
}
