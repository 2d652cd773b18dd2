#include "lib/svc/signals.h"

#include <poll.h>
#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t stop_requested;

static void on_stop(int signal)
{
	(void)signal;
	stop_requested = 1;
}

void signals_setup(void)
{
	struct sigaction stop = { .sa_handler = on_stop };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

bool signals_stop_requested(void)
{
	return stop_requested != 0;
}

void signals_pause(int ms)
{
	if (!stop_requested)
		poll(NULL, 0, ms);
}
