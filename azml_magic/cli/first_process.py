"""The command line as the first process of a container: its number is 1.

The kernel gives a first process no default actions for signals, so that ``docker stop`` would
wait in vain, and it makes every orphan in the container its child, to be waited for. So the
command goes on in a child, where everything is as it is elsewhere, and the first process does
what a first process is there for.
"""

from __future__ import annotations

import os
import signal
import time

_PASSED_ON = {
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGUSR1,
    signal.SIGUSR2,
}
_FROM_TERMINAL = 0x80
# A monitor whose notebook was killed ends its run and deletes its folder within these.
_LAST_SECONDS = 8.0


def stand_aside() -> None:
    """Go on in a child process; returns there only, and this process ends as the child ends."""
    expected = {*_PASSED_ON, signal.SIGCHLD}
    # Blocked, they wait until they are asked for: a first process would lose them.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, expected)
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return
    status = _look_after(child, expected)
    _wait_for_the_rest()
    ended = os.waitstatus_to_exitcode(status)
    os._exit(ended if ended >= 0 else 128 - ended)


def _look_after(child: int, expected: set[signal.Signals]) -> int:
    """Pass signals on and wait for orphans; return how the child ended."""
    while True:
        told = signal.sigwaitinfo(expected)
        if told.si_signo != signal.SIGCHLD:
            # What is typed at the terminal reaches the child by itself.
            if told.si_code != _FROM_TERMINAL:
                os.kill(child, told.si_signo)
            continue
        status = _reap(child)
        if status is not None:
            return status


def _reap(child: int) -> int | None:
    """Wait for all that have ended by now; return the status of the child when it is one."""
    found = None
    try:
        while True:
            ended, status = os.waitpid(-1, os.WNOHANG)
            if not ended:
                return found
            if ended == child:
                found = status
    except ChildProcessError:
        return found


def _wait_for_the_rest() -> None:
    """Let those that are left end by themselves, for a while: the kernel kills them after us."""
    deadline = time.monotonic() + _LAST_SECONDS
    while time.monotonic() < deadline:
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        signal.sigtimedwait({signal.SIGCHLD}, 0.2)
