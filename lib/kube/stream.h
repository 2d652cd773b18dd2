/* Cuts what an API server sends into the texts of single objects, however the network has chopped
 * it up.
 *
 * `lines` is a watch: one JSON text per line. `items` is a list: one JSON object whose member
 * "items" may be longer than we want to hold, so its elements are handed out one by one and the
 * rest of the object, its envelope, is kept. Neither checks JSON beyond what finding the cuts
 * needs: json_parse does that for each text. Memory is bounded by one text.
 */
#ifndef LIB_KUBE_STREAM_H
#define LIB_KUBE_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/attr.h"
#include "lib/kube/buffer.h"

struct err;

enum {
	STREAM_MAX_TEXT =
		16 * 1024 * 1024, /* one object; etcd takes 1.5 MB, JSON may blow that up */
	STREAM_MAX_ENVELOPE = 1024 * 1024,
};

/* text lives until the call returns and is not NUL-terminated. False stops the stream. */
typedef bool stream_fn(void *arg, const char *text, size_t n, struct err *err);

struct lines {
	struct buffer partial;
	stream_fn *fn;
	void *arg;
};

void lines_init(struct lines *l, size_t max_text, stream_fn *fn, void *arg);
void lines_free(struct lines *l);

/* Calls fn for each line that is now complete; empty ones are skipped. ERR_LIMIT: a line is longer
 * than max_text. */
bool lines_feed(struct lines *l, const char *bytes, size_t n, struct err *err) MUST_CHECK;

struct items {
	struct buffer partial; /* of the element under way */
	struct buffer
		envelope;  /* the list without its elements, complete once items_end succeeds */
	struct buffer key; /* the member's name, while it is read */
	stream_fn *fn;
	void *arg;
	int depth;
	bool in_string;
	bool escaped;
	bool in_key;   /* inside the name of a member of the list object itself */
	bool want_key; /* the next string at depth 1 is a name */
	bool in_items; /* inside the array "items" */
	bool ended;
};

void items_init(struct items *it, size_t max_text, stream_fn *fn, void *arg);
void items_free(struct items *it);

/* Calls fn for each element that is now complete. ERR_INVALID: not an object with a list of
 * objects. */
bool items_feed(struct items *it, const char *bytes, size_t n, struct err *err) MUST_CHECK;

/* To be called when nothing more will come: ERR_INVALID if the object is incomplete. */
bool items_end(const struct items *it, struct err *err) MUST_CHECK;

#endif
