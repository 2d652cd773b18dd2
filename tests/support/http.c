#include "tests/support/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/kube/kube.h"
#include "tests/support/unit.h"

static int listen_anywhere(int *ret_port)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t n = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
	*ret_port = ntohs(at.sin_port);
	return fd;
}

static bool read_request(int fd, char *request, size_t size)
{
	size_t n = 0;

	while (n + 1 < size) {
		ssize_t got = read(fd, request + n, size - n - 1);

		if (got <= 0)
			return false;
		n += (size_t)got;
		request[n] = '\0';
		if (strstr(request, "\r\n\r\n"))
			return true;
	}
	return false;
}

static void send_all(int fd, const char *bytes, size_t n, size_t piece)
{
	while (n > 0) {
		size_t now = n < piece ? n : piece;
		ssize_t sent = send(fd, bytes, now, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		bytes += sent;
		n -= (size_t)sent;
	}
}

/* Without a length, the end of the connection is the end of the body. */
static void answer(int fd, const struct http_step *s)
{
	char head[512];
	const int at_once = 1;
	int n = snprintf(head, sizeof(head), "HTTP/1.1 %d X\r\nConnection: close\r\n%s%s\r\n",
		s->status, s->header ? s->header : "", s->header ? "\r\n" : "");

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof(at_once));
	send_all(fd, head, (size_t)n, sizeof(head));
	send_all(fd, s->body, strlen(s->body), s->dribble ? 1 : 65536);
}

NORETURN static void play(int listener, const struct http_step *steps, size_t n)
{
	char request[65536];
	size_t i = 0;

	for (;;) {
		int fd = accept(listener, NULL, NULL);
		struct http_step wrong = { .status = 500, .body = "no more steps" };

		if (fd < 0 || !read_request(fd, request, sizeof(request))) {
			close(fd);
			continue;
		}
		if (i < n && !strstr(request, steps[i].expect))
			wrong.body = steps[i].expect;
		else if (i < n)
			wrong = steps[i++];
		answer(fd, &wrong);
		if (!wrong.silent)
			close(fd);
	}
}

struct http_script http_play(const struct http_step *steps, size_t n)
{
	struct http_script s;
	int listener = listen_anywhere(&s.port);

	s.pid = fork();
	assert_true(s.pid >= 0);
	if (s.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		play(listener, steps, n);
	}
	close(listener);
	return s;
}

void http_stop(const struct http_script *s)
{
	assert_int_equal(kill(s->pid, SIGKILL), 0);
	assert_int_equal(waitpid(s->pid, NULL, 0), s->pid);
}

struct kube *http_client(struct arena *a, const struct http_script *s, int timeout_ms)
{
	char path[] = "/tmp/kubeconfig.XXXXXX";
	const struct kube_options options = { .kubeconfig = path, .timeout_ms = timeout_ms };
	int fd = mkstemp(path);
	char *text = arena_printf(a,
		"{\"current-context\":\"x\",\"contexts\":[{\"name\":\"x\",\"context\":{\"cluster\":\"x\"}}],"
		"\"clusters\":[{\"name\":\"x\",\"cluster\":{\"server\":\"http://127.0.0.1:%d\"}}]}",
		s->port);
	struct err err;
	struct kube *k;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	k = kube_new(&options, &err);
	unlink(path);
	if (!k)
		fail_msg("%s", err.msg);
	return k;
}
