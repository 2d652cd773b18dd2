/* Where the API server is and who we are there, read from a kubeconfig or from the pod's service
 * account. */
#ifndef LIB_KUBE_CONFIG_H
#define LIB_KUBE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/attr.h"

struct arena;
struct err;
struct kube_options;

struct kube_config {
	const char *server;	/* "https://host:port[/prefix]", without a slash at the end */
	const char *ns;		/* default namespace, never NULL */
	const char *ca;		/* PEM; NULL: the system's trust store */
	const char *cert;	/* client certificate, PEM, or NULL */
	const char *key;	/* its private key, PEM */
	const char *token;	/* bearer token or NULL */
	const char *token_file; /* where to read it instead, again and again; or NULL */
	const char
		*proxy; /* URL; "": none; NULL: what the environment says (HTTPS_PROXY, NO_PROXY) */
	bool insecure;	/* the server's certificate is not verified */
};

/* Looks where kube.h says. ERR_INVALID and ERR_NOT_FOUND name the file. Texts live in the arena. */
bool config_load(struct arena *a, const struct kube_options *options, struct kube_config *ret,
	struct err *err) MUST_CHECK;

/* context NULL: current-context. Refused rather than ignored: exec and auth-provider plugins,
 * tls-server-name. */
bool config_from_file(struct arena *a, const char *path, const char *context,
	struct kube_config *ret, struct err *err) MUST_CHECK;

/* dir has token, ca.crt and namespace; host and port are those of the environment of every pod. */
bool config_from_pod(struct arena *a, const char *dir, const char *host, const char *port,
	struct kube_config *ret, struct err *err) MUST_CHECK;

/* A whole file of at most 1 MiB, NUL-terminated; NULL on failure. */
char *config_read_file(
	struct arena *a, const char *path, size_t *ret_n, struct err *err) MUST_CHECK;

#endif
