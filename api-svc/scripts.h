/* Hooks that documents name, from the ConfigMaps of spec.definition.hooks: every entry is a script.
 */
#ifndef API_SVC_SCRIPTS_H
#define API_SVC_SCRIPTS_H

struct inputs;
struct needs;
struct world;

void scripts_find(const struct world *w, struct inputs *in);
void scripts_need(const struct inputs *in, struct needs *n);

#endif
