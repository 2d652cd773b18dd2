#include "api-svc/dockerfile.h"

#include "lib/base/arena.h"

char *dockerfile_text(struct arena *a, const char *toolkit_image, const char *runtime_image)
{
	return arena_printf(a,
		"FROM %s AS build\n"
		"ARG CONTRACT_SHA256\n"
		"COPY swagger/ /in/swagger/\n"
		"COPY mgwconf/ /in/mgwconf/\n"
		"RUN [\"/usr/bin/build-gateway\", \"/in\", \"/out\"]\n"
		"\n"
		"FROM %s\n"
		"COPY --from=build /out/contract.json /etc/gateway/contract.json\n",
		toolkit_image, runtime_image);
}
