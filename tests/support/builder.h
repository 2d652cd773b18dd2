/* builder-svc's rules and one API's build, "shop/online-store", told through the runtime, over
 * memory. */
#ifndef TESTS_SUPPORT_BUILDER_H
#define TESTS_SUPPORT_BUILDER_H

#include <stdbool.h>

#include "lib/svc/runtime.h"
#include "tests/support/memory.h"

struct arena;
struct build_result;
struct json;

#define HASH_A "aaaaaaaabbbbbbbbccccccccddddddddeeeeeeeeffffffff0000000011111111"
#define HASH_B "99999999bbbbbbbbccccccccddddddddeeeeeeeeffffffff0000000011111111"
#define DIGEST "sha256:5555555555555555555555555555555555555555555555555555555555555555"

/* The end of a container that has built DIGEST. */
#define JOB_BUILT "{'exitCode':0,'message':'" DIGEST "'}"

/* What the registry would answer, and how often it was asked, and for a token. */
extern struct test_registry {
	const char *says;
	unsigned int asked;
	unsigned int tokens;
} registry;

struct fixture {
	struct memory memory;
	struct runtime rt;
	struct arena *arena;
};

/* The state is a fixture: the API asks for an image with HASH_A, which the registry does not have.
 */
int build_begin(void **state);
int build_end(void **state);

/* What api-svc notes. */
void request(struct fixture *f, const char *hash, bool override);
void request_at(struct fixture *f, const char *image, const char *hash, bool override);

/* The service looks at the API. */
struct outcome look(struct fixture *f);
struct outcome look_again(struct fixture *f, unsigned int attempt);

/* As the Job controller and kubelet would. */
void job_ends(struct fixture *f, const char *name, const char *type, const char *terminated);
void job_succeeds(struct fixture *f);

/* Its first Job; what is noted of it. */
const struct json *the_job(struct fixture *f);
bool result(struct fixture *f, struct build_result *ret);

#endif
