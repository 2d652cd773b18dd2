#include "lib/conf/keys.h"

#include "lib/base/str.h"

#define CONTROLLER "controller-config"
#define APIM "apim-config"
#define REGISTRY "docker-registry-config"
#define HPA "hpa-configs"
#define KANIKO "kaniko-arguments"
#define INGRESS "ingress-configs"
#define ROUTE "route-configs"
#define ISTIO "istio-configs"
#define MOUNTS "mgw-deployment-configs"
#define ANALYTICS "analytics-config"

#define AT(member) offsetof(struct conf, member)
#define IGNORED(object, key, shipped)                                                              \
	{                                                                                          \
		object, key, CONF_IGNORED, 0, 0, 0, shipped                                        \
	}
#define READ(object, key)                                                                          \
	{                                                                                          \
		object, key, CONF_READ, 0, 0, 0, NULL                                              \
	}
#define PLAIN(object, key, type, member)                                                           \
	{                                                                                          \
		object, key, type, AT(member), 0, 0, NULL                                          \
	}
#define RANGE(object, key, member, min, max)                                                       \
	{                                                                                          \
		object, key, CONF_INT, AT(member), min, max, NULL                                  \
	}

enum {
	MAX_SECONDS = 3600,
	MAX_REPLICAS = 10000,
	MAX_PORT = 65535,
	FIRST_PORT = 1024, /* gateways do not run as root */
	MAX_CACHE = 1000000,
	/* as gateway/core/script.h has them */
	MAX_HOOK_MS = 50,
	MIN_HOOK_KILOBYTES = 64,
	MAX_HOOK_KILOBYTES = 16 * 1024,
	MAX_CACHE_MS = 24 * 3600 * 1000,
	/* as gateway/core/assertion.h has them */
	MIN_JWT_MS = 10 * 1000,
	MAX_JWT_MS = 24 * 3600 * 1000,
};

