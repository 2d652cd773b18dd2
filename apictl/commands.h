/* The commands: each reads its flags, speaks to the API server through `cli`, and prints what a
 * user of kubectl expects.
 *
 * A command checks all it can before it changes anything. False means that it failed: err says why
 * and what to do; its code chooses the words around it (main.c).
 */
#ifndef APICTL_COMMANDS_H
#define APICTL_COMMANDS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "apictl/args.h"
#include "lib/base/attr.h"
#include "lib/kube/ops.h"

struct arena;
struct err;

struct cli {
	struct arena *arena;
	struct kube_ops kube; /* unset for commands that need no cluster */
	const char *ns;	      /* of --namespace or the kubeconfig */
	FILE *out;
	int64_t now_s;
};

/* Makes ConfigMaps with the documents, then an API that names them. */
bool add_run(struct cli *cli, const struct args *args, struct err *err) MUST_CHECK;

/* Replaces the documents (and, when given, replicas or mode) of an API that exists. */
bool update_run(struct cli *cli, const struct args *args, struct err *err) MUST_CHECK;

/* Removes an API and the ConfigMaps that add_run made for it. */
bool delete_run(struct cli *cli, const struct args *args, struct err *err) MUST_CHECK;

/* Prints APIs as a table, all of a namespace or those named. */
bool get_run(struct cli *cli, const struct args *args, struct err *err) MUST_CHECK;

/* Stores the mode in the user's configuration; prints it when none is given. */
bool set_run(struct cli *cli, const struct args *args, struct err *err) MUST_CHECK;

/* True when `set --mode k8s` was said: what is not ours is for kubectl then. */
bool set_mode_is_kubernetes(struct arena *a);

/* Makes the passwords of the message bus, unless they exist. Idempotent, and safe to run twice at
 * once. */
bool system_init_run(struct cli *cli, const struct args *args, struct err *err) MUST_CHECK;

#endif
