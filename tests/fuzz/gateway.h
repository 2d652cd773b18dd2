/* One small contract for the fuzzers of the gateway: an open document at /s with all kinds of
 * templates, a secured one at /s/a/secured, trusted key: the one that the article's token was
 * signed with. */
#ifndef TESTS_FUZZ_GATEWAY_H
#define TESTS_FUZZ_GATEWAY_H

#include "gateway/core/core.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"

/* clang-format off */
#define OPEN "'operations':[{'method':'GET','id':'o','secured':false,'issuers':[],'scopes':[],'endpoint':0}]}"
#define SECURED "'operations':[{'method':'GET','id':'s','secured':true,'issuers':[0],'scopes':[],'endpoint':0}]}"

static const char fuzz_contract[] =
	"{'version':1,'apis':[{'title':'t','version':'1','basePath':'/s','authHeader':'authorization','paths':["
	"{'template':'/'," OPEN ",{'template':'/a'," OPEN ",{'template':'/a/{x}'," OPEN ",{'template':'/a/b'," OPEN
	",{'template':'/a/{x}/c'," OPEN ",{'template':'/a/b/d'," OPEN ",{'template':'/f/*'," OPEN
	",{'template':'/f/{x}/g'," OPEN ",{'template':'/p/{x}.{y}'," OPEN ",{'template':'/p/{x}'," OPEN ",{'template':'/{y}/z'," OPEN ",{'template':'/private'," SECURED
	",{'template':'/f/private'," SECURED ",{'template':'/a/private'," SECURED "]}],"
	"'issuers':[{'security':'s','issuer':'https://wso2apim:32001/oauth2/token','audience':'http://org.wso2.apimgt/gateway',"
	"'validateSubscription':false,'keys':[{'id':'k','notBefore':0,'notAfter':0,'pem':'"
	"-----BEGIN PUBLIC KEY-----\\n"
	"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAj3mYMT8N2SR8cpimdMOT\\n"
	"pk/M8fOxPF1BHQAiCtld4nbksILgJKsA34GSP5Oh4gLW21VCEPPzdGLnqfwM6ZoG\\n"
	"/X0rcK5++VbqH/vH4Cclba6fqlLxCvTiRbPJ58Pe7+biCeQ368dG2aeBPV3EhO8b\\n"
	"r3Z/LcQXASmhSWps8J3GOSx/49xzkHh59J2gJHhnvjxcszZAF35SLAb6F+2rJQrO\\n"
	"Js6u7WfJv4NQxSyhcgcr4/+77JzNFEVUj4TPSBy2WGAgK5ttP5+kG3+rKs0lQjTo\\n"
	"9h/hK89KjbbRvoqZdpxnwQYxFDOk0CxijZVO5Cs3cabeUHZeXehHSgXj6W+VGMiD\\n"
	"gwIDAQAB\\n"
	"-----END PUBLIC KEY-----\\n"
	"'}]}],'endpoints':[{'url':'http://h'}],'settings':{'clockSkewSeconds':60,'removeAuthHeader':true,'verifyHostname':false,"
	"'jwtHeader':'X','maxUriBytes':4096,'maxHeaderBytes':8192,'maxBodyBytes':-1,'tokenCacheEntries':16,'httpPort':9090,"
	"'httpsPort':9095,'metricsPort':9797,'http2':true}}";
/* clang-format on */

/* Lives as long as the fuzzer. */
static struct core *fuzz_core(void)
{
	static struct arena *a; /* reachable to the end, so no leak */
	char *text;
	struct err err = { .msg = "" };
	struct contract *c;

	a = arena_new();
	text = arena_dup(a, fuzz_contract);
	for (char *p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	c = contract_load(a, text, strlen(text), &err);
	if (!c) {
		(void)fprintf(stderr, "%s\n", err.msg);
		abort();
	}
	return core_new(c, NULL);
}

#endif
