// Where the definitions of other projects' kinds come from: tests/integration/test_modes.sh applies them.
module crds

go 1.24.0

require (
	github.com/openshift/api v0.0.0-20250710004639-926605d3338b
	istio.io/api v1.24.0
)
