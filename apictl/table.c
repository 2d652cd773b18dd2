#include "apictl/table.h"

#include "lib/base/arena.h"
#include "lib/base/attr.h"
#include "lib/base/str.h"

void table_add(struct arena *a, struct table *t, const char *cell)
{
	vec_add(a, &t->cells, arena_dup(a, str_empty(cell) ? "<none>" : cell));
}

static size_t width(const struct table *t, size_t column)
{
	size_t widest = 0;

	for (size_t i = column; i < t->cells.n; i += t->columns) {
		size_t n = strlen(t->cells.at[i]);

		widest = n > widest ? n : widest;
	}
	return widest;
}

void table_print(const struct table *t, FILE *out)
{
	enum {
		GAP = 3
	};

	for (size_t i = 0; i < t->cells.n; i++) {
		const char *cell = t->cells.at[i];
		bool last = (i + 1) % t->columns == 0;

		if (last)
			(void)fprintf(out, "%s\n", cell);
		else
			(void)fprintf(out, "%-*s", (int)(width(t, i % t->columns) + GAP), cell);
	}
}

char *age_text(struct arena *a, int64_t seconds)
{
	enum {
		MINUTE = 60,
		HOUR = 60 * MINUTE,
		DAY = 24 * HOUR
	};
	static const struct {
		int64_t below; /* rows in rising order */
		int64_t unit;
		int64_t rest; /* 0: no second unit */
		const char *names;
	} rows[] = {
		{ 2 * MINUTE, 1, 0, "s" },
		{ 10 * MINUTE, MINUTE, 1, "ms" },
		{ 3 * HOUR, MINUTE, 0, "m" },
		{ 8 * HOUR, HOUR, MINUTE, "hm" },
		{ 2 * DAY, HOUR, 0, "h" },
		{ 8 * DAY, DAY, HOUR, "dh" },
		{ INT64_MAX, DAY, 0, "d" },
	};
	size_t i = 0;
	int64_t rest;

	if (seconds < 0)
		return arena_dup(a, "0s");
	while (i + 1 < ARRAY_LEN(rows) && seconds >= rows[i].below)
		i++;
	rest = rows[i].rest ? seconds % rows[i].unit / rows[i].rest : 0;
	if (rest)
		return arena_printf(a, "%lld%c%lld%c", (long long)(seconds / rows[i].unit),
			rows[i].names[0], (long long)rest, rows[i].names[1]);
	return arena_printf(a, "%lld%c", (long long)(seconds / rows[i].unit), rows[i].names[0]);
}
