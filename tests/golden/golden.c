/* Runs every case tests/golden/<service>/<case>/world.yaml through its service and compares the
 * plan with plan.json beside it.
 *
 *   golden DIR            compare; exit status 1 when one differs
 *   golden --update DIR   write plan.json anew
 */
#include <dirent.h>

#include "api-svc/reconcile.h"
#include "builder-svc/build.h"
#include "endpoint-svc/endpoint.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/plan/plan.h"
#include "ratelimit-svc/ratelimit.h"
#include "security-svc/security.h"
#include "tests/support/world.h"

static const struct {
	const char *name;
	void (*needs)(const struct world *, struct needs *);
	bool (*reconcile)(const struct world *, struct plan *, struct err *);
} services[] = {
	{ "api-svc", api_needs, api_reconcile },
	{ "security-svc", security_needs, security_reconcile },
	{ "ratelimit-svc", ratelimit_needs, ratelimit_reconcile },
	{ "endpoint-svc", endpoint_needs, endpoint_reconcile },
	{ "builder-svc", build_needs, build_reconcile },
};

static char *read_all(struct arena *a, const char *path)
{
	FILE *f = fopen(path, "re");
	char chunk[4096];
	struct str s;
	size_t n;

	if (!f)
		return NULL;
	str_init(&s, a, 16 * 1024 * 1024);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		str_addn(&s, chunk, n);
	(void)fclose(f);
	return s.ptr;
}

static bool write_all(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");
	bool ok = f && fprintf(f, "%s\n", text) > 0;

	return f && fclose(f) == 0 && ok;
}

/* The first line that differs is enough to know where to look; git shows the rest after an update.
 */
static void show_difference(const char *path, const char *want, const char *have)
{
	int line = 1;

	while (*want && *want == *have) {
		line += *want == '\n';
		want++;
		have++;
	}
	while (want[-1] != '\n') {
		want--;
		have--;
	}
	printf("  FAIL %s line %d\n    expected %.*s\n    found    %.*s\n", path, line,
		(int)strcspn(want, "\n"), want, (int)strcspn(have, "\n"), have);
}

static bool run_case(size_t service, const char *folder, bool update)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = test_world_new(a);
	char *path = arena_printf(a, "%s/plan.json", folder);
	char *yaml = read_all(a, arena_printf(a, "%s/world.yaml", folder));
	char *want = read_all(a, path);
	char *have;

	if (!yaml) {
		printf("  FAIL %s: no world.yaml\n", folder);
		return false;
	}
	test_world_add(t, yaml);
	have = test_world_text(
		t, test_world_run(t, services[service].needs, services[service].reconcile));
	have = arena_printf(a, "\n%s\n", have);
	want = want ? arena_printf(a, "\n%s", want) : arena_dup(a, "\n");
	if (str_eq(want, have))
		return true;
	if (update)
		return write_all(path, arena_dupn(a, have + 1, strlen(have) - 2));
	show_difference(path, want, have);
	return false;
}

static int is_case(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static int run_service(size_t service, const char *dir, bool update, int *ret_cases)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	char *folder = arena_printf(a, "%s/%s", dir, services[service].name);
	struct dirent **names = NULL;
	int n = scandir(folder, &names, is_case, alphasort);
	int failed = 0;

	for (int i = 0; i < n; i++) {
		char *one = arena_printf(a, "%s/%s", folder, names[i]->d_name);

		failed += !run_case(service, one, update);
		free(names[i]);
	}
	free(names);
	*ret_cases += n > 0 ? n : 0;
	return failed;
}

int main(int argc, char **argv)
{
	bool update = argc == 3 && str_eq(argv[1], "--update");
	int failed = 0;
	int cases = 0;

	if (argc != 2 && !update) {
		(void)fprintf(stderr, "usage: golden [--update] DIR\n");
		return 2;
	}
	for (size_t i = 0; i < ARRAY_LEN(services); i++)
		failed += run_service(i, argv[argc - 1], update, &cases);
	printf("  golden: %d cases, %d failed\n", cases, failed);
	return failed > 0;
}
