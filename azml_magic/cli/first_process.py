"""The command line as the first process of a container, with process id 1.

The kernel applies no default actions for signals to process 1, so ``docker stop`` would wait in
vain, and it makes every orphan in the container a child of process 1, which has to reap it. So
the command continues in a child process, where everything works as usual, and process 1 only
passes signals on and reaps orphans.
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
# A monitor whose notebook was killed ends its run and deletes its folder within this time.
_LAST_SECONDS = 8.0


def stand_aside() -> None:
    """Continue in a child process: return only there, and end this process as the child ends."""
    expected = {*_PASSED_ON, signal.SIGCHLD}
    # Blocked signals stay pending until they are read; unblocked, process 1 would lose them.
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
    """Pass signals on and reap orphans; return the status of the child when it ends."""
    while True:
        received = signal.sigwaitinfo(expected)
        if received.si_signo != signal.SIGCHLD:
            # The terminal sends its signals to the child as well.
            if received.si_code != _FROM_TERMINAL:
                os.kill(child, received.si_signo)
            continue
        status = _reap(child)
        if status is not None:
            return status


def _reap(child: int) -> int | None:
    """Reap every process that has ended; return the status of the child if it is among them."""
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
    """Give remaining processes some time to end: the kernel kills them when process 1 ends."""
    deadline = time.monotonic() + _LAST_SECONDS
    while time.monotonic() < deadline:
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        signal.sigtimedwait({signal.SIGCHLD}, 0.2)
