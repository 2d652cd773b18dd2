/* The certificates of backends that an API names (spec.definition.endpointCertificates): Secrets of
 * its namespace with an entry certificate.crt. They are public and become part of the contract. */
#ifndef API_SVC_CERTIFICATES_H
#define API_SVC_CERTIFICATES_H

struct inputs;
struct needs;
struct world;

/* Fills in->certificates; what is missing or unreadable is a problem of ResolvedRefs. */
void certificates_read(const struct world *w, struct inputs *in);

/* Asks for what certificates_read looks for. */
void certificates_need(const struct inputs *in, struct needs *n);

#endif
