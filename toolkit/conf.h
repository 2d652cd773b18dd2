/* micro-gw.conf: settings, Securities and endpoints as one YAML document, for `toolkit compile`
 * inside the build.
 *
 * Only public things stand in it. Absent fields take the defaults of toolkit_settings_default;
 * unknown fields are errors.
 *
 *   settings:
 *     defaultSecurity: default-security-jwt
 *     authHeader: Authorization
 *     removeAuthHeader: true
 *     jwtHeader: X-JWT-Assertion
 *     verifyHostname: false
 *     validateRequests: false
 *     validateResponses: false
 *     clockSkewSeconds: 60
 *     tokenCacheEntries: 10000
 *     maxUriBytes: 4096
 *     maxHeaderBytes: 8192
 *     maxBodyBytes: -1
 *     httpPort: 9090
 *     httpsPort: 9095
 *     metricsPort: 9797
 *     http2: true
 *   securities:
 *     - name: default-security-jwt
 *       type: jwt
 *       issuers:
 *         - issuer: https://wso2apim:32001/oauth2/token
 *           audience: http://org.wso2.apimgt/gateway      # absent or "": not checked
 *           validateSubscription: false
 *           keys:
 *             - pem: |                                    # certificate or public key; or `der:`
 * with base64 of a DER certificate
 *                 -----BEGIN PUBLIC KEY-----
 *               notBefore: 1566564633                     # seconds since 1970, for bare public
 * keys notAfter: 1881924633 endpoints:
 *     - name: products
 *       url: http://products.online:80
 */
#ifndef TOOLKIT_CONF_H
#define TOOLKIT_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/attr.h"

struct arena;
struct err;
struct toolkit_inputs;

/* Fills settings, securities and endpoints of *ret, not its documents. err names line or field. */
bool toolkit_conf_read(struct arena *a, const char *text, size_t n, struct toolkit_inputs *ret,
	struct err *err) MUST_CHECK;

/* The file for these inputs, as pretty JSON (which is YAML). Securities sorted by name, endpoints
 * too. */
char *toolkit_conf_text(struct arena *a, const struct toolkit_inputs *in);

#endif
