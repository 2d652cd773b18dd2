/* Runs seeds: what users do is the seed's script, what goes wrong the seed itself; at the end the
 * cluster must be as it is when nothing goes wrong.
 *
 *   sim --seeds N [--from N] [--workers N] [--apis N] [--edits N] [--pace-ms N]
 *   sim --seed N --trace                   one, told line by line
 *   sim --named FILE                       those that once failed: lines of
 *                                          "seed apis edits pace-ms sentence"
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/arena.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "tests/sim/check.h"
#include "tests/sim/script.h"
#include "tests/sim/sim.h"

enum {
	SCRIPTS = 32,
	AFTERMATH_US = 20 * US_PER_S, /* of trouble when users are done */
	SETTLE_US = 700 * US_PER_S,   /* the longest back-off, and relists */
	BUILD_US = 5 * US_PER_S,      /* of an API among many that are built a few at a time */
	QUIET_US = 250 * US_PER_S,    /* two relists */
};

struct options {
	uint64_t from;
	uint64_t seeds;
	long workers;
	bool trace;
	const char *named;
	struct script_size size;
};

struct result {
	bool ok;
	char why[MAX_TEXT];
	char *dump;
	uint64_t steps;
};

/* Each seed has its own mixture: trouble of one sort hides other sorts. */
static struct trouble trouble_of(uint64_t seed)
{
	static const uint32_t calls[] = { 0, 0, 50, 300, 1000 };
	static const uint32_t crashes[] = { 0, 0, 10, 50, 200 };
	static const uint32_t rare[] = { 0, 0, 0, 20, 100 };
	static const uint32_t often[] = { 0, 0, 200, 2000 };
	static const int64_t call_ms[] = { 1, 5, 20, 200 };
	static const int64_t lag_ms[] = { 1, 10, 100, 3000 };
	struct chance c = { seed * UINT64_C(104729) + 1 };

#define PICK(list) list[chance_of(&c, ARRAY_LEN(list))]
	return (struct trouble){
		.call_fails = PICK(calls),
		.crash = PICK(crashes),
		.stall = PICK(rare),
		.bus_fails = PICK(calls),
		.bus_loses = PICK(rare),
		.bus_doubles = PICK(often),
		.watch_loses = PICK(rare),
		.watch_doubles = PICK(often),
		.watch_breaks = PICK(rare),
		.build_fails = PICK(often),
		.registry_fails = PICK(often),
		.wipe = PICK(rare) * 3,
		.call_us = PICK(call_ms) * US_PER_MS,
		.lag_us = PICK(lag_ms) * US_PER_MS,
	};
#undef PICK
}

static struct trouble calm(void)
{
	return (struct trouble){ .call_us = 5 * US_PER_MS, .lag_us = 20 * US_PER_MS };
}

static void weather(struct sim *s, struct task *t)
{
	if (chance_hits(&s->chance, s->trouble.wipe)) {
		sim_trace(s, "WEATHER", "the bus loses everything");
		js_wipe(&s->bus);
		s->bus_back_us = s->now_us + (int64_t)chance_of(&s->chance, 20 * US_PER_S);
	}
	sim_at(s, s->now_us + US_PER_S, (struct task){ .run = weather, .number = t->number });
}

static bool run_phases(struct sim *s, const struct options *o)
{
	int64_t end = script_plan(s, &o->size);
	uint64_t writes;

	sim_at(s, s->now_us, (struct task){ .run = weather });
	if (!sim_run(s, end + AFTERMATH_US))
		return false;
	s->trouble = calm();
	sim_trace(s, "WEATHER", "is calm from now on");
	if (!sim_run(s, s->now_us + SETTLE_US + (int64_t)o->size.apis * BUILD_US))
		return false;
	writes = s->writes;
	if (!sim_run(s, s->now_us + QUIET_US))
		return false;
	if (s->writes != writes)
		sim_violated(s, "there is no end of writing: %llu in the last %d s",
			(unsigned long long)(s->writes - writes), (int)(QUIET_US / US_PER_S));
	check_quiet(s);
	return !*s->violation;
}

static void run(
	const struct options *o, uint64_t script, uint64_t seed, bool faults, struct result *ret)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct trouble t = faults ? trouble_of(seed) : calm();
	struct sim *s = sim_new(script, seed, &t, o->trace && faults);

	*ret = (struct result){ .ok = run_phases(s, o), .steps = s->steps };
	(void)snprintf(ret->why, sizeof(ret->why), "%s", s->violation);
	if (ret->ok)
		ret->dump = strdup(check_dump(s, a));
	sim_free(s);
}

/* ---- against the run without trouble ---- */

static char *expected[SCRIPTS];

/* The first line in which two dumps differ, from a little before where they do. */
static void describe_difference(const char *have, const char *want, char *why, size_t n)
{
	size_t line = 0;
	size_t at = 0;
	size_t from;

	for (; have[at] && have[at] == want[at]; at++)
		if (have[at] == '\n')
			line = at + 1;
	from = at > line + 60 ? at - 60 : line;
	(void)snprintf(why, n, "the end differs, %.50s: \"%.*s\", without trouble \"%.*s\"",
		have + line, (int)strcspn(have + from, "\n") % 200, have + from,
		(int)strcspn(want + from, "\n") % 200, want + from);
}

