/* Scripts of API authors that look at requests and responses and change them: Lua 5.4, in a box.
 *
 * A script is run anew for every request, with globals of its own that die with it: nothing is
 * remembered, nothing is shared. It reads what a view shows, and what it wants is a list of changes
 * that the caller carries out. Pure: no I/O, no random numbers; tables are walked in the order of
 * their keys, no address is ever seen, so equal views give equal changes.
 *
 * The box:
 *   - functions of Lua's that could reach the world, run other code, catch errors, hide from the
 *     bounds or attach to memory management are not there: io, os, package, debug, coroutine, load,
 *     pcall, setmetatable, collectgarbage, patterns (library.c has what is there);
 *   - steps: one per instruction of Lua's machine, more for functions that look at long texts; and
 *     processor time, where the caller has a clock;
 *   - memory: all that one run asks for, whether it is still in use or not, bodies included.
 * Whoever breaks a bound is ended: a script cannot go on from an error.
 *
 * A struct hooks is for one thread; scripts are compiled once.
 */
#ifndef GATEWAY_HOOK_HOOK_H
#define GATEWAY_HOOK_HOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/core/core.h"
#include "lib/base/attr.h"

struct arena;
struct err;
struct json;

enum {
	HOOK_MAX_HEADERS = 64,		/* that one request or response may have changed */
	HOOK_MAX_NAME = 128,		/* bytes of a header's name */
	HOOK_MAX_VALUE = 8 * 1024,	/* bytes of a header's value, and of a query */
	HOOK_MAX_VALUES = 16,		/* of one header */
	HOOK_MAX_BODY = 64 * 1024,	/* of an answer */
	HOOK_STEPS_PER_MS = 100 * 1000, /* what Lua does in about a millisecond */
};

struct hook_limits {
	uint32_t ms; /* of processor time, and HOOK_STEPS_PER_MS steps each */
	size_t kilobytes;
	uint64_t (*clock_ns)(void); /* processor time of this thread; NULL: steps alone count */
};

enum hook_phase {
	HOOK_REQUEST,
	HOOK_RESPONSE,
};

/* What a script sees. Texts that are empty are nil to it. */
struct hook_view {
	struct span method;
	struct span path; /* as the client sent it, without the query */
	struct span query;
	struct span client; /* its address */
	struct span id;
	struct span api;
	struct span version;
	struct span operation;
	struct span user;
	struct span application;
	bool sandbox;
	int status; /* of the response */

	/* Of the request, or of the response: one that the run's phase is about. */
	struct span body;
	size_t most_body;	 /* bytes of one that a script puts in its place */
	const char *body_hidden; /* why scripts cannot read it; NULL: they can */
	const char *body_fixed;	 /* why they cannot replace it; NULL: they can */

	/* By lower-case name, the first value; false when there is none, and for credentials. */
	bool (*header)(void *arg, const char *name, struct span *ret);
	bool (*response_header)(void *arg, const char *name, struct span *ret);
	/* Of a verified token; NULL: there is none. Asked for when a script wants to know. */
	const struct json *(*claims)(void *arg);
	/* Nobody but the gateway sets these. */
	bool (*is_reserved)(void *arg, const char *name);
	void *arg;
};

/* A header with other values, or with none: removed. */
struct hook_header {
	const char *name; /* as the script wrote it */
	const char *lower;
	struct span value[HOOK_MAX_VALUES];
	size_t n;
};

/* What scripts want, one after the other: a second one sees what the first one changed. */
struct hook_changes {
	struct hook_header *headers[HOOK_MAX_HEADERS]; /* of the request, or of the response */
	size_t n_headers;
	bool has_query;
	struct span query;
	bool has_body;
	struct span body;
	int status; /* of the response; 0: as it was */

	/* The request is answered by the gateway, and goes no further. */
	struct {
		int status; /* 0: it is not */
		struct span body;
		struct hook_header *headers[HOOK_MAX_HEADERS];
		size_t n_headers;
	} answer;
};

enum hook_outcome {
	HOOK_WENT_ON,
	HOOK_ANSWERED,
	HOOK_FAILED,	/* an error in the script */
	HOOK_TOO_LONG,	/* time or steps */
	HOOK_TOO_LARGE, /* memory */
	HOOK_OUTCOMES,
};

struct hooks;

/* NULL when memory is short. */
struct hooks *hooks_new(const struct hook_limits *limits);
void hooks_free(struct hooks *h); /* accepts NULL */

/* Compiles a script, which then has the next number, from 0 on. Text only, no compiled Lua. The
 * message is "line 3: what is wrong". */
bool hooks_add(struct hooks *h, const char *text, size_t n, struct err *err) MUST_CHECK;

/* Runs a script. The changes, which live in the arena, begin as zeroes or as what another script
 * left; after a failure they are not to be used, and why says what it was, for a log: one line of
 * printable characters. */
enum hook_outcome hooks_run(struct hooks *h, struct arena *a, size_t script, enum hook_phase phase,
	const struct hook_view *view, struct hook_changes *changes, const char **ret_why);

#endif
