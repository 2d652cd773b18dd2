/* Scripts of a contract that change requests and responses: texts, which gateway/hook runs. Here
 * they are data; whoever loads a contract to serve it compiles them. */
#ifndef GATEWAY_CORE_SCRIPT_H
#define GATEWAY_CORE_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"

struct arena;
struct err;
struct json;
struct loader;

enum {
	SCRIPT_MAX = 1000,		   /* of one contract */
	SCRIPT_MAX_BYTES = 32 * 1024,	   /* of one script */
	SCRIPT_MAX_ALL_BYTES = 256 * 1024, /* of all together */
	SCRIPT_MIN_MS = 1,
	SCRIPT_DEFAULT_MS = 5,
	SCRIPT_MAX_MS = 50,
	SCRIPT_MIN_KILOBYTES = 64,
	SCRIPT_DEFAULT_KILOBYTES = 1024,
	SCRIPT_MAX_KILOBYTES = 16 * 1024,
	SCRIPT_DEFAULT_BODY = 64, /* kilobytes of a body that a script asks for */
	SCRIPT_MAX_BODY = 1024,
};

struct contract_script {
	const char *text;
	size_t number; /* its place in the list */
	size_t body;   /* bytes of bodies that it asks for, filled by the loader; 0: it sees none */
};

struct contract_scripts {
	struct contract_script *at; /* sorted, each text once */
	size_t n;
	uint32_t ms;	    /* processor time of one run */
	uint32_t kilobytes; /* of memory that one run asks for */
};

/* What an API or an operation has run: NULL is nothing. */
struct contract_hooks {
	const struct contract_script *request;
	const struct contract_script *response;
};

/* A script asks for bodies by its first line: "--! body", or "--! body 256 kB" for longer or
 * shorter ones. Reading and replacing one takes the script's memory twice, so it may ask for half
 * of that. false: the line begins like that and says something else; err begins with "line 1: ". */
bool script_asks(
	const char *text, uint32_t kilobytes, size_t *ret_bytes, struct err *err) MUST_CHECK;

/* What two scripts (NULL: none) ask for that see the same body: the smaller bound; 0: neither does.
 */
size_t script_least_body(const struct contract_script *x, const struct contract_script *y);

/* Member "hooks" of the contract: {"milliseconds": 5, "kilobytes": 1024, "scripts": [text]}. Absent
 * when there are none. */
bool scripts_load(struct loader *l, const struct json *root) MUST_CHECK;
void scripts_write(struct arena *a, const struct contract_scripts *s, struct json *root);

/* Members "requestHook" and "responseHook" of an API or an operation: numbers of scripts. */
bool scripts_load_places(
	struct loader *l, const struct json *o, struct contract_hooks *ret) MUST_CHECK;
void scripts_write_places(struct arena *a, const struct contract_hooks *h, struct json *o);

#endif
