#include "tests/support/kube.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/str.h"

int client_begin(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct kube_options options = { .user_agent = "test" };

	f->a = arena_new();
	f->kube = kube_new(&options, &f->err);
	if (!f->kube)
		return -1;
	f->ops = kube_ops(f->kube);
	*state = f;
	return 0;
}

int client_end(void **state)
{
	struct fixture *f = *state;

	kube_free(f->kube);
	arena_free(f->a);
	free(f);
	return 0;
}

void define_kinds(void)
{
	static const char *const words[] = { "create", "-f", "deploy/crds", NULL };
	static const char *const wait[] = { "wait", "--for=condition=Established", "--timeout=30s",
		"-f", "deploy/crds", NULL };
	static const char *const ns[] = { "create", "namespace", "wso2-system", NULL };
	const char *const *const calls[] = { words, wait, ns };

	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		pid_t pid = fork();
		int status = 0;

		if (pid == 0) {
			char *argv[8] = { strdup("kubectl") };

			for (size_t j = 0; calls[i][j]; j++)
				argv[j + 1] = strdup(calls[i][j]);
			(void)!freopen("/dev/null", "w", stdout);
			(void)execv("build/tools/bin/kubectl", argv);
			(void)execvp("kubectl", argv);
			_exit(127);
		}
		(void)waitpid(pid, &status, 0);
		if (status != 0)
			fail_msg("kubectl %s failed", calls[i][0]);
	}
}
