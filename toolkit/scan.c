#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "toolkit/issuer.h"
#include "toolkit/model.h"

/* Names as they are found, with repetitions. */
struct found {
	struct vec securities;
	struct vec schemes;
	struct vec endpoints;
	struct vec tiers;
};

static void add(struct arena *a, struct vec *list, const char *name)
{
	/* Neighbours mostly name the same things. */
	if (list->n == 0 || !str_eq(list->at[list->n - 1], name))
		vec_add(a, list, arena_dup(a, name));
}

static void add_operation(struct arena *a, const struct model_operation *op, struct found *f,
	struct toolkit_scan *ret)
{
	if (op->tier.name && !str_eq(op->tier.name, "Unlimited"))
		add(a, &f->tiers, op->tier.name);
	if (!op->secured)
		return;
	if (!op->security || op->security->names.n == 0) {
		ret->needs_default_security = true;
		return;
	}
	vec_foreach (const struct model_name *, n, &op->security->names) {
		add(a, n->scheme ? &f->schemes : &f->securities, n->name);
		if (scheme_means_default(n->scheme))
			ret->needs_default_security = true;
	}
}

static int by_text(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static struct toolkit_names names(struct arena *a, const struct vec *list)
{
	const char **sorted = arena_alloc(a, (list->n + 1) * sizeof(*sorted));
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++)
		sorted[i] = list->at[i];
	if (list->n > 1)
		qsort(sorted, list->n, sizeof(*sorted), by_text);
	for (size_t i = 0; i < list->n; i++)
		if (n == 0 || !str_eq(sorted[n - 1], sorted[i]))
			sorted[n++] = sorted[i];
	return (struct toolkit_names){ .at = sorted, .n = n };
}

static void add_model(
	struct arena *a, const struct model *m, struct found *f, struct toolkit_scan *ret)
{
	ret->documents[ret->n_documents++] = (struct toolkit_scanned){
		.document = m->reader.document,
		.title = m->title,
		.version = m->version,
		.mode = m->mode,
		.base_path = m->base_path,
	};
	ret->has_interceptors = ret->has_interceptors || m->has_interceptors;
	if (m->transport.client_cert != CLIENT_CERT_NONE)
		ret->asks_for_client_certificates = true;
	if (m->tier.name && !str_eq(m->tier.name, "Unlimited"))
		add(a, &f->tiers, m->tier.name);
	vec_foreach (const struct model_target *, t, &m->targets)
		if (t->name)
			add(a, &f->endpoints, t->name);
	vec_foreach (const struct model_path *, p, &m->paths)
		vec_foreach (const struct model_operation *, op, &p->operations)
			add_operation(a, op, f, ret);
}

void toolkit_scan(struct arena *a, const struct toolkit_document *documents, size_t n,
	struct toolkit_scan *ret)
{
	struct found f = { 0 };

	*ret = (struct toolkit_scan){ 0 };
	ret->documents = arena_alloc(a, (n + 1) * sizeof(*ret->documents));
	for (size_t i = 0; i < n && i < TOOLKIT_MAX_DOCUMENTS; i++) {
		struct model *m = model_read(a, &documents[i], &ret->diagnostics);

		if (m)
			add_model(a, m, &f, ret);
	}
	ret->securities = names(a, &f.securities);
	ret->schemes = names(a, &f.schemes);
	ret->endpoints = names(a, &f.endpoints);
	ret->tiers = names(a, &f.tiers);
}
