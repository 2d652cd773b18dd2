#include "lib/kube/list.h"

#include "lib/api/object.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/json/json.h"
#include "lib/kube/call.h"
#include "lib/kube/ops.h"
#include "lib/kube/path.h"
#include "lib/kube/stream.h"

enum {
	MAX_OBJECTS = 200 * 1000,
	HTTP_GONE = 410,
};

struct listing {
	struct kube *kube;
	struct arena *arena; /* of the result */
	const struct kube_query *query;
	struct vec found; /* struct object * */
	int limit;
	const char *token;
};

bool list_path(struct arena *a, const struct kube_query *q, int limit, const char *token,
	const char **ret, struct err *err)
{
	const char *collection;
	struct str path;

	if (!path_collection(a, q->kind, q->ns, &collection, err))
		return false;
	path = path_begin(a, collection);
	path_query(&path, "limit", arena_printf(a, "%d", limit));
	path_query(&path, "labelSelector", q->labels);
	path_query(&path, "fieldSelector", q->fields);
	path_query(&path, "continue", str_empty(token) ? NULL : token);
	/* "Any version will do", which a later page cannot say. */
	path_query(&path, "resourceVersion", q->recent && str_empty(token) ? "0" : NULL);
	*ret = path.ptr;
	return str_ok(&path, "path", err);
}

void list_complete(struct arena *a, struct json *object, enum kind kind)
{
	json_set_str(a, object, "apiVersion", kind_info(kind)->api_version);
	json_set_str(a, object, "kind", kind_in_manifests(kind));
}

static bool on_item(void *arg, const char *text, size_t n, struct err *err)
{
	struct listing *l = arg;
	struct json *v = json_parse(l->arena, text, n, err);
	struct object *o;

	if (!v)
		return false;
	if (l->found.n == MAX_OBJECTS)
		return err_set(err, ERR_LIMIT, "more than %d objects", MAX_OBJECTS);
	list_complete(l->arena, v, l->query->kind);
	o = arena_alloc(l->arena, sizeof(*o));
	o->ref = ref_of(v);
	o->json = v;
	vec_add(l->arena, &l->found, o);
	return true;
}

/* Takes the objects of a page and notes where the next begins. */
static bool read_page(struct listing *l, const struct call *c, struct err *err)
{
	AUTO(arena_auto) struct arena *mem = arena_new();
	AUTO(items_free) struct items it;
	const struct json *envelope;

	items_init(&it, STREAM_MAX_TEXT, on_item, l);
	if (!items_feed(&it, c->body.ptr ? c->body.ptr : "", c->body.n, err) ||
		!items_end(&it, err))
		return false;
	envelope = json_parse(mem, it.envelope.ptr, it.envelope.n, err);
	if (!envelope)
		return false;
	l->token = arena_dup(l->arena, json_str(json_path(envelope, "metadata", "continue", NULL)));
	return true;
}

/* A page that is too large for one answer is asked for in smaller pieces. */
static bool fetch_page(struct listing *l, int *ret_status, struct err *err)
{
	AUTO(arena_auto) struct arena *mem = arena_new();
	struct call c = { .verb = VERB_LIST,
		.request = { .method = "GET", .max_response = JSON_MAX_TEXT } };
	bool ok;

	if (!list_path(mem, l->query, l->limit, l->token, &c.request.path, err))
		return false;
	calls_run(l->kube, &c, 1);
	*ret_status = c.status;
	ok = call_ok(&c, err) && read_page(l, &c, err);
	calls_free(&c, 1);
	if (!ok && err->code == ERR_LIMIT && c.status == 0 && l->limit > 1) {
		l->limit = l->limit > 10 ? l->limit / 10 : 1;
		return fetch_page(l, ret_status, err);
	}
	return ok;
}

static bool fetch_all(struct listing *l, struct err *err)
{
	bool restarted = false;
	int status = 0;

	for (;;) {
		if (fetch_page(l, &status, err)) {
			if (str_empty(l->token))
				return true;
			continue;
		}
		if (status != HTTP_GONE || restarted)
			return false;
		/* The server forgot the version that our pages belong to. */
		restarted = true;
		l->token = NULL;
		l->found.n = 0;
	}
}

bool list_all(struct kube *k, struct arena *a, const struct kube_query *q, struct vec *ret,
	struct err *err)
{
	struct listing l = { .kube = k, .arena = a, .query = q, .limit = LIST_PAGE };

	if (!fetch_all(&l, err))
		return err_wrap(err, "list %s", kind_info(q->kind)->plural);
	vec_foreach (struct object *, o, &l.found)
		vec_add(a, ret, o);
	return true;
}
