/* Any bytes as a request target, against nginx' own reading of it: the functions are those of the
 * nginx that is installed, loaded as a library.
 *
 * What the backend is sent has to be what nginx understands of the target, below the base path; and
 * no target that nginx reads as a path for which credentials are needed may pass without them.
 */
#include <dlfcn.h>
#include <elf.h>
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include <string.h>
#include <unistd.h>

#include "gateway/core/core.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "tests/fuzz/gateway.h"

enum {
	MAX_PROGRAM = 16 * 1024 * 1024,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static ngx_int_t (*parse_request_line)(ngx_http_request_t *r, ngx_buf_t *b);
static ngx_int_t (*parse_complex_uri)(ngx_http_request_t *r, ngx_uint_t merge_slashes);

/* ---- nginx ---- */

/* A program says of itself that it is one, and the loader takes none. */
static void become_library(char *elf)
{
	const Elf64_Ehdr *head = (const Elf64_Ehdr *)elf;
	const Elf64_Phdr *part = (const Elf64_Phdr *)(elf + head->e_phoff);

	for (int i = 0; i < head->e_phnum; i++) {
		Elf64_Dyn *d = (Elf64_Dyn *)(elf + part[i].p_offset);

		for (; part[i].p_type == PT_DYNAMIC && d->d_tag != DT_NULL; d++)
			if (d->d_tag == DT_FLAGS_1)
				d->d_un.d_val &= ~(Elf64_Xword)DF_1_PIE;
	}
}

static void *load_nginx(void)
{
	static char elf[MAX_PROGRAM];
	const char *path = getenv("GATEWAY_NGINX");
	char copy[] = "/tmp/fuzz-nginx-XXXXXX";
	int fd = mkstemp(copy);
	FILE *f = fopen(path ? path : "/usr/sbin/nginx", "re");
	size_t n = f ? fread(elf, 1, sizeof(elf), f) : 0;
	void *library;

	if (fd < 0 || n < sizeof(Elf64_Ehdr) || n == sizeof(elf))
		abort();
	(void)fclose(f);
	become_library(elf);
	if (write(fd, elf, n) != (ssize_t)n || close(fd) != 0)
		abort();
	library = dlopen(copy, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		(void)fprintf(stderr, "%s\n", dlerror());
	(void)unlink(copy);
	return library;
}

static void find_nginx(void)
{
	void *library = load_nginx();

	if (!library)
		abort();
	*(void **)&parse_request_line = dlsym(library, "ngx_http_parse_request_line");
	*(void **)&parse_complex_uri = dlsym(library, "ngx_http_parse_complex_uri");
	if (!parse_request_line || !parse_complex_uri)
		abort();
}

struct reading {
	struct span raw;  /* what the module is given */
	struct span path; /* decoded */
	struct span query;
};

/* What nginx does with a request line before any module is asked. false: it answers 400 itself. */
static bool nginx_reads(struct arena *a, struct span target, struct reading *ret)
{
	static ngx_log_t log;
	static ngx_connection_t connection = { .log = &log };
	char *line = arena_printf(a, "GET %.*s HTTP/1.1\r\n", (int)target.n, target.at);
	ngx_buf_t buf = { .start = (u_char *)line, .pos = (u_char *)line };
	ngx_http_request_t r = { .connection = &connection };

	buf.last = buf.end = buf.start + strlen(line);
	if (parse_request_line(&r, &buf) != NGX_OK || !r.uri_start)
		return false;
	ret->raw = (struct span){ (char *)r.uri_start, (size_t)(r.uri_end - r.uri_start) };
	r.uri.len = (size_t)((r.args_start ? r.args_start - 1 : r.uri_end) - r.uri_start);
	r.uri.data = r.uri_start;
	if (r.complex_uri || r.quoted_uri || r.empty_path_in_uri) {
		if (r.empty_path_in_uri)
			r.uri.len++;
		r.uri.data = arena_alloc(a, r.uri.len + 1);
		if (parse_complex_uri(&r, 0) != NGX_OK)
			return false;
	}
	ret->path = (struct span){ (char *)r.uri.data, r.uri.len };
	ret->query = (struct span){ "", 0 };
	if (r.args_start && r.uri_end > r.args_start)
		ret->query =
			(struct span){ (char *)r.args_start, (size_t)(r.uri_end - r.args_start) };
	return true;
}

/* ---- judging ---- */

static bool is_same(struct span x, struct span y)
{
	return x.n == y.n && memcmp(x.at, y.at, x.n) == 0;
}

static size_t slashes(struct span s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.at[i] == '/';
	return n;
}

/* The contract's secured paths, as nobody would write them twice. */
static bool needs_credentials(struct span path)
{
	static const char *const secured[] = { "/s/private", "/s/f/private", "/s/a/private" };

	if (path.n > 0 && path.at[path.n - 1] == '/')
		path.n--;
	for (size_t i = 0; i < sizeof(secured) / sizeof(*secured); i++)
		if (path.n == strlen(secured[i]) && memcmp(path.at, secured[i], path.n) == 0)
			return true;
	return false;
}

static void check_forwarded(struct arena *a, const struct reading *asked, struct span forward)
{
	struct reading sent;
	struct span below = asked->path;
	const char *query = memchr(forward.at, '?', forward.n);
	/* Of a decoded path a "?" is a part. */
	struct span raw = { forward.at, query ? (size_t)(query - forward.at) : forward.n };

	/* It has a single reading: nothing in it goes up, or is a slash in disguise. */
	if (!nginx_reads(a, forward, &sent) || !is_same(sent.raw, forward) ||
		slashes(sent.path) != slashes(raw))
		abort();
	if (below.n < 2 || memcmp(below.at, "/s", 2) != 0)
		abort();
	below.at += 2;
	below.n -= 2;
	if (below.n == 0)
		below = (struct span){ "/", 1 };
	if (!is_same(sent.path, below) || !is_same(sent.query, asked->query))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct core *core;
	AUTO(arena_auto) struct arena *a = arena_new();
	struct reading asked;
	struct core_request r = {
		.method = METHOD_GET, .method_name = { "GET", 3 }, .now_s = 1700000000
	};
	struct verdict v;

	if (!core) {
		core = fuzz_core();
		find_nginx();
	}
	if (n == 0 || memchr(data, '\0', n) ||
		!nginx_reads(a, (struct span){ arena_dupn(a, data, n), n }, &asked))
		return 0;
	r.target = asked.raw;
	core_decide(core, a, &r, &v);
	if (v.kind != VERDICT_FORWARD)
		return 0;
	if (needs_credentials(asked.path))
		abort();
	check_forwarded(a, &asked, v.forward);
	return 0;
}
