#include "lib/kube/feed.h"

#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/kube/client.h"
#include "lib/kube/list.h"
#include "lib/kube/path.h"
#include "lib/kube/status.h"
#include "lib/kube/wire.h"

enum {
	MAX_WAITING = 2 * STREAM_MAX_TEXT, /* bytes between two turns */
	HTTP_NOT_FOUND = 404,
	HTTP_GONE = 410,
	HTTP_OK = 200,
	SHORT_STREAM_US = 1000 * 1000,
};

const struct feed_tuning feed_default_tuning = {
	.stream_s = 300,
	.silence_ms = 150 * 1000,
	.list_ms = 60 * 1000,
	.pause_ms = 100,
	.longest_pause_ms = 5000,
	.absent_ms = 30 * 1000,
	.page = LIST_PAGE,
};

static const char list_accept[] =
	"application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
static const char stream_accept[] = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

/* ---- delivering ---- */

static void deliver(struct feed *f, enum watch_event event, const struct json *object)
{
	f->delivered++;
	f->fn(f->arg, f->index, event, object, f->version);
}

static bool set_version(struct feed *f, const char *version, struct err *err)
{
	if (!version || strlen(version) == 0 || strlen(version) >= sizeof(f->version))
		return err_set(
			err, ERR_INVALID, "metadata.resourceVersion: is missing or too long");
	memcpy(f->version, version, strlen(version) + 1);
	return true;
}

static bool on_item(void *arg, const char *text, size_t n, struct err *err)
{
	struct feed *f = arg;
	struct json *object = json_parse(f->arena, text, n, err);

	if (object) {
		list_complete(f->arena, object, f->spec.kind);
		deliver(f, WATCH_UPSERT, object);
	}
	arena_reset(f->arena);
	return object != NULL;
}

/* The server says why it ends the stream. */
static bool on_error(const struct json *object, struct err *err)
{
	const char *message = json_get_str(object, "message");

	return err_set(err, status_code(status_of(object)), "the stream was ended: %s",
		message ? message : "no message");
}

/* A version from the past: the server's store was set back, what we know may never have happened.
 */
static bool advance(struct feed *f, const struct json *object, struct err *err)
{
	const char *version = meta_version(object);

	if (version && version_before(version, f->version))
		return err_set(err, ERR_UNAVAILABLE, "the server went back from version %s to %s",
			f->version, version);
	return set_version(f, version, err);
}

static bool on_event(struct feed *f, struct json *line, struct err *err)
{
	const char *type = json_get_str(line, "type");
	struct json *object = json_sub(f->arena, line, "object");

	if (str_eq(type, "ERROR"))
		return on_error(object, err);
	if (!advance(f, object, err))
		return false;
	f->failures = 0;
	if (str_eq(type, "BOOKMARK"))
		return true;
	list_complete(f->arena, object, f->spec.kind);
	deliver(f, str_eq(type, "DELETED") ? WATCH_DELETE : WATCH_UPSERT, object);
	return true;
}

static bool on_line(void *arg, const char *text, size_t n, struct err *err)
{
	struct feed *f = arg;
	struct json *line = json_parse(f->arena, text, n, err);
	bool ok = false;

	if (line && !json_is_object(line))
		err_set(err, ERR_INVALID, "an event that is not an object");
	else if (line)
		ok = on_event(f, line, err);
	arena_reset(f->arena);
	return ok;
}

/* ---- requests ---- */

static void stop(struct feed *f)
{
	exchange_free(f->exchange);
	f->exchange = NULL;
	lines_free(&f->lines);
	items_free(&f->items);
}

static void set_token(struct feed *f, const char *token)
{
	free(f->token);
	f->token = NULL;
	if (!token || !*token)
		return;
	f->token = strdup(token);
	if (!f->token)
		abort();
}

static void begin_list(struct feed *f)
{
	stop(f);
	f->state = FEED_LIST;
	f->begun = false;
	set_token(f, NULL);
}

static uint64_t random_below(struct feed *f, uint64_t n)
{
	return f->kube->clock.random(f->kube->clock.self) % n;
}

