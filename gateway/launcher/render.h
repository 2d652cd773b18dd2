/* nginx.conf from the one template. */
#ifndef GATEWAY_LAUNCHER_RENDER_H
#define GATEWAY_LAUNCHER_RENDER_H

#include <stdbool.h>

#include "lib/base/attr.h"

struct arena;
struct err;
struct settings;
struct contract;

/* What the template needs beside settings and contract. */
struct surroundings {
	unsigned int workers;
	bool ipv6;		  /* there is IPv6 to listen on */
	bool is_root;		  /* nginx wants to be told whom to run as */
	bool user_key;		  /* the TLS directory holds tls.crt and tls.key */
	const char *const *trust; /* certificate files, NULL at the end */
	bool client_trust;	  /* run_dir/clients.crt is there */
};

/* NULL and ERR_BUG when the template asks for something unknown. */
char *render(struct arena *a, const struct settings *s, const struct contract *c,
	const struct surroundings *around, struct err *err) MUST_CHECK;

/* gateway/launcher/nginx.conf.in, as built in. */
extern const char template_text[];

#endif
