#!/bin/bash
# Checks that what decides cannot reach the world: tools/pure.sh BUILD_VARIANT_FOLDER SERVICE...
#
# The object files of each service (without main.o and the effect shells named below) and of the pure libraries may use
# nothing but the pure libraries, themselves and those functions of the C library that neither read nor change
# anything outside their arguments. Anything else is printed.
set -euo pipefail

build=$1
shift

# Files that exist to have an effect, and their one reason.
effects=(
	security-svc/observe.o  # random bytes, between gather and reconcile
	builder-svc/observe.o   # asks the registry between gather and reconcile
	builder-svc/http.o      # libcurl
	builder-svc/registry.o  # HTTP to the registry
	builder-svc/ecr.o       # HTTP to Amazon, for a token
	builder-svc/challenge.o # the token dance of that HTTP
)

# Programs of another shape: only these files of them decide.
declare -A pure_part=(
	[watcher]='graph.o index.o judge.o lease.o message.o'
)

# clock_real is the clock; contract_load_file reads a file. The rest of these folders is pure.
libraries=(lib/base lib/json lib/yaml lib/x509 lib/api lib/conf lib/msg lib/plan toolkit gateway/core)
impure_exports='^(clock_real|contract_load_file|main)$'
checked_libraries=(lib/api lib/conf lib/msg lib/plan)

libc='^(mem(chr|cmp|cpy|mem|move|set)|str(chr|rchr|chrnul|cmp|ncmp|casecmp|ncasecmp|len|nlen|spn|cspn|pbrk|str|casestr|toll|toull|tol|toul|tod)|v?snprintf|(qsort|bsearch)|abort|__ctype_(b|tolower|toupper)_loc|(to(lower|upper))|(pow|floor|ceil|fabs|trunc|round)|(timegm|gmtime_r|strptime)|inet_pton|__errno_location)$'
compiler='^(_GLOBAL_OFFSET_TABLE_|__stack_chk_fail|__(mem|str|v?snprintf)[a-z]*_chk|__isoc[0-9]+_[a-z]+|__(asan|ubsan|tsan|sanitizer)_.*)$'
foreign='^(protobuf_c_.*|apim__v1__.*)$'
process_memory='^(malloc|calloc|free)$' # of the watcher's index, which lives as long as the process

objects() { # FOLDER → its object files without main.o
	find "$build/obj/$1" -maxdepth 1 -name '*.o' ! -name main.o 2>/dev/null | sort
}

exports() { nm --defined-only --extern-only "$@" 2>/dev/null | awk 'NF == 3 { print $3 }'; }
imports() { nm --undefined-only "$@" 2>/dev/null | awk '$1 == "U" { print $2 }'; }

is_effect() {
	local e
	for e in "${effects[@]}"; do [[ $1 == "$build/obj/$e" ]] && return 0; done
	return 1
}

allowed=$(mktemp)
trap 'rm -f "$allowed"' EXIT
for library in "${libraries[@]}"; do
	mapfile -t files < <(objects "$library")
	[[ ${#files[@]} -gt 0 ]] && exports "${files[@]}"
done | { grep -Ev "$impure_exports" || true; } | sort -u >"$allowed"

bad=0
check() { # NAME FILE...: every import is allowed or exported by one of the files
	local name=$1 impure own='^$'
	[[ $name != watcher ]] || own=$process_memory
	shift
	[[ $# -gt 0 ]] || return 0
	impure=$(imports "$@" | sort -u | { grep -Ev "$libc|$compiler|$foreign|$own" || true; } |
		comm -23 - <({ exports "$@"; cat "$allowed"; } | sort -u))
	[[ -z $impure ]] && return 0
	bad=1
	echo "$name: impure symbols: ${impure//$'\n'/ }" >&2
}

for service in "$@"; do
	files=()
	while read -r file; do
		if [[ -n ${pure_part[$service]-} && " ${pure_part[$service]} " != *" ${file##*/} "* ]]; then
			continue
		fi
		is_effect "$file" || files+=("$file")
	done < <(objects "$service")
	check "$service" "${files[@]}"
done
for library in "${checked_libraries[@]}"; do
	mapfile -t files < <(objects "$library")
	check "$library" "${files[@]}"
done
exit $bad
