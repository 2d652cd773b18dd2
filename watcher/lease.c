#include "watcher/lease.h"

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

#define LEASE_NAME "apim-watcher"

static const char manager[] = "watcher";

enum {
	US_PER_S = 1000000
};

static int64_t now_us(const struct lease *l)
{
	return l->clock.monotonic_us(l->clock.self);
}

void lease_init(struct lease *l, struct kube_ops kube, struct clock_ops clock, const char *ns,
	const char *identity)
{
	*l = (struct lease){ .kube = kube, .clock = clock, .ns = ns, .identity = identity };
}

bool lease_leads(const struct lease *l)
{
	return l->leading;
}

/* ---- the object ---- */

/* Kubernetes' MicroTime. */
static const char *micro_time(const struct lease *l, struct arena *a)
{
	int64_t ms = l->clock.now_ms(l->clock.self);
	const char *seconds = clock_rfc3339(a, ms);

	return arena_printf(
		a, "%.*s.%03d000Z", (int)strlen(seconds) - 1, seconds, (int)(ms % 1000));
}

static const struct json *spec_of(const struct json *lease)
{
	return json_get(lease, "spec");
}

static struct json *lease_json(
	const struct lease *l, struct arena *a, const struct json *before, const char *version)
{
	const char *holder = json_get_str(spec_of(before), "holderIdentity");
	int64_t transitions = json_get_int(spec_of(before), "leaseTransitions", 0);
	const char *acquired = json_get_str(spec_of(before), "acquireTime");
	const char *now = micro_time(l, a);
	bool ours = str_eq(holder, l->identity);

	return json_prune(json_format(a,
		"{'apiVersion':'coordination.k8s.io/v1','kind':'Lease',"
		"'metadata':{'name':'" LEASE_NAME "','namespace':%s,'resourceVersion':%s},"
		"'spec':{'holderIdentity':%s,'leaseDurationSeconds':%d,'acquireTime':%s,"
		"'renewTime':%s,'leaseTransitions':%l}}",
		l->ns, version, l->identity, LEASE_DURATION_S, ours && acquired ? acquired : now,
		now, before && !ours ? transitions + 1 : transitions));
}

static void remember(char to[64], const struct json *lease)
{
	const char *version = meta_version(lease);

	(void)snprintf(to, 64, "%s", version ? version : "");
}

/* ---- taking and keeping ---- */

static void hold(struct lease *l, const struct json *live, int64_t begun_us)
{
	remember(l->version, live);
	l->leading = true;
	l->renewed_us = begun_us;
	l->due_us = begun_us + (int64_t)LEASE_RENEW_S * US_PER_S;
}

static bool write_lease(struct lease *l, struct arena *a, const struct json *before,
	const char *version, struct err *err)
{
	struct kube_apply apply = {
		.body = lease_json(l, a, before, version), .manager = manager, .force = true
	};
	int64_t begun_us = now_us(l);

	if (!l->kube.apply(l->kube.self, a, &apply, 1, err))
		return false;
	hold(l, apply.live, begun_us);
	return true;
}

static bool create_lease(struct lease *l, struct arena *a, struct err *err)
{
	const struct json *live = NULL;
	int64_t begun_us = now_us(l);

	if (!l->kube.create(l->kube.self, a, lease_json(l, a, NULL, NULL), manager, &live, err))
		return false;
	hold(l, live, begun_us);
	return true;
}

/* Nobody's, ours from an earlier life of this pod, or not renewed for as long as we have been
 * looking. */
static bool is_free(struct lease *l, const struct json *lease)
{
	const char *holder = json_get_str(spec_of(lease), "holderIdentity");

	if (str_empty(holder) || str_eq(holder, l->identity))
		return true;
	if (!str_eq(l->seen, meta_version(lease))) {
		remember(l->seen, lease);
		l->seen_us = now_us(l);
	}
	return now_us(l) - l->seen_us >= (int64_t)LEASE_DURATION_S * US_PER_S;
}

/* Somebody was faster: that is no trouble. */
static bool taken(struct lease *l, bool ok, const struct err *failure, struct err *err)
{
	if (ok || failure->code == ERR_CONFLICT)
		return true;
	l->due_us = now_us(l) + (int64_t)LEASE_RETRY_S * US_PER_S;
	*err = *failure;
	return err_wrap(err, "take Lease " LEASE_NAME);
}

static bool try_to_take(struct lease *l, struct arena *a, struct err *err)
{
	struct object o = { .ref = { KIND_LEASE, l->ns, LEASE_NAME } };
	struct err failure = { .code = ERR_NONE };

	l->due_us = now_us(l) + (int64_t)LEASE_LOOK_S * US_PER_S;
	if (!l->kube.get(l->kube.self, a, &o, 1, err))
		return err_wrap(err, "read Lease " LEASE_NAME);
	if (!o.json)
		return taken(l, create_lease(l, a, &failure), &failure, err);
	if (!is_free(l, o.json))
		return true;
	return taken(l, write_lease(l, a, o.json, meta_version(o.json), &failure), &failure, err);
}

/* A conflict means that somebody else wrote the Lease: look whose it is now. */
static bool renew(struct lease *l, struct arena *a, struct err *err)
{
	struct object o = { .ref = { KIND_LEASE, l->ns, LEASE_NAME } };
	struct err failure = { .code = ERR_NONE };

	if (!l->kube.get(l->kube.self, a, &o, 1, err))
		return false;
	if (o.json && str_eq(json_get_str(spec_of(o.json), "holderIdentity"), l->identity) &&
		write_lease(l, a, o.json, meta_version(o.json), &failure))
		return true;
	if (failure.code != ERR_NONE && failure.code != ERR_CONFLICT) {
		*err = failure;
		return false;
	}
	l->leading = false;
	l->due_us = now_us(l);
	return true;
}

static bool keep(struct lease *l, struct arena *a, struct err *err)
{
	if (renew(l, a, err))
		return true;
	l->due_us = now_us(l) + (int64_t)LEASE_RETRY_S * US_PER_S;
	if (now_us(l) - l->renewed_us >= (int64_t)LEASE_DEADLINE_S * US_PER_S)
		l->leading = false;
	return err_wrap(err, "renew Lease " LEASE_NAME);
}

bool lease_step(struct lease *l, struct arena *a, struct err *err)
{
	if (now_us(l) < l->due_us)
		return true;
	l->trouble = !(l->leading ? keep(l, a, err) : try_to_take(l, a, err));
	return !l->trouble;
}

void lease_release(struct lease *l, struct arena *a)
{
	struct kube_apply apply = { .manager = manager, .force = true };
	struct err ignored = { .code = ERR_NONE };

	if (!l->leading)
		return;
	l->leading = false;
	apply.body = json_format(a,
		"{'apiVersion':'coordination.k8s.io/v1','kind':'Lease',"
		"'metadata':{'name':'" LEASE_NAME "','namespace':%s,'resourceVersion':%s},"
		"'spec':{'holderIdentity':'','leaseDurationSeconds':1,'renewTime':%s}}",
		l->ns, l->version, micro_time(l, a));
	/* If it fails, the others wait until it expires. */
	(void)!l->kube.apply(l->kube.self, a, &apply, 1, &ignored);
}
