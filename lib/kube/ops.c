#include "lib/kube/ops.h"

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/json/json.h"
#include "lib/kube/body.h"
#include "lib/kube/call.h"
#include "lib/kube/kube.h"
#include "lib/kube/list.h"
#include "lib/kube/path.h"
#include "lib/kube/stream.h"

enum {
	MAX_BODY = 3 * 1024 * 1024, /* the API server's own, which it enforces by hanging up */
};

static const char json_type[] = "application/json";

static bool parse_answer(
	struct arena *a, const struct call *c, const struct json **ret, struct err *err)
{
	const struct json *v = json_parse(a, c->body.ptr ? c->body.ptr : "", c->body.n, err);

	if (!v)
		return err_wrap(err, "answer of the API server");
	*ret = v;
	return true;
}

/* Where an object to be written goes is what its kind and metadata say. */
static bool check_kind(struct ref r, const struct json *body, struct err *err)
{
	const char *kind = json_get_str(body, "kind");

	return r.kind != KIND_NONE ||
	       err_set(err, ERR_BUG, "kind: \"%s\" is not one that is written", kind ? kind : "");
}

static bool set_body(struct call *c, const char *body, size_t n, struct err *err)
{
	if (n > MAX_BODY)
		return err_set(err, ERR_LIMIT,
			"the object has %zu bytes as JSON, the API server takes %d", n, MAX_BODY);
	c->request.body = body;
	c->request.body_n = n;
	return true;
}

/* ---- get ---- */

static void prepare_get(struct arena *mem, const struct object *o, struct call *c)
{
	*c = (struct call){ .verb = VERB_GET,
		.request = { .method = "GET", .max_response = STREAM_MAX_TEXT } };
	if (!path_object(mem, o->ref, NULL, &c->request.path, &c->err))
		c->request.path = NULL;
}

/* What is missing is named; of a kind that is not served the server knows no such path. */
static bool names_the_missing(struct arena *a, const struct call *c)
{
	struct err ignored = { .code = ERR_NONE };
	const struct json *v = c->body.ptr ? json_parse(a, c->body.ptr, c->body.n, &ignored) : NULL;

	return !str_empty(json_str(json_path(v, "details", "name", NULL)));
}

/* A name that no object can have came from a user's text and is that of a missing object. */
static bool finish_get(struct arena *a, struct object *o, const struct call *c, struct err *err)
{
	if (c->status == 404 || (c->status == 0 && c->err.code == ERR_INVALID)) {
		o->json = NULL;
		o->no_kind = c->status == 404 && !names_the_missing(a, c);
		return true;
	}
	return call_ok(c, err) && parse_answer(a, c, &o->json, err);
}

static bool get(void *self, struct arena *a, struct object *objects, size_t n, struct err *err)
{
	AUTO(arena_auto) struct arena *mem = arena_new();
	struct call *calls = arena_alloc(mem, (n + 1) * sizeof(*calls));
	bool ok = true;

	for (size_t i = 0; i < n; i++)
		prepare_get(mem, &objects[i], &calls[i]);
	calls_run(self, calls, n);
	for (size_t i = 0; i < n && ok; i++)
		ok = finish_get(a, &objects[i], &calls[i], err) ||
		     err_wrap(err, "get %s", ref_text(mem, objects[i].ref));
	calls_free(calls, n);
	return ok;
}

static bool list(
	void *self, struct arena *a, const struct kube_query *q, struct vec *ret, struct err *err)
{
	return list_all(self, a, q, ret, err);
}

/* ---- apply ---- */

static bool prepare_apply(
	struct arena *mem, const struct kube_apply *x, struct call *c, struct err *err)
{
	const char *object;
	const char *body;
	const struct ref r = ref_of(x->body);
	struct str path;
	size_t n;

	if (!check_kind(r, x->body, err) ||
		!path_object(mem, r, x->status ? "status" : NULL, &object, err))
		return false;
	path = path_begin(mem, object);
	path_query(&path, "fieldManager", x->manager);
	path_query(&path, "force", x->force ? "true" : "false");
	c->request.path = path.ptr;
	body = body_for_apply(mem, x->body, &n);
	return str_ok(&path, "path", err) && set_body(c, body, n, err);
}

