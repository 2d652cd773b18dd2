#include <errno.h>
#include <sys/stat.h>

#include "apictl/commands.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

static const char *config_folder(struct arena *a)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"); // NOLINT(concurrency-mt-unsafe)
	const char *home = getenv("HOME");	     // NOLINT(concurrency-mt-unsafe)

	if (!str_empty(xdg))
		return arena_printf(a, "%s/apictl", xdg);
	return str_empty(home) ? NULL : arena_printf(a, "%s/.wso2apictl", home);
}

/* "default" when nothing was ever set. */
static const char *read_mode(struct arena *a)
{
	const char *folder = config_folder(a);
	char line[64] = "";
	char mode[32] = "";
	FILE *f = folder ? fopen(arena_printf(a, "%s/config.yaml", folder), "re") : NULL;

	if (!f)
		return "default";
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "mode: %31[a-z0-9]", mode) == 1)
			break;
	(void)fclose(f);
	return mode[0] ? arena_dup(a, mode) : "default";
}

bool set_mode_is_kubernetes(struct arena *a)
{
	return str_eq(read_mode(a), "k8s");
}

static bool write_mode(struct arena *a, const char *mode, struct err *err)
{
	const char *folder = config_folder(a);
	const char *path = arena_printf(a, "%s/config.yaml", folder ? folder : "");
	FILE *f;
	bool written;

	if (!folder)
		return err_set(
			err, ERR_INVALID, "HOME is not set, so there is no place to keep the mode");
	if (mkdir(folder, 0777) != 0 && errno != EEXIST)
		return err_set(err, ERR_INVALID, "%s: %s", folder,
			strerror(errno)); // NOLINT(concurrency-mt-unsafe)
	f = fopen(path, "we");
	if (!f)
		return err_set(err, ERR_INVALID, "%s: %s", path,
			strerror(errno)); // NOLINT(concurrency-mt-unsafe)
	written = fprintf(f, "mode: %s\n", mode) > 0;
	if (fclose(f) != 0 || !written)
		return err_set(err, ERR_INVALID, "%s: cannot be written", path);
	return true;
}

bool set_run(struct cli *cli, const struct args *args, struct err *err)
{
	const char *mode = args->mode;

	if (!mode) {
		(void)fprintf(cli->out, "Mode is set to: %s\n", read_mode(cli->arena));
		return true;
	}
	if (str_eq_nocase(mode, "k8s") || str_eq_nocase(mode, "kubernetes"))
		mode = "k8s";
	else if (str_eq_nocase(mode, "default"))
		mode = "default";
	else
		return err_set(
			err, ERR_INVALID, "--mode: expected k8s or default, not \"%s\"", mode);
	if (!write_mode(cli->arena, mode, err))
		return false;
	(void)fprintf(cli->out, "Mode is set to: %s\n", mode);
	return true;
}
