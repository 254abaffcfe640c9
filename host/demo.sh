#!/bin/sh
# From a fresh Debian or Raspberry Pi OS machine to the running demo; options go to `myobridge demo`.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/host/environment.sh"
"$venv/bin/pip" install --quiet -e "$here"
exec "$venv/bin/myobridge" demo "$@"
