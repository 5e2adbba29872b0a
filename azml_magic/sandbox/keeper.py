"""A substitute for a process namespace: ends all processes of a run with the monitor.

The keeper is a process between the monitor and the fork server, and becomes the parent of every
orphan. When the monitor is killed, it kills all its descendants. Its arguments are the command to
start.
"""

from __future__ import annotations

import os
import signal
import sys
import types

from azml_magic.sandbox import kernel, processes


def main() -> None:
    """Run ``argv[1:]``, end with the same status, and leave no descendants."""
    processes.become_subreaper()
    signal.signal(signal.SIGTERM, _end_all)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGTERM)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.execv(sys.argv[1], sys.argv[1:])
    # Only the fork server may hold its socket, so that its end is noticed.
    os.closerange(0, os.sysconf("SC_OPEN_MAX"))
    ended = 0
    while ended != child:
        ended, status = os.wait()
    processes.kill_tree([os.getpid()])
    os._exit(status >> 8 or status)


def _end_all(number: int, frame: types.FrameType | None) -> None:
    processes.kill_tree([os.getpid()])
    os._exit(1)
