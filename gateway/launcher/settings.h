/* Where the launcher finds and puts things: the paths of the image, unless the environment says
 * otherwise.
 *
 * - GATEWAY_CONTRACT (/etc/gateway/contract.json)
 * - GATEWAY_RUN_DIR (/tmp/gateway): the only place that is written to
 * - GATEWAY_TLS_DIR (/etc/gateway/tls): tls.crt and tls.key; without them a key is made
 * - GATEWAY_TRUST_DIR (/etc/gateway/trust): certificates (*.crt, *.pem) that backends may have,
 *   beside the public ones
 * - GATEWAY_CREDENTIALS_DIR (/etc/gateway/credentials): <security>.json of every Security that has
 *   credentials; read again when they change
 * - GATEWAY_CLIENT_TRUST_DIR (/etc/gateway/clients): certificates (*.crt, *.pem) that those of
 *   clients have to lead to, for APIs with mutual TLS
 * - GATEWAY_REVOKED (/etc/gateway/revoked/list): tokens that count no longer, one jti per line;
 * read again when it changes
 * - GATEWAY_WORKERS: as many as the container may use processors
 * - GATEWAY_PRE_STOP_SECONDS (4): how long requests are still taken after SIGTERM, until no one
 *   sends any
 * - GATEWAY_DRAIN_SECONDS (20): how long requests in progress may take after that
 * - GATEWAY_LIMIT_COUNTERS (65536): how many counters of rate limits are kept, 40 bytes each; with
 *   other replicas 200
 * - GATEWAY_REPLICAS: the name whose addresses are those of all replicas, which share their limits
 * - GATEWAY_REPLICAS_ADDRESS: the one of this replica; has to be set with GATEWAY_REPLICAS
 * - GATEWAY_REPLICAS_PORT (9798): by UDP, of all replicas
 * - GATEWAY_REPLICAS_KEY (/etc/gateway/replicas/key): a file of 16 bytes or more that all of them
 *   have, and nobody else
 * - GATEWAY_INSTANCE: how usage and traces name this gateway; default: its host's name
 * - GATEWAY_LOG_LEVEL (warn): of nginx' own messages on standard error
 * - GATEWAY_BIND: an address to listen at; default all
 * - GATEWAY_HTTP_PORT, GATEWAY_HTTPS_PORT, GATEWAY_METRICS_PORT, GATEWAY_TOKEN_PORT: instead of the
 *   contract's; the last has no effect where the contract has none
 * - GATEWAY_USAGE_URL: the bus that usage is published on, nats://host:port; default: it is not.
 *   gateway-usage then wants GATEWAY_USAGE_API (namespace/name), and has GATEWAY_USAGE_DIR
 *   (/etc/gateway/usage: username, password, ca.crt) and GATEWAY_USAGE_SECONDS (5)
 * - GATEWAY_NGINX, GATEWAY_MODULE, GATEWAY_TOOLKIT, GATEWAY_CA_BUNDLE, GATEWAY_RESOLV_CONF,
 *   GATEWAY_HOSTS, GATEWAY_USAGE_PROGRAM: files of the image
 */
#ifndef GATEWAY_LAUNCHER_SETTINGS_H
#define GATEWAY_LAUNCHER_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/attr.h"

struct err;

struct settings {
	const char *contract;
	const char *run_dir;
	const char *tls_dir;
	const char *trust_dir;
	const char *credentials_dir;
	const char *revoked;
	const char *client_trust_dir;
	const char *replicas; /* NULL: there are no others */
	const char *replicas_address;
	const char *replicas_key;
	const char *log_level;
	const char *bind; /* NULL: all addresses */
	const char *nginx;
	const char *module;
	const char *toolkit;
	const char *ca_bundle;
	const char *resolv_conf;
	const char *hosts;
	const char *usage_url; /* NULL: usage is not published */
	const char *usage_program;
	bool quiet;	      /* nginx writes no access log; not from the environment */
	unsigned int workers; /* 0: from the processors */
	unsigned int pre_stop_s;
	unsigned int drain_s;
	unsigned int limit_counters;
	unsigned int replicas_port;
	unsigned int http_port; /* 0: the contract's */
	unsigned int https_port;
	unsigned int metrics_port;
	unsigned int token_port;
};

/* Keeps pointers into the environment. ERR_INVALID names a variable that holds something else than
 * expected: paths are made of letters, digits and "/._-", so that none can be more than a path in
 * nginx.conf. */
MUST_CHECK bool settings_read(struct settings *ret, struct err *err);

/* Contract and run directory are dir's contract.json and run, whatever the environment says. dir is
 * kept by the process: once is enough. */
MUST_CHECK bool settings_of_directory(struct settings *s, const char *dir, struct err *err);

#endif
