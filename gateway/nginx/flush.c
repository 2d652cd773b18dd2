/* What is gathered is written together, soon: at once by a worker that ends. */
#include "gateway/nginx/apim.h"

enum {
	FLUSH_MS = 200
};

static void on_time(ngx_event_t *ev)
{
	const struct flush *f =
		(const struct flush *)((u_char *)ev - offsetof(struct flush, event));

	f->write();
}

void flush_later(struct flush *f)
{
	static ngx_connection_t none = { .fd = (ngx_socket_t)-1 };

	if (ngx_exiting || ngx_terminate) {
		f->write();
		return;
	}
	if (f->event.timer_set)
		return;
	f->event.handler = on_time;
	f->event.data = &none; /* for nginx' debug messages */
	f->event.log = ngx_cycle->log;
	f->event.cancelable = 1;
	ngx_add_timer(&f->event, FLUSH_MS);
}
