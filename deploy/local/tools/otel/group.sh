# shellcheck shell=bash disable=SC2034
# A collector of OpenTelemetry: what the gateway's traces are tested with. Not part of the cluster.
main_module=go.opentelemetry.io/collector/otelcol
binaries=(
	otelcol=.
)
