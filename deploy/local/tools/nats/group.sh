# shellcheck shell=bash disable=SC2034
# The message broker and its command line client.
main_module=github.com/nats-io/natscli
binaries=(
	nats-server=github.com/nats-io/nats-server/v2
	nats=github.com/nats-io/natscli/nats
)
stamps=(main.version=VERSION)
