/* The command line: flags as a table, for parsing and for --help.
 *
 * `-n` means what the user of kubectl or of the original apictl expects: after a name it is the
 * namespace (`add api shop -n demo`), without one it is the name (`add api -n shop`). A long dash
 * in front of a word, as it gets into a line that was copied from a web page, counts as two
 * hyphens.
 */
#ifndef APICTL_ARGS_H
#define APICTL_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/vec.h"

struct arena;
struct err;

/* Which flags a command knows. --kubeconfig, --context and --help are known to all. */
enum flag {
	FLAG_NAME = 1 << 0,
	FLAG_NAMESPACE = 1 << 1,
	FLAG_FILE = 1 << 2,
	FLAG_REPLICAS = 1 << 3,
	FLAG_OVERRIDE = 1 << 4,
	FLAG_MODE = 1 << 5,
	FLAG_ALL_NAMESPACES = 1 << 6,
	FLAG_EVERYWHERE = 1 << 7,
};

struct args {
	const char *name; /* of the API; NULL if none was given */
	struct vec names; /* const char *: all positional arguments */
	const char *ns;	  /* NULL: that of the kubeconfig */
	struct vec files; /* const char * */
	int64_t replicas; /* -1: not given */
	const char *mode;
	const char *kubeconfig;
	const char *context;
	bool override;
	bool all_namespaces;
	bool help;
};

/* Reads argv[0..argc-1], all of it behind the command's words. ERR_INVALID says which word is
 * wrong. Texts are borrowed from argv or live in the arena. */
bool args_parse(struct arena *a, int argc, char **argv, unsigned int flags, struct args *ret,
	struct err *err) MUST_CHECK;

/* The lines of --help that describe `flags`. */
void args_print_help(unsigned int flags);

#endif