/* The first error is reported, but all calls are made and all results taken. */
static bool apply(
	void *self, struct arena *a, struct kube_apply *applies, size_t n, struct err *err)
{
	AUTO(arena_auto) struct arena *mem = arena_new();
	struct call *calls = arena_alloc(mem, (n + 1) * sizeof(*calls));
	bool ok = true;

	for (size_t i = 0; i < n; i++) {
		applies[i].live = NULL;
		calls[i] = (struct call){ .verb = VERB_APPLY,
			.request = { .method = "PATCH",
				.content_type = "application/apply-patch+yaml",
				.max_response = STREAM_MAX_TEXT } };
		(void)prepare_apply(mem, &applies[i], &calls[i], &calls[i].err);
	}
	calls_run(self, calls, n);
	for (size_t i = 0; i < n; i++) {
		struct kube_apply *x = &applies[i];
		struct err own;

		if ((call_ok(&calls[i], &own) && parse_answer(a, &calls[i], &x->live, &own)) || !ok)
			continue;
		*err = own;
		ok = err_wrap(err, "apply %s%s", ref_text(mem, ref_of(x->body)),
			x->status ? " status" : "");
	}
	calls_free(calls, n);
	return ok;
}

/* ---- create, remove ---- */

static bool run_one(
	struct kube *k, struct arena *a, struct call *c, const struct json **ret, struct err *err)
{
	bool ok;

	calls_run(k, c, 1);
	ok = call_ok(c, err) && (!ret || parse_answer(a, c, ret, err));
	calls_free(c, 1);
	return ok;
}

static bool create(void *self, struct arena *a, const struct json *body, const char *manager,
	const struct json **ret_live, struct err *err)
{
	AUTO(arena_auto) struct arena *mem = arena_new();
	struct call c = { .verb = VERB_CREATE,
		.request = { .method = "POST",
			.content_type = json_type,
			.max_response = STREAM_MAX_TEXT } };
	const char *collection;
	const char *text;
	const struct json *live = NULL;
	const struct ref r = ref_of(body);
	struct str path;

	if (!check_kind(r, body, err) ||
		!path_collection(mem, r.kind, r.ns ? r.ns : "", &collection, err))
		return err_wrap(err, "create");
	path = path_begin(mem, collection);
	path_query(&path, "fieldManager", manager);
	c.request.path = path.ptr;
	text = json_text(mem, body);
	if (!str_ok(&path, "path", err) || !set_body(&c, text, strlen(text), err) ||
		!run_one(self, a, &c, &live, err))
		return err_wrap(err, "create %s", ref_text(mem, r));
	if (ret_live)
		*ret_live = live;
	return true;
}

static bool delete (void *self, struct arena *a, struct ref ref, const char *uid, struct err *err)
{
	AUTO(arena_auto) struct arena *mem = arena_new();
	struct call c = { .verb = VERB_DELETE,
		.request = { .method = "DELETE",
			.content_type = json_type,
			.max_response = STREAM_MAX_TEXT } };
	struct json *options = json_format(
		mem, "{'apiVersion':'v1','kind':'DeleteOptions','propagationPolicy':'Background'}");

	if (uid)
		json_set_str(mem, json_sub(mem, options, "preconditions"), "uid", uid);
	c.request.body = json_text(mem, options);
	c.request.body_n = strlen(c.request.body);
	if (!path_object(mem, ref, NULL, &c.request.path, err))
		return err_wrap(err, "delete");
	return run_one(self, a, &c, NULL, err) || err->code == ERR_NOT_FOUND ||
	       err_wrap(err, "delete %s", ref_text(mem, ref));
}

struct kube_ops kube_ops(struct kube *k)
{
	return (struct kube_ops){ .self = k,
		.get = get,
		.list = list,
		.apply = apply,
		.create = create,
		.remove = delete };
}
