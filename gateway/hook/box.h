/* Between the files of this folder: what a running script stands in. */
#ifndef GATEWAY_HOOK_BOX_H
#define GATEWAY_HOOK_BOX_H

#include <lua.h>

#include "gateway/hook/hook.h"

/* One run of a script. */
struct box {
	struct arena *a;
	enum hook_phase phase;
	const struct hook_view *view;
	struct hook_changes *changes;
	const struct json *claims; /* once asked for; NULL: there are none */
	bool asked_claims;
};

/* The run that goes on. */
struct box *box_of(lua_State *L);

/* Counts work that is done outside of Lua's machine; does not return when that was too much. */
void box_charge(lua_State *L, size_t steps);

/* The same for memory that is not Lua's: it counts like Lua's own. */
void box_grow(lua_State *L, size_t bytes);

/* value.c: pushes a value of JSON as one of Lua's. exact: it can be written as it was, null is
 * json.null and a number that would be another one is an error; else null is nil. */
void value_push(lua_State *L, const struct json *v, bool exact);

/* value.c: adds `json` to the table on top. */
void values_add(lua_State *L);

/* In the place of the table on top, for good: all scripts share it and none can write to it. */
void box_protect(lua_State *L);

/* library.c: pushes the table of all that scripts know by name, but the objects. */
void library_push(lua_State *L);

/* object.c: adds `request` and `response` to the table on top. */
void objects_add(lua_State *L);

#endif
