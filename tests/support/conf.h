/* A configuration, as the operator's ConfigMaps say it. */
#ifndef TESTS_SUPPORT_CONF_H
#define TESTS_SUPPORT_CONF_H

#include "lib/api/finding.h"
#include "lib/base/attr.h"
#include "lib/conf/conf.h"

struct arena;

struct fixture {
	struct arena *arena;
	struct conf_input in;
	struct conf conf;
	struct findings findings;
};

/* Nothing but the images that the operator is started with. */
struct fixture a_conf(void);
void release(struct fixture *x);

/* data in the single-quoted form of json_format; replaces the object's. */
void conf_has(struct fixture *x, enum conf_object o, const char *data);

void read_conf(struct fixture *x);

/* What the fatal findings say. */
const char *wrong(struct fixture *x);

#endif
