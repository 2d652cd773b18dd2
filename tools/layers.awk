# Which folder may include which: awk -f tools/layers.awk $(git ls-files '*.c' '*.[ch]pp' '*.h')
#
# A folder is a layer. It may include itself and what stands behind it in `may`; foreign headers belong to the folders
# named in `foreign`, and a header in `internal` is for its own folder only. Includes are written from the root, so that
# all of this can be read off the text.

BEGIN {
	may["lib/base"] = ""
	may["lib/json"] = "lib/base"
	may["lib/yaml"] = "lib/base lib/json"
	may["lib/x509"] = "lib/base"
	may["lib/api"] = "lib/base lib/json"
	may["lib/conf"] = "lib/base lib/json lib/yaml lib/api"
	may["lib/msg"] = "lib/base lib/api"
	may["lib/plan"] = "lib/base lib/json lib/api lib/msg"
	may["lib/kube"] = "lib/base lib/json lib/yaml lib/api"
	may["lib/bus"] = "lib/base lib/json"
	may["lib/svc"] = "lib/"
	may["security-svc"] = may["ratelimit-svc"] = may["endpoint-svc"] = may["builder-svc"] = "lib/"
	may["api-svc"] = "lib/ toolkit gateway/core/contract.h"
	may["watcher"] = "lib/"
	may["toolkit"] = "lib/base lib/json lib/yaml lib/x509 lib/api gateway/core gateway/schema gateway/hook/hook.h"
	may["gateway/core"] = "lib/base lib/json lib/x509 gateway/schema"
	may["gateway/schema"] = ""
	may["gateway/usage"] = "gateway/core gateway/nginx/text.h lib/base lib/json lib/api lib/msg lib/bus"
	may["gateway/hook"] = "lib/base lib/json gateway/core/core.h"
	may["gateway/nginx"] = may["gateway/module"] = may["gateway/launcher"] = "gateway/core gateway/schema gateway/hook/hook.h lib/base lib/json"
	may["apictl"] = "lib/base lib/json lib/yaml lib/api lib/kube lib/plan/reasons.h"

	internal["gateway/core/decision.h"] = 1

	foreign["cjson/"] = "lib/json"
	foreign["cJSON"] = "lib/json"
	foreign["yaml.h"] = "lib/yaml"
	foreign["curl/"] = "lib/kube builder-svc"
	foreign["nats/"] = "lib/bus"
	foreign["nats.h"] = "lib/bus"
	foreign["openssl/"] = "lib/base lib/x509 lib/kube gateway/core gateway/nginx gateway/module gateway/launcher"
	foreign["lua.h"] = foreign["lauxlib.h"] = foreign["lualib.h"] = "gateway/hook"
	foreign["expat.h"] = "gateway/core"
	foreign["protobuf-c/"] = "lib/msg"
	foreign["proto/"] = "lib/msg"
	foreign["ngx_"] = "gateway/nginx gateway/module"
	foreign["rapidjson/"] = foreign["valijson/"] = foreign["re2/"] = "gateway/schema"
	foreign["cmocka.h"] = ""
}

function layer_of(path, part, n) {
	n = split(path, part, "/")
	if (part[1] == "lib" || part[1] == "gateway")
		return part[1] "/" part[2]
	return n > 1 ? part[1] : ""
}

function is_free(layer) {
	return layer == "tests" || layer == "bench" || layer == "deploy"
}

function complain(what) {
	printf "%s:%d: %s\n", FILENAME, FNR, what
	bad++
}

# list: names separated by spaces; one that ends in "/" stands for all below it.
function allowed(list, target, header, entry, n, i) {
	n = split(list, entry, " ")
	for (i = 1; i <= n; i++) {
		if (entry[i] == target || entry[i] == header)
			return 1
		if (entry[i] ~ /\/$/ && index(target "/", entry[i]) == 1)
			return 1
	}
	return 0
}

function check_foreign(header, prefix) {
	for (prefix in foreign)
		if (index(header, prefix) == 1 && !allowed(foreign[prefix], layer, header))
			complain(layer " may not include " header (foreign[prefix] ? ": that is for " foreign[prefix] : ""))
}

function check_own(header, target) {
	target = layer_of(header)
	if (index(header, "proto/") == 1)
		return check_foreign(header)
	if (target == "" || header ~ /\.\./)
		return complain("\"" header "\" is not written from the root")
	if (target != layer && header in internal)
		return complain(layer " may not include " header ": that is for " target)
	if (target != layer && !allowed(may[layer], target, header))
		complain(layer " may not include " target)
}

FNR == 1 {
	layer = layer_of(FILENAME)
	if (FILENAME ~ /(^|\/)(util|utils|common|helper|helpers|misc)\.[ch]$/)
		complain("a file is named after what it is about")
	if (!is_free(layer) && !(layer in may))
		complain("folder " layer " has no place in tools/layers.awk")
}

is_free(layer) {
	nextfile
}

# nginx' headers include each other in one order and are not written from our root.
/^[ \t]*#[ \t]*include[ \t]*"ngx_/ {
	next
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
	split($0, quoted, "\"")
	check_own(quoted[2])
}

/^[ \t]*#[ \t]*include[ \t]*</ {
	split($0, angle, /[<>]/)
	check_foreign(angle[2])
}

END {
	exit bad > 0
}