/* The same step again, later: pauses double, and no two watchers return at the same moment. */
static void pause_feed(struct feed *f, int at_least_s)
{
	const struct feed_tuning *t = f->tuning;
	int64_t ms = (int64_t)t->pause_ms << (f->failures < 16 ? f->failures : 16);

	if (ms > t->longest_pause_ms)
		ms = t->longest_pause_ms;
	ms -= (int64_t)random_below(f, (uint64_t)ms / 2 + 1);
	if (ms < at_least_s * 1000LL)
		ms = at_least_s * 1000LL;
	f->failures++;
	f->due_us = kube_now_us(f->kube) + ms * 1000;
}

static void fail(struct feed *f, const struct err *err, bool from_scratch)
{
	int retry_after_s = f->exchange ? f->exchange->retry_after_s : 0;

	f->trouble = *err;
	err_wrap(&f->trouble, "%s %s", f->state == FEED_LIST ? "list" : "watch",
		kind_info(f->spec.kind)->plural);
	stop(f);
	if (from_scratch)
		begin_list(f);
	pause_feed(f, retry_after_s);
}

static bool stream_path(struct feed *f, struct arena *mem, const char **ret, struct err *err)
{
	int spread = f->tuning->stream_s / 2;
	int seconds = f->tuning->stream_s - spread / 2 + (int)random_below(f, (uint64_t)spread + 1);
	const char *collection;
	struct str path;

	if (!path_collection(mem, f->spec.kind, NULL, &collection, err))
		return false;
	path = path_begin(mem, collection);
	path_query(&path, "watch", "true");
	path_query(&path, "allowWatchBookmarks", "true");
	path_query(&path, "timeoutSeconds", arena_printf(mem, "%d", seconds));
	path_query(&path, "resourceVersion", f->version);
	path_query(&path, "labelSelector", f->spec.selector);
	*ret = path.ptr;
	return str_ok(&path, "path", err);
}

static void start(struct feed *f)
{
	AUTO(arena_auto) struct arena *mem = arena_new();
	const bool listing = f->state == FEED_LIST;
	struct request r = { .method = "GET",
		.max_response = MAX_WAITING,
		.timeout_ms = listing ? f->tuning->list_ms : 0 };
	struct err err;

	if (listing && !f->begun) {
		f->begun = true;
		deliver(f, WATCH_RELIST, NULL);
	}
	if (f->spec.metadata_only)
		r.accept = listing ? list_accept : stream_accept;
	if (!(listing ? list_path(mem,
				&(struct kube_query){
					.kind = f->spec.kind, .labels = f->spec.selector },
				f->tuning->page, f->token, &r.path, &err)
		      : stream_path(f, mem, &r.path, &err))) {
		fail(f, &err, true);
		return;
	}
	lines_init(&f->lines, STREAM_MAX_TEXT, on_line, f);
	items_init(&f->items, STREAM_MAX_TEXT, on_item, f);
	f->exchange = wire_start(f->wire, &r);
	f->begun_us = kube_now_us(f->kube);
	f->heard_us = f->begun_us;
}

/* ---- answers ---- */

static bool take(struct feed *f, struct err *err)
{
	struct buffer *b = &f->exchange->body;
	bool ok;

	if (b->n == 0)
		return true;
	f->heard_us = kube_now_us(f->kube);
	ok = f->state == FEED_LIST ? items_feed(&f->items, b->ptr, b->n, err)
				   : lines_feed(&f->lines, b->ptr, b->n, err);
	buffer_clear(b);
	return ok;
}

static bool read_envelope(struct feed *f, struct err *err)
{
	const struct json *list;
	const struct json *meta;
	bool ok;

	if (!items_end(&f->items, err))
		return false;
	list = json_parse(f->arena, f->items.envelope.ptr, f->items.envelope.n, err);
	meta = json_get(list, "metadata");
	ok = list && set_version(f, json_get_str(meta, "resourceVersion"), err);
	if (ok)
		set_token(f, json_get_str(meta, "continue"));
	arena_reset(f->arena);
	return ok;
}

