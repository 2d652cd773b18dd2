#include "gateway/launcher/settings.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-";

static const struct {
	const char *variable;
	size_t offset;
	const char *otherwise;
	const char *allowed;
} texts[] = {
#define TEXT(variable, member, otherwise, allowed)                                                 \
	{                                                                                          \
		variable, offsetof(struct settings, member), otherwise, allowed                    \
	}
	TEXT("GATEWAY_CONTRACT", contract, "/etc/gateway/contract.json", letters),
	TEXT("GATEWAY_RUN_DIR", run_dir, "/tmp/gateway", letters),
	TEXT("GATEWAY_TLS_DIR", tls_dir, "/etc/gateway/tls", letters),
	TEXT("GATEWAY_TRUST_DIR", trust_dir, "/etc/gateway/trust", letters),
	TEXT("GATEWAY_CREDENTIALS_DIR", credentials_dir, "/etc/gateway/credentials", letters),
	TEXT("GATEWAY_REVOKED", revoked, "/etc/gateway/revoked/list", letters),
	TEXT("GATEWAY_REPLICAS", replicas, NULL, "abcdefghijklmnopqrstuvwxyz0123456789-."),
	TEXT("GATEWAY_REPLICAS_ADDRESS", replicas_address, NULL, "0123456789abcdefABCDEF.:"),
	TEXT("GATEWAY_REPLICAS_KEY", replicas_key, "/etc/gateway/replicas/key", letters),
	TEXT("GATEWAY_CLIENT_TRUST_DIR", client_trust_dir, "/etc/gateway/clients", letters),
	TEXT("GATEWAY_LOG_LEVEL", log_level, "warn", "abcdefghijklmnopqrstuvwxyz"),
	TEXT("GATEWAY_BIND", bind, NULL, "0123456789abcdefABCDEF.:[]"),
	TEXT("GATEWAY_NGINX", nginx, "/usr/sbin/nginx", letters),
	TEXT("GATEWAY_MODULE", module, "/usr/lib/nginx/modules/ngx_http_apim_module.so", letters),
	TEXT("GATEWAY_TOOLKIT", toolkit, "/usr/bin/toolkit", letters),
	TEXT("GATEWAY_CA_BUNDLE", ca_bundle, "/etc/ssl/certs/ca-certificates.crt", letters),
	TEXT("GATEWAY_RESOLV_CONF", resolv_conf, "/etc/resolv.conf", letters),
	TEXT("GATEWAY_HOSTS", hosts, "/etc/hosts", letters),
	TEXT("GATEWAY_USAGE_URL", usage_url, NULL,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-:,[]"),
	TEXT("GATEWAY_USAGE_PROGRAM", usage_program, "/usr/bin/gateway-usage", letters),
};

static const struct {
	const char *variable;
	size_t offset;
	unsigned int otherwise;
	unsigned int most;
} numbers[] = {
#define NUMBER(variable, member, otherwise, most)                                                  \
	{                                                                                          \
		variable, offsetof(struct settings, member), otherwise, most                       \
	}
	NUMBER("GATEWAY_WORKERS", workers, 0, 256),
	NUMBER("GATEWAY_PRE_STOP_SECONDS", pre_stop_s, 4, 3600),
	NUMBER("GATEWAY_DRAIN_SECONDS", drain_s, 20, 3600),
	NUMBER("GATEWAY_LIMIT_COUNTERS", limit_counters, 65536, 16 * 1024 * 1024),
	NUMBER("GATEWAY_REPLICAS_PORT", replicas_port, 9798, UINT16_MAX),
	NUMBER("GATEWAY_HTTP_PORT", http_port, 0, UINT16_MAX),
	NUMBER("GATEWAY_HTTPS_PORT", https_port, 0, UINT16_MAX),
	NUMBER("GATEWAY_METRICS_PORT", metrics_port, 0, UINT16_MAX),
	NUMBER("GATEWAY_TOKEN_PORT", token_port, 0, UINT16_MAX),
};

static bool read_number(const char *variable, const char *text, unsigned int most,
	unsigned int *ret, struct err *err)
{
	size_t n = strspn(text, "0123456789");
	unsigned long value = strtoul(text, NULL, 10);

	if (n == 0 || n > 9 || text[n] != '\0' || value > most)
		return err_set(err, ERR_INVALID, "%s: \"%.100s\", expected a number up to %u",
			variable, text, most);
	*ret = (unsigned int)value;
	return true;
}

static bool text_ok(const char *text, const char *allowed)
{
	return *text && strspn(text, allowed) == strlen(text);
}

bool settings_read(struct settings *ret, struct err *err)
{
	*ret = (struct settings){ 0 };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const char **to = (const char **)((char *)ret + texts[i].offset);
		const char *text = getenv(texts[i].variable);

		*to = text ? text : texts[i].otherwise;
		if (*to && !text_ok(*to, texts[i].allowed))
			return err_set(err, ERR_INVALID, "%s: \"%.100s\", expected only %s",
				texts[i].variable, *to, texts[i].allowed);
	}
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		unsigned int *to = (unsigned int *)((char *)ret + numbers[i].offset);
		const char *text = getenv(numbers[i].variable);

		*to = numbers[i].otherwise;
		if (text && !read_number(numbers[i].variable, text, numbers[i].most, to, err))
			return false;
	}
	if (ret->replicas && !ret->replicas_address)
		return err_set(err, ERR_INVALID,
			"GATEWAY_REPLICAS_ADDRESS: is not set, expected this replica's own address beside GATEWAY_REPLICAS");
	return true;
}

bool settings_of_directory(struct settings *s, const char *dir, struct err *err)
{
	static char contract[PATH_MAX + 16];
	static char run[PATH_MAX + 16];
	char at[PATH_MAX];

	if (!realpath(dir, at))
		return err_set(err, ERR_NOT_FOUND, "%.200s: %s", dir, strerrordesc_np(errno));
	if (!text_ok(at, letters))
		return err_set(err, ERR_INVALID, "%.200s: expected a path of %s", at, letters);
	(void)snprintf(contract, sizeof(contract), "%s/contract.json", at);
	(void)snprintf(run, sizeof(run), "%s/run", at);
	s->contract = contract;
	s->run_dir = run;
	return true;
}
