/* One Security: its Secrets → Secret `<security>-security` with the compiled policy.
 *
 * Conditions: Accepted, ResolvedRefs (make up Ready), CertificatesValid, UnusedFields. While it is
 * not Ready the Secret stays as it was: gateways go on with what they have.
 */
#ifndef SECURITY_SVC_SECURITY_H
#define SECURITY_SVC_SECURITY_H

#include <stdbool.h>

#include "lib/base/attr.h"

struct err;
struct needs;
struct plan;
struct world;

enum {
	SECURITY_WARN_DAYS = 30, /* before a certificate expires */
};

void security_needs(const struct world *w, struct needs *n);
bool security_reconcile(const struct world *w, struct plan *p, struct err *err) MUST_CHECK;

#endif
