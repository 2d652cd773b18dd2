/* A process of the simulation: code with a stack of its own that gives up control wherever a real
 * one waits for the network, and can be killed there.
 */
#ifndef TESTS_SIM_ACTOR_H
#define TESTS_SIM_ACTOR_H

#include <stdbool.h>
#include <stdint.h>

struct actor;

struct actor *actor_new(const char *name, void (*run)(void *arg), void *arg);
void actor_free(struct actor *a); /* accepts NULL; kills it */
const char *actor_name(const struct actor *a);

/* Runs until the next actor_wait. */
void actor_resume(struct actor *a);

/* From inside: gives up control. */
void actor_wait(struct actor *a);

/* From outside, while it waits: its stack is gone, nothing on it is released. */
void actor_kill(struct actor *a);
bool actor_is_alive(const struct actor *a); /* has begun and was not killed since */

#endif
