/* Usage as CloudEvents on the bus: `evt.usage.<namespace>.<api>`, type com.wso2.apim.usage. */
#ifndef GATEWAY_USAGE_PUBLISH_H
#define GATEWAY_USAGE_PUBLISH_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/attr.h"

struct collector;
struct err;
struct publisher;
struct tally;

struct publish_options {
	const char *url;       /* nats://host:port[,…] */
	const char *folder;    /* of the files username, password, and, for TLS, ca.crt */
	const char *ns, *api;  /* whose usage it is */
	const char *gateway;   /* who tells it */
	int64_t last_words_ms; /* how long it tries to publish after the collecting has ended */
};

/* Keeps the options. Succeeds without a bus: only bad options fail. */
struct publisher *publisher_new(const struct publish_options *o, struct err *err) MUST_CHECK;
void publisher_free(struct publisher *p);

/* Returns when the tally is stored, or what is left of it cannot be; both are numbers of requests.
 * Tries for as long as c is collecting. */
void publish_tally(struct publisher *p, const struct tally *t, struct collector *c,
	uint64_t *ret_published, uint64_t *ret_lost);

#endif
