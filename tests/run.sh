#!/bin/sh
# Installs everything the tests need, system packages too, and runs them all; options go to pytest.
# `sh tests/run.sh --quick` installs only Python packages and runs the tests of these rooms: no compiler, browser or network.
quick_rooms="wire decoder daemon doctor view commands"
# `sh tests/run.sh --busy …` runs all tests beside four processes that want the processor all the time.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
quick=
if [ "${1:-}" = --quick ]; then
    quick=yes
    shift
fi
. "$here/host/environment.sh"
if [ "$quick" ]; then
    "$venv/bin/pip" install --quiet -e "$here[quick]"
    cd "$here/tests/host"
    exec "$venv/bin/python" -m pytest -m "not slow and not real_time" "$@" $quick_rooms
fi
if command -v apt-get >/dev/null; then
    # The firmware's compiler, its simulator and the boot loaders of boards, what its checks are made with, a browser for the view, and systemd, which
    # judges the unit of the service; Debian's keys, for the arm64 systems of tests/raspberry_pi.
    packages="make gcc libc6-dev gcc-avr avr-libc binutils-avr simavr libsimavr-dev libelf-dev arduino-core-avr avrdude perl cppcheck clang libclang-rt-dev chromium systemd udev debian-archive-keyring"
    if ! dpkg -s $packages >/dev/null 2>&1; then
        as_root apt-get update -qq
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes $packages >/dev/null
    fi
    # The RP2040's compiler alone, whose C library the firmware does not use, and node with npm for its simulator.
    packages="gcc-arm-none-eabi"
    command -v npm >/dev/null || packages="$packages nodejs npm"
    if ! dpkg -s $packages >/dev/null 2>&1; then
        as_root apt-get update -qq
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends $packages >/dev/null
    fi
fi
"$venv/bin/pip" install --quiet --no-compile -e "$here[train,test]"
cd "$here"
# Bytecode is written once, for each of the many processes that tests start; here on all processors, and without the tests of libraries.
"$venv/bin/python" -m compileall -q -j 0 -x '/site-packages/.*/tests?/' "$venv/lib" host models tests >/dev/null || true
beside="nice -n 19"
if [ "${1:-}" = --busy ]; then
    shift
    busy=
    trap 'kill $busy; echo "The four busy processes are ended."' EXIT
    trap 'exit 130' HUP INT TERM
    for _ in 1 2 3 4; do
        while :; do :; done &
        busy="$busy $!"
    done
    echo "Four busy processes run beside the tests:$busy."
    beside= # with less priority than those it would not end today
    set -- -o timeout=600 "$@"
fi
chosen=
for option in "$@"; do
    case $option in -* | timeout=*) ;; *) chosen=yes ;; esac
done
if [ "$chosen" ]; then
    "$venv/bin/python" -m pytest "$@"
    exit
fi
# Tests of ports and clocks mostly wait, so two lanes of them run beside the tests that compute. These get the processors that are left over, and
# more time before a test counts as hung. Boards that run in real time each want a processor, so their tests share a lane, and the networks are
# trained after them: more lanes at a time starve the boards. One file runs when the other tests of ports and clocks have ended.
alone=tests/loopback/test_calibrated_hand.py
with_boards=$(ls tests/loopback/test_*.py | grep -E "test_(another_language|boot_loader|bridge|flash|real_firmware)\.py")
views=$(ls tests/loopback/test_view_*.py)
last=$(ls tests/loopback/test_*.py | grep -E "/test_(si|st|t)") # so that both lanes end at about the same time
waiting=$(ls tests/loopback/test_*.py | grep -vxF "$alone
$with_boards
$views
$last")
boards="tests/faults tests/raspberry_pi $with_boards $views $last"
computing=$(ls -d tests/*/ tests/test_*.py | grep -Ev "^tests/(faults|raspberry_pi|loopback|models|__pycache__)/")
said=$(mktemp -d)
none=5 # pytest's exit status where the options leave no test
failed=0
lanes=
trap 'kill $lanes 2>/dev/null || true; wait; rm -r "$said"; exit 130' HUP INT TERM
lane() {
    "$@" &
    lanes="$lanes $!"
}
ended() {
    status=0
    wait "$1" || status=$?
    [ $status -eq 0 ] || [ $status -eq $none ] || failed=$status
}
lane $beside "$venv/bin/python" -m pytest -o timeout=600 $computing "$@" >"$said/computing" 2>&1
computes=$!
lane "$venv/bin/python" -m pytest $boards "$@" >"$said/boards" 2>&1
in_real_time=$!
lane "$venv/bin/python" -m pytest $waiting "$@"
waits=$!
ended $in_real_time
lane $beside "$venv/bin/python" -m pytest -o timeout=600 tests/models "$@" >"$said/models" 2>&1
trains=$!
ended $waits
lane "$venv/bin/python" -m pytest $alone "$@"
ended $!
ended $trains
ended $computes
cat "$said/boards" "$said/models" "$said/computing"
rm -r "$said"
exit $failed
