#include "lib/msg/wake.h"

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "proto/wake.pb-c.h"

enum {
	MAX_LABEL = 63,	     /* RFC 1123 label: namespaces */
	MAX_SUBDOMAIN = 253, /* RFC 1123 subdomain: names */
	MAX_HINT = 128,	     /* uid, resourceVersion, traceparent */
};

/* ---- names ---- */

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Labels of lower-case letters, digits and inner dashes, separated by dots where `dots` allows
 * them. */
static bool is_dns_name(const char *text, size_t max, bool dots)
{
	size_t n = strlen(text);
	char before = '.';

	if (n == 0 || n > max)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = text[i];

		if (c == '.' && (!dots || !is_alnum(before)))
			return false;
		if (c == '-' && before == '.')
			return false;
		if (!is_alnum(c) && c != '-' && c != '.')
			return false;
		before = c;
	}
	return is_alnum(before);
}

static bool is_printable(const char *text, size_t max)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return n <= max;
}

/* ---- encoding ---- */

/* protobuf-c's generated structs are not const-correct; packing does not write to the strings. */
static char *text_or_empty(struct arena *a, const char *text)
{
	return arena_dup(a, text ? text : "");
}

static Apim__V1__ObjectRef *encode_ref(struct arena *a, struct ref ref)
{
	Apim__V1__ObjectRef *r = arena_alloc(a, sizeof(*r));

	apim__v1__object_ref__init(r);
	r->kind = text_or_empty(a, kind_info(ref.kind)->kind);
	r->namespace_ = text_or_empty(a, ref.ns);
	r->name = text_or_empty(a, ref.name);
	return r;
}

static void encode_moved(struct arena *a, const struct vec *moved, Apim__V1__Wake *m)
{
	size_t bytes = 0;

	m->moved = arena_alloc(a, WAKE_MAX_MOVED * sizeof(*m->moved));
	vec_foreach (const struct ref *, r, moved) {
		Apim__V1__ObjectRef *encoded = encode_ref(a, *r);

		bytes += apim__v1__object_ref__get_packed_size(encoded);
		if (m->n_moved == WAKE_MAX_MOVED || bytes > WAKE_MAX_BYTES / 2)
			return;
		m->moved[m->n_moved++] = encoded;
	}
}

void wake_encode(struct arena *a, const struct wake *w, const void **ret_bytes, size_t *ret_n)
{
	Apim__V1__Wake m;
	unsigned char *bytes;

	apim__v1__wake__init(&m);
	m.object = encode_ref(a, w->ref);
	m.uid = text_or_empty(a, w->uid);
	m.generation = w->generation;
	m.resource_version = text_or_empty(a, w->resource_version);
	m.cause = text_or_empty(a, w->cause);
	if (strlen(m.cause) > WAKE_MAX_CAUSE)
		m.cause[WAKE_MAX_CAUSE] = '\0';
	m.traceparent = text_or_empty(a, w->traceparent);
	m.system_mark = w->system_mark;
	encode_moved(a, &w->moved, &m);
	bytes = arena_alloc(a, apim__v1__wake__get_packed_size(&m));
	*ret_n = apim__v1__wake__pack(&m, bytes);
	*ret_bytes = bytes;
}

/* ---- decoding ---- */

static void *arena_take(void *arena, size_t n)
{
	return arena_alloc(arena, n);
}

static void arena_keep(void *arena, void *p)
{
	(void)arena;
	(void)p;
}

/* What moved may be all objects of a kind in a namespace. */
static bool decode_ref(const Apim__V1__ObjectRef *r, const char *what, bool all_names,
	struct ref *ret, struct err *err)
{
	if (!r)
		return err_set(err, ERR_INVALID, "%s: is missing", what);
	ret->kind = kind_by_name(r->kind);
	if (ret->kind == KIND_NONE)
		return err_set(err, ERR_INVALID, "%s.kind: is not a kind the operator knows", what);
	if (!is_dns_name(r->namespace_, MAX_LABEL, false))
		return err_set(err, ERR_INVALID, "%s.namespace: is not an RFC 1123 label", what);
	if (!is_dns_name(r->name, MAX_SUBDOMAIN, true) &&
		!(all_names && str_eq(r->name, ALL_NAMES)))
		return err_set(err, ERR_INVALID, "%s.name: is not an RFC 1123 subdomain", what);
	ret->ns = r->namespace_;
	ret->name = r->name;
	return true;
}

static bool decode_moved(struct arena *a, const Apim__V1__Wake *m, struct vec *ret, struct err *err)
{
	if (m->n_moved > WAKE_MAX_MOVED)
		return err_set(err, ERR_INVALID, "moved: has %zu entries, at most %d are expected",
			m->n_moved, WAKE_MAX_MOVED);
	for (size_t i = 0; i < m->n_moved; i++) {
		struct ref *r = arena_alloc(a, sizeof(*r));

		if (!decode_ref(m->moved[i], "moved", true, r, err))
			return false;
		vec_add(a, ret, r);
	}
	return true;
}

static bool check_hints(const Apim__V1__Wake *m, struct err *err)
{
	const struct {
		const char *name;
		const char *text;
		size_t max;
	} hints[] = {
		{ "uid", m->uid, MAX_HINT },
		{ "resource_version", m->resource_version, MAX_HINT },
		{ "traceparent", m->traceparent, MAX_HINT },
		{ "cause", m->cause, WAKE_MAX_CAUSE },
	};

	for (size_t i = 0; i < ARRAY_LEN(hints); i++)
		if (!is_printable(hints[i].text, hints[i].max))
			return err_set(err, ERR_INVALID,
				"%s: is not printable text of at most %zu characters",
				hints[i].name, hints[i].max);
	if (m->generation < 0)
		return err_set(err, ERR_INVALID, "generation: is negative");
	return true;
}

bool wake_decode(struct arena *a, const void *bytes, size_t n, struct wake *ret, struct err *err)
{
	ProtobufCAllocator into_arena = { arena_take, arena_keep, a };
	struct wake w = { 0 };
	Apim__V1__Wake *m;

	if (n > WAKE_MAX_BYTES)
		return err_set(err, ERR_INVALID, "wake: has %zu bytes, at most %d are expected", n,
			WAKE_MAX_BYTES);
	m = apim__v1__wake__unpack(&into_arena, n, n ? bytes : (const void *)"");
	if (!m)
		return err_set(err, ERR_INVALID, "wake: is not a protobuf message apim.v1.Wake");
	if (!decode_ref(m->object, "object", false, &w.ref, err) || !check_hints(m, err) ||
		!decode_moved(a, m, &w.moved, err))
		return false;
	w.uid = m->uid;
	w.generation = m->generation;
	w.resource_version = m->resource_version;
	w.cause = m->cause;
	w.traceparent = m->traceparent;
	w.system_mark = m->system_mark;
	*ret = w;
	return true;
}

/* ---- subjects ---- */

char *subject_token(struct arena *a, const char *name)
{
	char *token = arena_dup(a, name);

	for (char *c = token; *c; c++)
		if (*c == '.')
			*c = '_';
	return token;
}

char *subject_for(struct arena *a, const char *prefix, const char *ns, const char *name)
{
	return arena_printf(a, "%s.%s.%s", prefix, subject_token(a, ns), subject_token(a, name));
}
