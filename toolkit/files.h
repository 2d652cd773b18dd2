/* Files for the command line: the library itself touches none. */
#ifndef TOOLKIT_FILES_H
#define TOOLKIT_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/attr.h"
#include "toolkit/toolkit.h"

struct arena;
struct err;

/* Refuses files beyond max_bytes. The text is NUL-terminated behind its *ret_n bytes. */
char *file_read(struct arena *a, const char *path, size_t max_bytes, size_t *ret_n,
	struct err *err) MUST_CHECK;

/* Written whole or not at all: into a new file that then takes the name. */
bool file_write(
	struct arena *a, const char *path, const char *text, size_t n, struct err *err) MUST_CHECK;

bool folder_make(const char *path, struct err *err) MUST_CHECK; /* also when it exists */

/* Every *.yaml, *.yml and *.json below a folder, sorted by name; hidden entries, as of mounted
 * ConfigMaps, are left out. A document's name is its path below the folder. */
bool documents_read(struct arena *a, const char *folder, struct toolkit_document **ret,
	size_t *ret_n, struct err *err) MUST_CHECK;

/* Every *.lua below a folder, in the same way; there may be none. */
bool scripts_read(struct arena *a, const char *folder, struct toolkit_document **ret, size_t *ret_n,
	struct err *err) MUST_CHECK;

#endif
