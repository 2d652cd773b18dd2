/* The watcher's watches on the store: every event later or sooner, sometimes twice, sometimes
 * never; in the order of its kind, as an API server keeps it.
 */
#ifndef TESTS_SIM_FEEDS_H
#define TESTS_SIM_FEEDS_H

#include <stdint.h>

#include "lib/kube/kube.h"

struct feeds;
struct sim;

struct feeds *feeds_new(struct sim *s, watch_fn *fn, void *arg);
void feeds_free(struct feeds *f); /* accepts NULL */

void feeds_relist(struct feeds *f);
int64_t feeds_due_us(struct feeds *f);
void feeds_run(struct feeds *f); /* delivers what is due */

#endif
