/* A request or an answer that is being looked at, and what scripts make of it
 * (gateway/hook/hook.h). */
#ifndef TESTS_SUPPORT_HOOKED_H
#define TESTS_SUPPORT_HOOKED_H

#include <stddef.h>
#include <stdint.h>

#include "gateway/hook/hook.h"

struct arena;

struct hooked {
	struct arena *a;
	struct hooks *hooks;
	struct hook_view view;
	struct hook_changes changes;
	const char *why;
	enum hook_phase phase;
	const char *claims;
	size_t n; /* scripts that were compiled */
};

extern const struct hook_limits hooked_usual;

void hooked_set_up(struct hooked *f, struct hook_limits limits);
void hooked_release(struct hooked *f); /* for AUTO */

/* The script has asked for bodies of at most `most` bytes. */
void hooked_show_body(struct hooked *f, const char *text, size_t most);

/* Each script is compiled behind the one before, and finds a request that nobody changed; or what
 * the one before made of it. */
enum hook_outcome hooked_run(struct hooked *f, const char *text);
enum hook_outcome hooked_go_on(struct hooked *f, const char *text);

/* Fails the test unless: the script's error, without its line, has that in it; the condition holds
 * in a script; a bound ends the script, within 50 ms. */
void hooked_fails(struct hooked *f, const char *text, const char *why);
void hooked_true(struct hooked *f, const char *condition);
void hooked_ends_soon(struct hooked *f, const char *text);

/* The header that was changed; fails the test if it was not. */
const struct hook_header *hooked_header(const struct hooked *f, const char *lower);

struct span hooked_span(const char *text);
void hooked_says(struct span s, const char *text); /* they are equal */
uint64_t hooked_processor_time(void);		   /* ns, of this thread */

#endif
