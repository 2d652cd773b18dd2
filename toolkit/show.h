/* A contract for people. */
#ifndef TOOLKIT_SHOW_H
#define TOOLKIT_SHOW_H

struct arena;
struct contract;

/* Several lines, each ended by a newline. */
char *toolkit_show(struct arena *a, const struct contract *c);

#endif
