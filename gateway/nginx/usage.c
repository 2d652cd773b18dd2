/* Who used which operation, told to gateway-usage over a socket of datagrams. Nothing waits: what
 * cannot be sent is counted, and the next datagram says how many requests are missing. */
#include "gateway/core/usage.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/un.h>

#include "gateway/nginx/apim.h"
#include "lib/base/arena.h"

static int sock = -1;
static struct sockaddr_un to;
static char waiting[USAGE_MAX_DATAGRAM];
static size_t n_waiting;   /* bytes; 0: nothing */
static uint32_t n_records; /* of them, and */
static uint32_t n_lost;	   /* those before that were not sent */
static struct flush later = { .write = usage_flush };

static void unmap(void *page)
{
	(void)munmap(page, sizeof(struct usage_counts));
}

/* Before workers are made, so that all have the socket. A failure of any kind only means that
 * nothing is told. */
bool usage_setup(ngx_conf_t *cf, struct apim *m)
{
	const char *dir = arena_dupn(m->arena, m->usage_dir.data, m->usage_dir.len);
	ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(cf->pool, 0);
	void *page = MAP_FAILED;
	int fd;

	if (m->usage_dir.len == 0)
		return true;
	to.sun_family = AF_UNIX;
	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s/" USAGE_SOCKET, dir);
	if (sock < 0)
		sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	fd = open(arena_printf(m->arena, "%s/" USAGE_COUNTS, dir), O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		page = mmap(NULL, sizeof(struct usage_counts), PROT_READ, MAP_SHARED, fd, 0);
		(void)close(fd);
	}
	if (page == MAP_FAILED || !cleanup)
		return false;
	cleanup->handler = unmap;
	cleanup->data = page;
	m->usage = page;
	return true;
}

void usage_flush(void)
{
	if (n_waiting == 0)
		return;
	if (sendto(sock, waiting, n_waiting, MSG_DONTWAIT | MSG_NOSIGNAL,
		    (const struct sockaddr *)&to, sizeof(to)) == (ssize_t)n_waiting)
		n_lost = 0;
	else
		n_lost += n_records;
	n_waiting = 0;
	n_records = 0;
}

static size_t write_record(const struct usage *u)
{
	size_t n;

	if (n_waiting == 0)
		n_waiting = usage_begin(n_lost, waiting);
	n = usage_write(u, waiting, n_waiting);
	if (n > n_waiting)
		return n;
	usage_flush();
	n_waiting = usage_begin(n_lost, waiting);
	return usage_write(u, waiting, n_waiting);
}

/* What no API was asked for is nobody's usage. */
void usage_tell(ngx_http_request_t *r, struct apim *m, const struct ctx *ctx, ngx_uint_t status,
	uint64_t ms)
{
	const struct verdict *v = &ctx->verdict;
	struct usage u = {
		.application = v->application,
		.status = (uint16_t)status,
		.sandbox = v->sandbox,
		.ms = (uint32_t)ngx_min(ms, UINT32_MAX),
	};

	if (!m->usage || !v->api)
		return;
	u.api = text_span(v->api->title);
	u.version = text_span(v->api->version);
	u.operation = text_span(v->operation ? v->operation->id : NULL);
	u.backend_ms = (uint32_t)ngx_min(log_upstream_ms(r), UINT32_MAX);
	n_waiting = write_record(&u);
	n_records++;
	flush_later(&later);
}
