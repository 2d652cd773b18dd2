/* Text in columns, as kubectl prints it. */
#ifndef APICTL_TABLE_H
#define APICTL_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/base/vec.h"

struct arena;

struct table {
	size_t columns;
	struct vec cells; /* const char *, row after row */
};

/* Takes the next cell, left to right. NULL or "" prints as <none>. */
void table_add(struct arena *a, struct table *t, const char *cell);

void table_print(const struct table *t, FILE *out);

/* A span of time in the one or two largest units that say enough: "47s", "5m30s", "3h", "12d". */
char *age_text(struct arena *a, int64_t seconds);

#endif