static void end_page(struct feed *f)
{
	struct err err;

	if (!read_envelope(f, &err)) {
		fail(f, &err, true);
		return;
	}
	stop(f);
	f->due_us = 0;
	if (f->token)
		return;
	f->state = FEED_STREAM;
	f->synced = true;
	deliver(f, WATCH_SYNCED, NULL);
}

/* Streams end after the time that we asked for; one that ends at once is trouble, or we would turn
 * in circles. */
static void end_stream(struct feed *f)
{
	struct err err;

	if (kube_now_us(f->kube) - f->begun_us < SHORT_STREAM_US) {
		err_set(&err, ERR_UNAVAILABLE, "the stream ended as soon as it began");
		fail(f, &err, false);
		return;
	}
	stop(f);
	f->due_us = 0;
}

/* What the answer's status says about the version or the page that we asked for. */
static bool must_begin_anew(const struct feed *f, int status)
{
	enum err_code code = status_code(status);

	if (status == HTTP_GONE)
		return true;
	return f->state == FEED_STREAM && (code == ERR_INVALID || code == ERR_NOT_FOUND);
}

/* Of a kind that is not served there are no objects. */
static void absent(struct feed *f)
{
	begin_list(f);
	f->trouble.code = ERR_NONE;
	f->failures = 0;
	f->synced = true;
	deliver(f, WATCH_SYNCED, NULL);
	f->due_us = kube_now_us(f->kube) + f->tuning->absent_ms * 1000LL;
}

static void refused(struct feed *f)
{
	const struct exchange *x = f->exchange;
	struct err err;

	if (f->spec.optional && f->state == FEED_LIST && x->status == HTTP_NOT_FOUND) {
		absent(f);
		return;
	}
	if (x->status == 401)
		(void)token_refused(&f->kube->token, kube_now_us(f->kube));
	status_err(x->status, x->body.ptr, x->body.n, &err);
	fail(f, &err, must_begin_anew(f, x->status));
}

static void end(struct feed *f)
{
	const struct exchange *x = f->exchange;

	stats_count(&f->kube->stats, f->state == FEED_LIST ? VERB_LIST : VERB_WATCH,
		x->err.code == ERR_NONE ? x->status : 0);
	if (x->err.code != ERR_NONE) {
		struct err err = x->err;

		fail(f, &err, err.code == ERR_LIMIT);
	} else if (x->status != HTTP_OK) {
		refused(f);
	} else if (f->state == FEED_LIST) {
		end_page(f);
	} else {
		end_stream(f);
	}
}

static void check_silence(struct feed *f)
{
	struct err err;

	if (f->state != FEED_STREAM ||
		kube_now_us(f->kube) - f->heard_us < f->tuning->silence_ms * 1000LL)
		return;
	err_set(&err, ERR_TIMEOUT, "silent for %d s, not even a bookmark",
		f->tuning->silence_ms / 1000);
	fail(f, &err, true);
}

static void advance_exchange(struct feed *f)
{
	struct err err;

	if (f->exchange->status == HTTP_OK) {
		f->trouble.code = ERR_NONE;
		if (!take(f, &err)) {
			fail(f, &err, true);
			return;
		}
	}
	if (f->exchange->done)
		end(f);
	else
		check_silence(f);
}

unsigned int feed_step(struct feed *f)
{
	f->delivered = 0;
	if (f->exchange)
		advance_exchange(f);
	if (f->restart) {
		f->restart = false;
		if (f->state == FEED_STREAM) {
			begin_list(f);
			f->due_us = 0;
		}
	}
	if (!f->exchange && kube_now_us(f->kube) >= f->due_us)
		start(f);
	return f->delivered;
}

int64_t feed_due_us(const struct feed *f)
{
	if (f->restart)
		return 0;
	if (!f->exchange)
		return f->due_us;
	return f->state == FEED_STREAM ? f->heard_us + f->tuning->silence_ms * 1000LL : INT64_MAX;
}

void feed_init(struct feed *f)
{
	f->state = FEED_LIST;
}

void feed_fini(struct feed *f)
{
	stop(f);
	set_token(f, NULL);
}
