"""Runs `myobridge …` under the system-call filter and the memory rules of the service's unit, without systemd.

python confined.py UNIT ARGUMENTS…: what systemd does between fork and exec, with libseccomp. The filter's groups are
systemd's own (`systemd-analyze syscall-filter`).
"""

import ctypes
import errno
import os
import subprocess
import sys
from pathlib import Path

PR_SET_NO_NEW_PRIVS = 38
PR_SET_MDWE = 65
ALLOW = 0x7FFF0000
REFUSE = 0x00050000
NO_SUCH_CALL = -1


def calls_of(group: str) -> set[str]:
    """The system calls of a name, which may name a group."""
    if not group.startswith("@"):
        return {group}
    listed = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager", group], capture_output=True, text=True, check=True
    ).stdout.split("\n")[1:]
    names = [line.strip() for line in listed if line.strip() and not line.strip().startswith("#")]
    return set().union(*(calls_of(name) for name in names))


def allowed(unit: str) -> set[str]:
    """The system calls that the SystemCallFilter lines allow, read in order."""
    calls: set[str] = set()
    for line in unit.splitlines():
        key, _, value = line.partition("=")
        if key == "SystemCallFilter":
            named = set().union(*(calls_of(group) for group in value.removeprefix("~").split()))
            calls = calls - named if value.startswith("~") else calls | named
    return calls


def confine(unit: str) -> None:
    """Confines this process and its children, permanently."""
    libc, seccomp = ctypes.CDLL(None, use_errno=True), ctypes.CDLL("libseccomp.so.2")
    calls = allowed(unit)
    assert "MemoryDenyWriteExecute=yes" in unit
    if libc.prctl(PR_SET_MDWE, 1, 0, 0, 0):
        print("This kernel cannot deny memory that is writable and executable.", file=sys.stderr)
    assert libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    seccomp.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(seccomp.seccomp_init(REFUSE | errno.EPERM))
    for name in calls:
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number != NO_SUCH_CALL:
            seccomp.seccomp_rule_add(context, ALLOW, number, 0)
    assert seccomp.seccomp_load(context) == 0


def assert_confined() -> None:
    """Checks that the filter works: it refuses a call of a denied group."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0))
    except PermissionError:
        return
    raise AssertionError("The filter lets everything through.")


if __name__ == "__main__":
    confine(Path(sys.argv[1]).read_text(encoding="utf-8"))
    assert_confined()
    os.execv(
        sys.executable, [sys.executable, "-m", "myobridge", *sys.argv[2:]]
    )  # like systemd, before anything is loaded
