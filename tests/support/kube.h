/* A client of the API server that tests/integration/with-apiserver.sh runs for us. */
#ifndef TESTS_SUPPORT_KUBE_H
#define TESTS_SUPPORT_KUBE_H

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/kube/kube.h"
#include "tests/support/unit.h"

struct fixture {
	struct arena *a;
	struct kube *kube;
	struct kube_ops ops;
	struct err err;
};

/* Namespace "wso2-system" and the kinds of deploy/crds, by kubectl; returns when they are served.
 */
void define_kinds(void);

/* The state is a fixture. */
int client_begin(void **state);
int client_end(void **state);

#define ok(f, call)                                                                                \
	do {                                                                                       \
		if (!(call))                                                                       \
			fail_msg("%s: %s", #call, (f)->err.msg);                                   \
	} while (0)

#define fails(f, call, expected)                                                                   \
	do {                                                                                       \
		assert_false(call);                                                                \
		if ((f)->err.code != (expected))                                                   \
			fail_msg(                                                                  \
				"%s: %s (%s)", #call, (f)->err.msg, err_code_name((f)->err.code)); \
	} while (0)

#endif
