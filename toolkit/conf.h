/* micro-gw.conf: settings, Securities, endpoints and policies as one YAML document, for `toolkit
 * compile` inside the build.
 *
 * Only public things stand in it. Absent fields take the defaults of toolkit_settings_default;
 * unknown fields are errors.
 *
 *   settings:
 *     defaultSecurity: default-security-jwt
 *     authHeader: Authorization
 *     removeAuthHeader: true
 *     jwtHeader: X-JWT-Assertion
 *     verifyHostname: true
 *     validateRequests: false
 *     validateResponses: false
 *     clockSkewSeconds: 60
 *     tokenCacheEntries: 10000
 *     tokenCacheSeconds: 900
 *     maxUriBytes: 4096
 *     maxHeaderBytes: 8192
 *     maxBodyBytes: -1
 *     httpPort: 9090
 *     httpsPort: 9095
 *     metricsPort: 9797
 *     tokenPort: 9096                                        # 0: none
 *     http2: true
 *     limitHeaders: false
 *   securities:
 *     - name: default-security-jwt
 *       type: jwt
 *       issuers:
 *         - issuer: https://wso2apim:32001/oauth2/token
 *           audience: http://org.wso2.apimgt/gateway      # absent or "": not checked
 *           validateSubscription: false
 *           keys:
 *             # A certificate or public key; or `der:` with base64 of a DER certificate.
 *             - pem: |
 *                 -----BEGIN PUBLIC KEY-----
 *               # Seconds since 1970, for bare public keys.
 *               notBefore: 1566564633
 *               notAfter: 1881924633
 *   certificates:                                            # that backends' may lead to
 *     - name: backend-cert
 *       pem: |                                               # or der
 *         -----BEGIN CERTIFICATE-----
 *   scripts:                                                 # hooks that documents name
 *     - name: tenant.lua
 *       text: request.headers["X-Tenant"] = "blue"
 *   hooks:                                                   # what one run of a hook may take
 *     milliseconds: 5
 *     kilobytes: 1024
 *   backendJwt:                                              # absent: none is made
 *     issuer: wso2.org/products/am
 *     audience: []
 *     dialect: http://wso2.org/claims
 *     restricted: []
 *     seconds: 900
 *   endpoints:
 *     - name: products
 *       url: http://products.online:80
 *   # As policies.yaml (lib/api/policies.h); absent: the defaults.
 *   policies:
 *     resourcePolicies:
 *       - five: {count: 5, unitTime: 1, timeUnit: min}
 */
#ifndef TOOLKIT_CONF_H
#define TOOLKIT_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/attr.h"

struct arena;
struct err;
struct toolkit_inputs;

/* Fills settings, securities, endpoints and policies of *ret, not its documents. err names line or
 * field. */
bool toolkit_conf_read(struct arena *a, const char *text, size_t n, struct toolkit_inputs *ret,
	struct err *err) MUST_CHECK;

/* The file for these inputs, as pretty JSON (which is YAML). Securities sorted by name, endpoints
 * too. */
char *toolkit_conf_text(struct arena *a, const struct toolkit_inputs *in);

#endif
