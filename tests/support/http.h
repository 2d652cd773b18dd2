/* An HTTP server that follows a script: for what no real API server can be made to do when a test
 * wants it. */
#ifndef TESTS_SUPPORT_HTTP_H
#define TESTS_SUPPORT_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct arena;
struct kube;

/* One request and its answer, in the order of the script, each on a connection of its own. */
struct http_step {
	const char *expect; /* must occur in the request, or it is answered with 500 and the text of
			       this step */
	int status;
	const char *header; /* one more header line without its end, or NULL */
	const char *body;
	bool silent;  /* keep the connection open after the body instead of closing it */
	bool dribble; /* one byte at a time */
};

struct http_script {
	pid_t pid;
	int port;
};

/* Runs the script in a process of its own. After the last step requests are answered with 500. */
struct http_script http_play(const struct http_step *steps, size_t n);
void http_stop(const struct http_script *s);

/* A client of it, without credentials. Fails the test if there is trouble. */
struct kube *http_client(struct arena *a, const struct http_script *s, int timeout_ms);

#endif
