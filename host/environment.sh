# Sourced by demo.sh and tests/run.sh with $here set: makes .venv with Python 3.11 or newer; sets $venv and as_root.
# With $quick set, it installs no system package.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}
venv="$here/.venv"
if [ ! -x "$venv/bin/pip" ]; then
    python=$(command -v python3 || true)
    if [ -z "$python" ] || ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        echo "myobridge needs Python 3.11 or newer; install it, then run this again." >&2
        exit 1
    fi
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        if [ "${quick:-}" ]; then
            echo "Python's venv module is missing; run \`sudo apt-get install python3-venv\`, then run this again." >&2
            exit 1
        fi
        as_root apt-get update -qq
        as_root apt-get install -qq --yes python3-venv
    fi
    "$python" -m venv "$venv"
fi