static bool run_seed(const struct options *o, uint64_t seed, struct result *ret)
{
	uint64_t script = seed % SCRIPTS;
	struct result calm_run;

	if (!expected[script]) {
		run(o, script, script, false, &calm_run);
		if (!calm_run.ok) {
			*ret = calm_run;
			(void)snprintf(ret->why, sizeof(ret->why), "without trouble: %.400s",
				calm_run.why);
			return false;
		}
		expected[script] = calm_run.dump;
	}
	run(o, script, seed, true, ret);
	if (ret->ok && !str_eq(ret->dump, expected[script])) {
		ret->ok = false;
		describe_difference(ret->dump, expected[script], ret->why, sizeof(ret->why));
	}
	free(ret->dump);
	return ret->ok;
}

/* ---- many ---- */

static int run_share(const struct options *o, long worker)
{
	int failed = 0;

	/* Neighbours share a script, so that each worker needs only some of them. */
	for (uint64_t seed = o->from; seed < o->from + o->seeds; seed++) {
		struct result r;

		if ((long)(seed % SCRIPTS % (uint64_t)o->workers) != worker)
			continue;
		if (run_seed(o, seed, &r))
			continue;
		failed++;
		printf("[  FAILED  ] seed %llu: %s\n", (unsigned long long)seed, r.why);
		(void)fflush(stdout);
	}
	return failed;
}

static int run_all(const struct options *o)
{
	struct timespec begin, end;
	int failed = 0;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	(void)fflush(stdout);
	for (long i = 0; i < o->workers; i++)
		if (fork() == 0)
			_exit(run_share(o, i) > 0);
	for (long i = 0; i < o->workers; i++) {
		int status = 0;

		(void)wait(&status);
		failed += status != 0;
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	if (failed == 0)
		printf("[       OK ] %llu_seeds_end_as_if_nothing_had_gone_wrong\n",
			(unsigned long long)o->seeds);
	printf("%llu seeds from %llu in %lld s\n", (unsigned long long)o->seeds,
		(unsigned long long)o->from, (long long)(end.tv_sec - begin.tv_sec));
	return failed > 0;
}

static void forget_expected(void)
{
	for (size_t i = 0; i < SCRIPTS; i++) {
		free(expected[i]);
		expected[i] = NULL;
	}
}

static int run_named(const struct options *o)
{
	struct options own = *o;
	FILE *f = fopen(o->named, "r");
	unsigned long long seed;
	long long pace_ms;
	char sentence[200];
	int failed = 0;

	if (!f) {
		perror(o->named);
		return 2;
	}
	while (fscanf(f, "%llu %zu %zu %lld %199s", &seed, &own.size.apis, &own.size.edits,
		       &pace_ms, sentence) == 5) {
		struct result r;
		bool ok;

		own.size.pace_us = pace_ms * US_PER_MS;
		forget_expected(); /* it was of another size */
		ok = run_seed(&own, seed, &r);
		printf(ok ? "[       OK ] %s\n" : "[  FAILED  ] %s: %s\n", sentence, r.why);
		failed += !ok;
	}
	(void)fclose(f);
	return failed > 0;
}

static int run_one(const struct options *o)
{
	struct result r;
	bool ok = run_seed(o, o->from, &r);

	printf("seed %llu: %s after %llu steps\n", (unsigned long long)o->from,
		ok ? "all is well" : r.why, (unsigned long long)r.steps);
	return !ok;
}

static const char *load_certificate(struct arena *a)
{
	char bytes[4096];
	FILE *f = fopen("tests/data/wso2am300.der", "rb");
	size_t n = f ? fread(bytes, 1, sizeof(bytes), f) : 0;

	if (n == 0) {
		perror("tests/data/wso2am300.der");
		exit(2);
	}
	(void)fclose(f);
	return base64_encode(a, bytes, n);
}

int main(int argc, char **argv)
{
	static const struct option known[] = { { "seeds", 1, NULL, 'n' }, { "from", 1, NULL, 'f' },
		{ "seed", 1, NULL, 's' }, { "workers", 1, NULL, 'w' }, { "trace", 0, NULL, 't' },
		{ "named", 1, NULL, 'l' }, { "apis", 1, NULL, 'a' }, { "edits", 1, NULL, 'e' },
		{ "pace-ms", 1, NULL, 'p' }, { NULL, 0, NULL, 0 } };
	AUTO(arena_auto) struct arena *a = arena_new();
	struct options o = { .from = 1, .workers = sysconf(_SC_NPROCESSORS_ONLN) };
	int c;

	o.size = (struct script_size){ .apis = 2, .edits = 12, .pace_us = 4 * US_PER_S };
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		uint64_t n = optarg ? strtoull(optarg, NULL, 10) : 0;

		switch (c) {
		case 'n':
			o.seeds = n;
			break;
		case 'f':
		case 's':
			o.from = n;
			break;
		case 'w':
			o.workers = (long)n;
			break;
		case 't':
			o.trace = true;
			break;
		case 'l':
			o.named = optarg;
			break;
		case 'a':
			o.size.apis = n;
			break;
		case 'e':
			o.size.edits = n;
			break;
		case 'p':
			o.size.pace_us = (int64_t)n * US_PER_MS;
			break;
		default:
			return 2;
		}
	}
	script_certificate = load_certificate(a);
	if (o.named)
		return run_named(&o);
	return o.seeds ? run_all(&o) : run_one(&o);
}
