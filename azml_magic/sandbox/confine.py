"""Self-confinement of a process, before it reads the first byte of a user's code.

The order of the steps matters: each removes what an earlier one still needed. The system call
filter comes last; its listener is then passed on through a socket that the filter allows.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import signal
import socket
from collections.abc import Callable, Collection

from azml_magic.protocol import descriptors
from azml_magic.protocol.policy import Level, Policy
from azml_magic.sandbox import capabilities, kernel, landlock, python_paths, resources, seccomp
from azml_magic.sandbox.seccomp import AUDIT_ARCHITECTURE

_SECCOMP_FILTER_MODE = 2
_STANDARD_STREAMS = (0, 1, 2)
_MASK = 0o077


class ConfinementError(OSError):
    """The process could not be confined, and must not run a user's code."""


def prepare(level: Level, *, network: bool) -> None:
    """Compute in advance, in the fork server, what is the same for every worker."""
    if kernel.machine() in AUDIT_ARCHITECTURE:
        version = landlock.abi() if level.landlock else 0
        seccomp.program(kernel.machine(), version, network, level.namespaces)


def confine(policy: Policy, listener_socket: int, keep_fds: Collection[int]) -> None:
    """Confine this process, and all that it will start, permanently.

    It must have only one thread. Standard streams and the kept descriptors stay open; the
    listener's socket and all other descriptors are closed.

    Parameters
    ----------
    policy : Policy
        The permissions of the process.
    listener_socket : int
        A Unix socket, through which the monitor receives the filter's listener.
    keep_fds : collection of int
        Descriptors that stay open.

    Raises
    ------
    ConfinementError
        When any part of the policy cannot be enforced. The process must then end.
    """
    try:
        version = _require_landlock() if policy.level.landlock else 0
        _leave_terminal_and_files({*keep_fds, listener_socket, *_STANDARD_STREAMS})
        capabilities.drop_all()
        # Only a dumpable process lets the monitor read its usage of memory and disk. Other
        # confined processes cannot read it anyway.
        kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        resources.set_limits(policy.limits)
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        if policy.level.landlock:
            extra = python_paths.NETWORK if policy.network else ()
            readable = (*policy.readable, *extra, *python_paths.process_paths())
            landlock.restrict(version, readable, policy.writable, network=policy.network)
        listener = seccomp.install(version, network=policy.network, alone=policy.level.namespaces)
        _hand_over(listener, listener_socket)
        # Only now: the kernel compares a user's descriptors in flight with the sender's limit of
        # open files, and a run that leaves many in flight must not prevent others from being
        # confined.
        resources.lower(resource.RLIMIT_NOFILE, policy.limits.open_files)
        _check(policy)
    except ConfinementError:
        raise
    except (OSError, ValueError, KeyError) as error:
        number = getattr(error, "errno", None) or errno.EPERM
        raise ConfinementError(number, f"a run cannot be confined here: {error}") from error


def _require_landlock() -> int:
    version = landlock.abi()
    if version < 1:
        raise ConfinementError(errno.ENOSYS, "Landlock is not enforced by this kernel")
    return version


def _leave_terminal_and_files(keep: set[int]) -> None:
    """Leave the session, and close all descriptors but those to keep."""
    if os.getsid(0) != os.getpid():
        os.setsid()
    os.umask(_MASK)
    # Then a write beyond a limit raises an error, as Python code expects, and does not kill.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_IGN)
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        if descriptor not in keep:
            # The descriptor of the listing itself is among them, and already closed.
            with contextlib.suppress(OSError):
                os.close(descriptor)


def _hand_over(listener: int, listener_socket: int) -> None:
    """Send the listener to the monitor, and close this process's copy."""
    with socket.socket(fileno=listener_socket) as endpoint:
        descriptors.send(endpoint, b"listener", [listener])
    os.close(listener)


def _check(policy: Policy) -> None:
    """Verify that what must not work any more fails."""
    if kernel.prctl(kernel.PR_GET_NO_NEW_PRIVS) != 1:
        raise ConfinementError(errno.EPERM, "new privileges can still be gained")
    if kernel.prctl(kernel.PR_GET_SECCOMP) != _SECCOMP_FILTER_MODE:
        raise ConfinementError(errno.EPERM, "system calls are not filtered")
    if any(capabilities.held()):
        raise ConfinementError(errno.EPERM, "capabilities are left")
    if policy.level is not Level.FILES_OPEN:
        _check_files(policy.level)
    try:
        kernel.syscall("unshare", 0)
    except PermissionError:
        return
    raise ConfinementError(errno.EPERM, "the system call filter does not hold")


def _check_files(level: Level) -> None:
    made = "/azml_magic-must-not-be-made"
    attempts: list[Callable[[], object]] = [lambda: os.mkdir(made)]
    if level.landlock:
        attempts.insert(0, lambda: os.listdir("/"))
    for attempt in attempts:
        try:
            attempt()
        except OSError as error:
            if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
                continue
        with contextlib.suppress(OSError):
            os.rmdir(made)
        raise ConfinementError(errno.EPERM, "files outside the run folder can be reached")
    # The fork server is outside a run's process namespace, so a parent is not visible there.
    if level.namespaces and (os.getppid() != 0 or not os.statvfs("/").f_flag & os.ST_RDONLY):
        raise ConfinementError(errno.EPERM, "it is not in separate namespaces")
