#!/bin/sh
# Makes a release in the folder DIR: sh .github/release/make.sh DIR
# Source archive, wheel, a list of the packages that the wheel brings (CycloneDX), the boards' firmware out of the wheel, and
# the hashes of all.
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
"$python" -m pip --python "$clean" install --quiet --no-compile "$out"/*.whl
"$python" -m cyclonedx_py environment "$clean/bin/python" --output-reproducible --of JSON -o "$out/sbom.cdx.json"
images=$("$clean/bin/python" -c 'from myobridge.feed.flashing.images import FOLDER; print(FOLDER)')
for image in "$images"/*.hex "$images"/*.uf2; do
    cp "$image" "$out/myobridge-firmware-$(basename "$image")"
done
(cd "$out" && sha256sum -- *.tar.gz *.whl sbom.cdx.json myobridge-firmware-* >SHA256SUMS)