/* clang-format off */
const struct conf_key conf_keys[] = {
	PLAIN(CONTROLLER, "mgwToolkitImg", CONF_IMAGE, toolkit_image),
	PLAIN(CONTROLLER, "mgwRuntimeImg", CONF_IMAGE, runtime_image),
	PLAIN(CONTROLLER, "kanikoImg", CONF_IMAGE, kaniko_image),
	READ(CONTROLLER, "dockerRegistry"),
	RANGE(CONTROLLER, "hpaMaxReplicas", max_replicas, 1, MAX_REPLICAS),
	RANGE(CONTROLLER, "hpaTargetAverageUtilizationCPU", cpu_percent, 1, 1000),
	PLAIN(CONTROLLER, "resourceRequestCPU", CONF_QUANTITY, gateway.request_cpu),
	PLAIN(CONTROLLER, "resourceRequestMemory", CONF_QUANTITY, gateway.request_memory),
	PLAIN(CONTROLLER, "resourceLimitCPU", CONF_QUANTITY, gateway.limit_cpu),
	PLAIN(CONTROLLER, "resourceLimitMemory", CONF_QUANTITY, gateway.limit_memory),
	PLAIN(CONTROLLER, "resourceRequestCPUTarget", CONF_QUANTITY, backend.request_cpu),
	PLAIN(CONTROLLER, "resourceRequestMemoryTarget", CONF_QUANTITY, backend.request_memory),
	PLAIN(CONTROLLER, "resourceLimitCPUTarget", CONF_QUANTITY, backend.limit_cpu),
	PLAIN(CONTROLLER, "resourceLimitMemoryTarget", CONF_QUANTITY, backend.limit_memory),
	RANGE(CONTROLLER, "readinessProbeInitialDelaySeconds", readiness.delay_s, 0, MAX_SECONDS),
	RANGE(CONTROLLER, "readinessProbePeriodSeconds", readiness.period_s, 1, MAX_SECONDS),
	RANGE(CONTROLLER, "livenessProbeInitialDelaySeconds", liveness.delay_s, 0, MAX_SECONDS),
	RANGE(CONTROLLER, "livenessProbePeriodSeconds", liveness.period_s, 1, MAX_SECONDS),
	READ(CONTROLLER, "generatekubernbetesartifactsformgw"),
	PLAIN(CONTROLLER, "operatorMode", CONF_MODE, mode),
	PLAIN(CONTROLLER, "observabilityEnabled", CONF_BOOL, observability),
	READ(CONTROLLER, "sharedEndpointNamespaces"),
	PLAIN(CONTROLLER, "imagePushSecretName", CONF_NAME, registry.secret),

	PLAIN(APIM, "verifyHostname", CONF_BOOL, verify_hostname),
	PLAIN(APIM, "logLevel", CONF_LEVEL, log_level),
	RANGE(APIM, "httpPort", http_port, FIRST_PORT, MAX_PORT),
	RANGE(APIM, "httpsPort", https_port, FIRST_PORT, MAX_PORT),
	PLAIN(APIM, "jwtHeader", CONF_TEXT, jwt_header),
	PLAIN(APIM, "rateLimitHeaders", CONF_BOOL, limit_headers),
	RANGE(APIM, "hookMilliseconds", hook_ms, 1, MAX_HOOK_MS),
	RANGE(APIM, "hookKilobytes", hook_kilobytes, MIN_HOOK_KILOBYTES, MAX_HOOK_KILOBYTES),
	PLAIN(APIM, "jwtTokenCacheEnable", CONF_BOOL, token_cache),
	RANGE(APIM, "jwtTokenCacheExpiryTime", token_cache_ms, 0, MAX_CACHE_MS),
	RANGE(APIM, "jwtTokenCacheCapacity", token_cache_entries, 0, MAX_CACHE),
	IGNORED(APIM, "jwtTokenCacheEvictionFactor", "0.25"),
	IGNORED(APIM, "enabledGlobalTMEventPublishing", "false"),
	IGNORED(APIM, "throttleEndpoint", "wso2apim.wso2:9443"),
	IGNORED(APIM, "jmsConnectionProvider", "wso2apim.wso2:5672"),
	IGNORED(APIM, "enableRealtimeMessageRetrieval", "false"),
	PLAIN(APIM, "enableRequestValidation", CONF_BOOL, validate_requests),
	PLAIN(APIM, "enableResponseValidation", CONF_BOOL, validate_responses),
	IGNORED(APIM, "throttlingRecieverUrl", "wso2apim.wso2:9611"),
	IGNORED(APIM, "throttlingAuthUrl", "wso2apim.wso2:9711"),
	IGNORED(APIM, "enabledEventhub", "false"),
	PLAIN(APIM, "tracingEnabled", CONF_BOOL, tracing.enabled),
	READ(APIM, "tracingEndpoint"),
	READ(APIM, "tracingSampleRatio"),
	PLAIN(APIM, "tracingJaegerHost", CONF_HOST, tracing.host),
	RANGE(APIM, "tracingJaegerPort", tracing.port, 1, MAX_PORT),
	PLAIN(APIM, "usageEvents", CONF_BOOL, usage),
	RANGE(APIM, "usageSeconds", usage_seconds, 1, MAX_SECONDS),
	IGNORED(APIM, "enabledAPIKeyIssuer", "true"),
	IGNORED(APIM, "apiKeyKeystorePath", NULL),
	IGNORED(APIM, "apiKeyKeystorePassword", NULL),
	IGNORED(APIM, "apiKeyIssuerName", "https://localhost:9095/apikey"),
	IGNORED(APIM, "apiKeyIssuerCertificateAlias", "ballerina"),
	IGNORED(APIM, "validityTime", "-1"),
	IGNORED(APIM, "allowedAPIs", ""),
	PLAIN(APIM, "enabledJwtGenerator", CONF_BOOL, backend_jwt),
	PLAIN(APIM, "jwtClaimDialect", CONF_TEXT, backend_jwt_dialect),
	IGNORED(APIM, "jwtSigningAlgorithm", "SHA256withRSA"),
	IGNORED(APIM, "jwtCertificateAlias", "ballerina"),
	IGNORED(APIM, "jwtPrivateKeyAlias", "ballerina"),
	RANGE(APIM, "jwtTokenExpiry", backend_jwt_ms, MIN_JWT_MS, MAX_JWT_MS),
	READ(APIM, "jwtRestrictedClaims"),
	PLAIN(APIM, "jwtIssuer", CONF_TEXT, backend_jwt_issuer),
	READ(APIM, "jwtAudience"),
	IGNORED(APIM, "jwtGeneratorImpl", NULL),

	READ(REGISTRY, "registryType"),
	READ(REGISTRY, "repositoryName"),
	READ(REGISTRY, "imagePullSecretNames"),

	READ(HPA, "hpaVersion"),
	RANGE(HPA, "mgwMaxReplicas", max_replicas, 1, MAX_REPLICAS),
	READ(HPA, "mgwMetrics"),
	READ(HPA, "mgwMetricsV2beta1"),
	RANGE(HPA, "targetEndpointMaxReplicas", backend_max_replicas, 1, MAX_REPLICAS),
	READ(HPA, "targetEndpointMetrics"),
	READ(HPA, "targetEndpointMetricsV2beta1"),

	READ(KANIKO, "kanikoArguments"),

	READ(INGRESS, "ingress.properties"),
	PLAIN(INGRESS, "ingressResourceName", CONF_NAME, ingress.resource),
	PLAIN(INGRESS, "ingressTransportMode", CONF_TRANSPORT, ingress.port),
	PLAIN(INGRESS, "ingressHostName", CONF_HOST, ingress.host),
	PLAIN(INGRESS, "tlsSecretName", CONF_NAME, ingress.tls_secret),

	READ(ROUTE, "route.properties"),
	PLAIN(ROUTE, "routeName", CONF_NAME, route.resource),
	PLAIN(ROUTE, "routeTransportMode", CONF_TRANSPORT, route.port),
	PLAIN(ROUTE, "routeHost", CONF_HOST, route.host),
	READ(ROUTE, "tlsTermination"),

	READ(ISTIO, "gatewayName"),
	PLAIN(ISTIO, "host", CONF_HOST, istio.host),
	READ(ISTIO, "tls"),
	READ(ISTIO, "corsPolicy"),

	READ(MOUNTS, "hostAliases"),
	READ(MOUNTS, "mgwConfigMaps"),
	READ(MOUNTS, "mgwSecrets"),

	/* Its analytics server is none of this operator's. */
	IGNORED(ANALYTICS, "analyticsEnabled", "false"),
	IGNORED(ANALYTICS, "analyticsSecret", NULL),
	IGNORED(ANALYTICS, "uploadingTimeSpanInMillis", NULL),
	IGNORED(ANALYTICS, "rotatingPeriod", NULL),
	IGNORED(ANALYTICS, "uploadFiles", NULL),
	IGNORED(ANALYTICS, "verifyHostname", NULL),
	IGNORED(ANALYTICS, "hostname", NULL),
	IGNORED(ANALYTICS, "port", NULL),
};
/* clang-format on */

const size_t conf_keys_n = ARRAY_LEN(conf_keys);

const struct conf_key *conf_key_find(const char *object, const char *key)
{
	for (size_t i = 0; i < conf_keys_n; i++)
		if (str_eq(conf_keys[i].object, object) && str_eq(conf_keys[i].key, key))
			return &conf_keys[i];
	return NULL;
}

bool conf_key_is_ignored(const char *object, const char *key)
{
	const struct conf_key *k = conf_key_find(object, key);

	return k && k->type == CONF_IGNORED;
}
