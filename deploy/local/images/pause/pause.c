/* The first process of every pod: holds its namespaces, buries its orphans, ends when told to. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void on_child(int signal)
{
	(void)signal;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static void on_stop(int signal)
{
	(void)signal;
	_exit(0);
}

int main(void)
{
	signal(SIGCHLD, on_child);
	signal(SIGTERM, on_stop);
	signal(SIGINT, on_stop);
	for (;;)
		pause();
}
