/* The build stage of a gateway's image: compile, boot, prove.
 *
 *   build-gateway IN OUT
 *
 * IN/swagger and IN/mgwconf/micro-gw.conf become OUT/contract.json; with CONTRACT_SHA256 in the
 * environment the result must have that hash. Then a gateway is started with it on a free loop-back
 * port, and asked whether it does what the contract says.
 */
#ifndef GATEWAY_LAUNCHER_BUILD_H
#define GATEWAY_LAUNCHER_BUILD_H

struct settings;

/* Exit status. */
int build(struct settings *s, const char *in, const char *out);

/* Loads the contract of the settings and checks the configuration, without starting anything. */
int build_check(struct settings *s);

/* Boots the contract of the settings and proves it. */
int build_prove(struct settings *s);

#endif
