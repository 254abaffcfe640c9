"""A command in its own terminal, as a person sees it: its output, keys, Ctrl-Z, and the shell's modes."""

import os
import re
import select
import subprocess
import termios
import time
from contextlib import contextmanager, suppress

from children import children_of
from processes import command

COLOURS_AND_MOVES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[()=>][0-9AB]?|\r")


class Terminal:
    """The terminal's side of a pty; a command has the other side as its input and output."""

    def __init__(self, process, ours):
        self.process, self._ours = process, ours
        self.shown, self.raw = "", ""

    def read_until(self, text, within_s=40):
        """Reads until `text` is shown; the next call searches behind it."""
        until_s = time.monotonic() + within_s
        while text not in self.shown:
            assert time.monotonic() < until_s, f"{text!r} was not shown, but:\n{self.shown[-2000:]}"
            if not self._read(0.2) and self.process.poll() is not None and not self._read(0.2):
                assert text in self.shown, f"{text!r} was not shown, but:\n{self.shown[-2000:]}"
        before, _, self.shown = self.shown.partition(text)
        return before + text

    def read_to_the_end(self, within_s=40):
        """The rest of the output, once the command has ended."""
        until_s = time.monotonic() + within_s
        while self._read(0.2) or self.process.poll() is None:
            assert time.monotonic() < until_s, self.shown[-2000:]
        return self.shown

    def _read(self, wait_s):
        if not select.select([self._ours], [], [], wait_s)[0]:
            return False
        try:
            data = os.read(self._ours, 65536)
        except OSError:  # the other side is closed
            return False
        self.raw += data.decode(errors="replace")
        self.shown += COLOURS_AND_MOVES.sub("", data.decode(errors="replace"))
        return bool(data)

    def press(self, keys):
        os.write(self._ours, keys)

    def fileno(self):
        return self._ours

    @property
    def modes(self):
        return termios.tcgetattr(self._ours)

    @property
    def children(self):
        return children_of(self.process.pid)


@contextmanager
def in_terminal(*arguments, columns=100, rows=40, stdout=None, shell=False, **environment):
    """A command in a terminal of this size, or a shell without one."""
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (rows, columns))
    wanted = {**os.environ, "TERM": "xterm-256color", **environment}
    kept = {name: value for name, value in wanted.items() if value is not None and name not in ("COLUMNS", "LINES")}
    program = ["bash", "--norc", "--noprofile", "--noediting", "-i"] if shell else command(*arguments)
    process = subprocess.Popen(
        ["setsid", "--ctty", *program], stdin=theirs, stdout=stdout or theirs, stderr=theirs, env=kept
    )
    os.close(theirs)
    terminal = Terminal(process, ours)
    try:
        yield terminal
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()
        os.close(ours)
