/* Members of a JSON object into members of a struct, by a table.
 *
 * Absent, null and "" leave the struct's member as it is. A member of another type, out of range or
 * not a name is a finding of kind FINDING_INVALID_FIELD and leaves it as it is, too.
 */
#ifndef LIB_API_FIELD_H
#define LIB_API_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct findings;
struct json;

enum field_type {
	FIELD_STRING,  /* const char * */
	FIELD_STRINGS, /* struct vec of const char * */
	FIELD_INT,     /* int64_t in [min, max] */
	FIELD_BOOL,    /* bool */
};

enum field_flags {
	FIELD_REQUIRED = 1 << 0,
	FIELD_NAME = 1 << 1, /* strings must be names that objects can have */
};

struct field {
	const char *key;
	size_t offset;
	enum field_type type;
	unsigned int flags;
	int64_t min;
	int64_t max;
};

enum {
	FIELD_MAX_ITEMS = 256, /* of a list of strings */
};

/* path: of the object, for findings ("spec.deploy"). object may be NULL or of any type. */
void fields_read(struct findings *f, const char *path, const struct json *object,
	const struct field *fields, size_t n, void *ret);

/* The member is there and neither null nor "". */
bool field_given(const struct json *object, const char *key);

/* "path.key", in the arena of f. */
char *field_path(const struct findings *f, const char *path, const char *key);

#endif
