#!/usr/bin/env bash
# counterparts.sh [keycloak|moto...]: installs programs of others that tests speak with, once per machine and version.
#   keycloak  an OAuth2 and OpenID Connect server: from Maven, for a Java runtime of Debian
#   moto      Amazon's APIs on this machine, which verify what is signed: from PyPI
# They are kept where build.sh keeps what it makes, under a hash of what they come from; build/tools/<name> leads there.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=env.sh
. "$here/env.sh"

KEYCLOAK=org.keycloak:keycloak-quarkus-dist:26.5.6:zip
KEYCLOAK_SHA256=490189d9dff05272432d51f71a069462eeca97f2920a694d539a1e6c26a5a347
KEYCLOAK_BUILD=(--db=dev-mem) # in memory: an instance leaves nothing behind
MAVEN_COPY=org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy
MOTO=(moto==5.2.5 flask==3.1.3 flask-cors==6.0.5)

key_of() { printf '%s\n' "$@" | sha256sum | cut -c1-16; }

# program NAME PACKAGE: NAME can be called; its Debian package is installed if it cannot.
program() { command -v "$1" >/dev/null || "$here/apt.sh" "$2"; }

install_keycloak() { # FOLDER
	local zip=${KEYCLOAK#*:} file=$1.zip
	zip=${zip%:zip}
	program mvn maven
	echo "counterparts: keycloak: fetching 160 MB"
	mvn -B -q -Dstyle.color=never "$MAVEN_COPY" -Dartifact="$KEYCLOAK" -DoutputDirectory="$1.download" -Dmdep.stripVersion=false
	echo # Maven leaves its last line open
	mv "$1.download/${zip/:/-}.zip" "$file"
	sha256sum -c --quiet <<<"$KEYCLOAK_SHA256  $file"
	echo "counterparts: keycloak: unpacking, and settling what is known before a start"
	python3 -m zipfile -e "$file" "$1.download"
	mv "$1.download/keycloak-${zip#*:}" "$1"
	sh "$1/bin/kc.sh" build "${KEYCLOAK_BUILD[@]}"
	rm -rf "$file" "$1.download"
}

install_moto() { # FOLDER
	dpkg-query -W python3-venv >/dev/null 2>&1 || "$here/apt.sh" python3-venv
	echo "counterparts: moto: fetching 25 packages"
	python3 -m venv "$1"
	"$1/bin/pip" install -q --disable-pip-version-check "${MOTO[@]}"
}

mkdir -p "$TOOLS_BIN" "$CACHE"
exec 9>"$CACHE/counterparts.lock"
if ! flock -n 9; then
	echo "counterparts: waiting for another installation on this machine"
	flock 9
fi

names=("$@")
((${#names[@]})) || names=(keycloak moto)
for name in "${names[@]}"; do
	case $name in
	keycloak)
		program java openjdk-17-jre-headless
		key=$(key_of "$KEYCLOAK" "$KEYCLOAK_SHA256" "${KEYCLOAK_BUILD[@]}")
		;;
	moto) key=$(key_of "${MOTO[@]}" "$(python3 -V)") ;;
	*)
		echo "counterparts: no such program: $name (there are: keycloak moto)" >&2
		exit 2
		;;
	esac
	folder=$CACHE/$name-$key
	if [[ ! -f $folder/complete ]]; then
		start=$SECONDS log=$CACHE/$name-$key.log
		rm -rf "$folder" "$folder".*
		# In the background, since in a condition a failure would not stop it.
		"install_$name" "$folder" > >(tee "$log" | grep --line-buffered '^counterparts: ') 2>&1 9>&- &
		if ! wait $!; then
			tail -n 20 "$log" >&2
			echo "counterparts: $name could not be installed, see $log" >&2
			exit 1
		fi
		touch "$folder/complete"
		rm -f "$log"
		echo "counterparts: $name, $((SECONDS - start))s, $(du -sm "$folder" | cut -f1) MB"
	fi
	touch "$folder"
	ln -sfnT "$folder" "$REPO/build/tools/$name"
done
