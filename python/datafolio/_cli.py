"""The ``datafolio`` command: the program of the library, in this process."""

from __future__ import annotations

import signal
import sys

from . import _native


def main() -> None:
    """Run the program with the arguments of this process, and exit with its code."""
    # The program has ways of its own to end at Ctrl-C, and at a reader of its output that has gone.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.stdout.flush()
    sys.exit(_native.run_program(sys.argv))
