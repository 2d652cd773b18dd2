/* Keys, tokens, contracts and requests for tests of the gateway's core. */
#ifndef TESTS_SUPPORT_GATEWAY_H
#define TESTS_SUPPORT_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/core/core.h"
#include "gateway/core/signature.h"

struct arena;
struct evp_pkey_st;

/* A 2048-bit RSA key made once per program and number; freed at exit. */
struct evp_pkey_st *test_key(size_t number);
char *test_key_pem(struct arena *a, struct evp_pkey_st *key);
char *test_key_json(
	struct arena *a, struct evp_pkey_st *key, int64_t not_before, int64_t not_after);

/* The same for other keys: "P-256", "P-384", "P-521", "secp256k1", "ED25519", "RSA-1024". */
struct evp_pkey_st *test_key_of(const char *type);

/* The same key for those who verify. */
struct signature_key *test_verifies(struct arena *a, struct evp_pkey_st *key);

/* The signature that a token of that algorithm ends with, whatever key it is: not encoded. */
struct span test_sign(
	struct arena *a, struct evp_pkey_st *key, enum signature_alg alg, const char *text);

/* A token whose header is {"alg":name} and whose signature is made with alg. */
char *a_token_as(struct arena *a, struct evp_pkey_st *key, enum signature_alg alg, const char *name,
	const char *claims);

char *base64url(struct arena *a, const void *bytes, size_t n);

/* header and claims are JSON as they shall stand in the token; hash is 256, 384 or 512. */
char *sign_token(
	struct arena *a, struct evp_pkey_st *key, int hash, const char *header, const char *claims);

/* RS256 with the usual header. */
char *a_token(struct arena *a, struct evp_pkey_st *key, const char *claims);

/* "settings" of a contract, for json_format. */
extern const char test_settings[];

/* Loads or fails the test. */
struct contract *a_contract(struct arena *a, const char *json);

char *test_file(struct arena *a, const char *name, size_t *ret_n);

/* A test whose state is an arena of its own. */
int test_arena_new(void **state);
int test_arena_free(void **state);
#define WITH_ARENA(test) cmocka_unit_test_setup_teardown(test, test_arena_new, test_arena_free)

/* A request with one Authorization header (NULL: none). */
void decide(struct core *core, struct arena *a, enum method m, const char *target,
	const char *authorization, int64_t now_s, struct verdict *ret);

#endif
