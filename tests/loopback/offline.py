"""Runs a Python module so that a socket to anything but this computer's own programs ends it, also in C libraries.

python offline.py MODULE ARGUMENTS…: SIGSYS (return code -31) at the first socket that is no Unix one, in its children
too, by libseccomp.
"""

import ctypes
import os
import socket
import sys

PR_SET_NO_NEW_PRIVS = 38
ALLOW = 0x7FFF0000
END_THE_PROCESS = 0x80000000
NOT_EQUAL = 1


class Comparison(ctypes.Structure):
    """scmp_arg_cmp: index of the compared argument, operation, and value."""

    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("value", ctypes.c_uint64), ("mask", ctypes.c_uint64))


def go_offline() -> None:
    """Confines this process and its children, permanently."""
    libc, seccomp = ctypes.CDLL(None, use_errno=True), ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(seccomp.seccomp_init(ALLOW))
    call = seccomp.seccomp_syscall_resolve_name(b"socket")
    other_family = Comparison(0, NOT_EQUAL, socket.AF_UNIX, 0)
    added = seccomp.seccomp_rule_add_array(
        context, ctypes.c_uint32(END_THE_PROCESS), call, 1, ctypes.byref(other_family)
    )
    assert added == 0
    assert libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    assert seccomp.seccomp_load(context) == 0


if __name__ == "__main__":
    go_offline()
    os.execv(sys.executable, [sys.executable, "-m", *sys.argv[1:]])
