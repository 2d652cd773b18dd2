#include "security-svc/observe.h"

#include <sys/random.h>

#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/json/json.h"
#include "lib/plan/world.h"
#include "security-svc/operator.h"

enum {
	SECRET_BYTES = 32,
};

bool security_observe(struct world *w, struct err *err)
{
	unsigned char bytes[SECRET_BYTES];

	if (!operator_lacks_secret(w))
		return true;
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return err_set(err, ERR_UNAVAILABLE, "no random bytes");
	w->observed = json_format(w->arena, "{'secret':%s}", hex(w->arena, bytes, sizeof(bytes)));
	return true;
}
