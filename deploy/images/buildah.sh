# shellcheck shell=bash disable=SC2034
# buildah with its files in a folder of ours, as it is to be called. Sourced; $work is that folder.
mkdir -p "${work:?}"
buildah=(buildah --root "$work/buildah" --runroot "$work/buildah-run" --storage-driver vfs)
printf '[network]\nnetwork_config_dir = "%s"\n' "$work/buildah-network" >"$work/buildah.conf"
export CONTAINERS_CONF=$work/buildah.conf
