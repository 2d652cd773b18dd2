/* Connections to the server of nats.h, and what tests do with them. All calls fail the test if they
 * fail. */
#ifndef TESTS_SUPPORT_BUS_H
#define TESTS_SUPPORT_BUS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/attr.h"
#include "lib/base/vec.h"
#include "lib/bus/bus.h"

struct json;

int64_t now_ms(void);

struct bus *open_as(const char *name, const char *consumer, const char *url);
struct bus *connected(const char *name, const char *consumer);
void close_bus(struct bus **b);
void close_arena(struct arena **a);

/* A bus and memory that go when the test returns. */
#define BUS(var, name) AUTO(close_bus) struct bus *var = connected(name, name)
#define MEMORY(var) AUTO(close_arena) struct arena *var = arena_new()

/* The state is the admin that every test begins with: no streams but fresh ones. */
int server_begin(void **state);
int server_end(void **state);

/* Of JetStream; body may be NULL. NULL: it was refused. */
const struct json *asks_api(struct bus *b, struct arena *a, const char *subject, const char *body);

/* id: NULL, or what the server knows a repetition by. */
void publishes(struct bus *b, const char *subject, const char *text, const char *id);

struct vec fetched(struct bus *b, struct arena *a, size_t max, int timeout_ms);

/* NULL: nothing came. */
const struct delivery *one(struct bus *b, struct arena *a, int timeout_ms);
const struct delivery *expect(struct bus *b, struct arena *a, const char *text, int timeout_ms);
void acks(struct bus *b, const struct delivery *d);
void naks(struct bus *b, const struct delivery *d, int64_t delay_ms);

/* Members of the consumer's configuration, as JSON. */
void set_consumer(struct bus *admin, const char *more);

int64_t messages_in(struct bus *admin, const char *stream);

/* Waits until it holds so many. */
void becomes(struct bus *admin, const char *stream, int64_t messages);

#endif
