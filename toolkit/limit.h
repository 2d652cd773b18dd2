/* Tiers that documents name and policies → the contract's limits. */
#ifndef TOOLKIT_LIMIT_H
#define TOOLKIT_LIMIT_H

#include "gateway/core/limits.h"

struct arena;
struct model_tier;
struct policies;
struct vec;

/* Warns of tiers that no policy has: their calls are refused until there is one.
 * models: struct model *. policies NULL: the defaults. all_resources: those are in, too, that no
 * document names. */
struct limits limits_compile(
	struct arena *a, const struct vec *models, const struct policies *p, bool all_resources);

/* What the contract says; "Unlimited" is no tier. */
struct tier limits_tier(const struct limits *l, const struct model_tier *t);

#endif
