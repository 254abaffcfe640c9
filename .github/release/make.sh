#!/bin/sh
# Makes a release in the folder DIR: sh .github/release/make.sh DIR
# Source archive, wheel, a list of the packages that the wheel brings (CycloneDX), and the hashes of all three.
# Needs the extra `release`; PYTHON names its interpreter.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
python=${PYTHON:-python3}
mkdir -p "$1"
out=$(cd "$1" && pwd)
clean=$(mktemp -d)
trap 'rm -rf "$clean"' EXIT
"$python" -m build --outdir "$out" "$root" >/dev/null
"$python" -m venv --without-pip "$clean"
"$python" -m pip --python "$clean" install --quiet "$out"/*.whl
"$python" -m cyclonedx_py environment "$clean/bin/python" --output-reproducible --of JSON -o "$out/sbom.cdx.json"
(cd "$out" && sha256sum -- *.tar.gz *.whl sbom.cdx.json >SHA256SUMS)
