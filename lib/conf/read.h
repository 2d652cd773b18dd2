/* What the files of lib/conf share while one configuration is read. Internal to lib/conf. */
#ifndef LIB_CONF_READ_H
#define LIB_CONF_READ_H

#include "lib/conf/conf.h"

struct conf_read {
	struct arena *arena;
	const struct conf_input *in;
	struct findings *findings;
};

/* NULL when absent or empty. */
const char *conf_text(const struct conf_read *r, enum conf_object o, const char *key);

/* The same for YAML: as shipped, some hold nothing but comments, which is as good as absent. */
const char *conf_yaml(const struct conf_read *r, enum conf_object o, const char *key);

void conf_read_exposure(struct conf_read *r, struct conf *ret);
void conf_read_mounts(struct conf_read *r, struct conf *ret);
void conf_read_tracing(struct conf_read *r, struct conf_tracing *t);
/* Names between commas; one that cannot be that of `what` ("a Secret") is a finding at the path. */
void conf_split_names(
	struct conf_read *r, const char *path, const char *what, const char *text, struct vec *ret);

void conf_read_registry(struct conf_read *r, struct conf_registry *ret);

#endif
