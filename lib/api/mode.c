#include "lib/api/mode.h"

#include "lib/base/str.h"

static const char *const names[] = {
	[MODE_UNSET] = "",
	[MODE_PRIVATE_JET] = "privateJet",
	[MODE_SIDECAR] = "sidecar",
	[MODE_SHARED] = "shared",
	[MODE_SERVERLESS] = "serverless",
	[MODE_UNKNOWN] = "unknown",
};

enum mode mode_parse(const char *text)
{
	if (str_empty(text))
		return MODE_UNSET;
	for (enum mode m = MODE_PRIVATE_JET; m < MODE_UNKNOWN; m++)
		if (str_eq_nocase(text, names[m]))
			return m;
	return MODE_UNKNOWN;
}

const char *mode_name(enum mode mode)
{
	return names[mode <= MODE_UNKNOWN ? mode : MODE_UNKNOWN];
}
