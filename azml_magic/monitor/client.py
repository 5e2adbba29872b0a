"""The notebook's side of a monitor and its runs."""

from __future__ import annotations

import contextlib
import math
import os
import select
import subprocess
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from azml_magic.errors import SandboxBroken, SandboxUnavailable
from azml_magic.monitor import caches, launch
from azml_magic.protocol import packets
from azml_magic.protocol.codec import to_json
from azml_magic.protocol.interpreter import own_packages
from azml_magic.protocol.limits import Access, Limits
from azml_magic.protocol.messages import (
    FROM_MONITOR,
    FROM_RUN,
    Broken,
    Caches,
    KillRun,
    MonitorOrder,
    MonitorReady,
    Refused,
    ReleaseRun,
    RunEnded,
    StartRun,
)
from azml_magic.sandbox.standalone import command

READY_SECONDS = 180.0


@dataclass(frozen=True)
class Key:
    """What a monitor is started with; it serves every run with an equal key."""

    access: Access
    environment: tuple[tuple[str, str], ...]
    package_folders: tuple[str, ...]


def key_of(access: Access) -> Key:
    """Return the key of a monitor that would be started now."""
    environment = tuple(launch.environment(caches.lasting()).items())
    return Key(access, environment, tuple(own_packages()))


class MonitorClient:
    """A monitor process and the socket to it; can be used from many threads.

    Starting it returns immediately; the monitor prepares its fork server in the meantime.

    Parameters
    ----------
    access : Access
        What its runs may access.

    Attributes
    ----------
    confinement : str
        How its runs are confined; empty until it is ready.
    serves_many : bool
        Whether many runs may use it at the same time; known once it is ready.
    caches : Caches
        Where it keeps caches; known once it is ready.
    users : int
        The number of its current users; counted by the pool.
    idle_since : float
        When the last run ended, on the monotonic clock.

    Raises
    ------
    SandboxBroken
        When the monitor cannot be started.
    """

    def __init__(self, access: Access = Access()) -> None:
        ours, theirs = packets.pair()
        self.key = key_of(access)
        self.socket = ours
        self.confinement = ""
        self.serves_many = False
        self.caches = Caches()
        self.owner = os.getpid()
        self.users = 0
        self.idle_since = -math.inf
        self._usable = True
        self._report: MonitorReady | Refused | Broken | None = None
        self._first_report = threading.Lock()
        order = MonitorOrder(theirs.fileno(), os.getpid(), access, self.key.package_folders)
        try:
            self.process = subprocess.Popen(
                command("monitor.monitor", to_json(order)),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # the notebook itself handles its interrupts
                cwd="/",
            )
        except OSError as error:
            ours.close()
            raise SandboxBroken(
                f"the monitor process could not be started: {error}",
                "free some memory or processes, then run the cell again",
            ) from error
        finally:
            theirs.close()

    @property
    def alive(self) -> bool:
        """Whether this process can start another run with the monitor."""
        return self._usable and self.owner == os.getpid() and self.process.poll() is None

    def wait_until_ready(self) -> None:
        """Wait until workers can be forked.

        Raises
        ------
        SandboxUnavailable
            When this machine cannot enforce the confinement.
        SandboxBroken
            When the fork server did not start.
        """
        with self._first_report:
            if self._report is None:
                self._report = self._receive(READY_SECONDS)
        report = self._report
        if isinstance(report, Refused):
            raise SandboxUnavailable(report.message, "run `azml-magic doctor` for the details")
        if isinstance(report, Broken):
            raise broken(report)
        self.serves_many = report.serves_many
        self.caches = report.caches
        self.confinement = report.confinement

    def send(self, message: Any, descriptors: Iterable[int] = ()) -> None:
        """Send a request, with descriptors that the monitor passes on."""
        try:
            packets.send(self.socket, message, descriptors)
        except OSError as error:
            self.retire()
            raise broken(Broken(str(error))) from error

    def retire(self) -> None:
        """Start no more runs with this monitor."""
        self._usable = False

    def close(self) -> None:
        """End the monitor and everything that it started."""
        self.retire()
        self.socket.close()
        if self.owner == os.getpid():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
            if self.process.returncode is None:
                self.process.kill()
                self.process.wait()

    def _receive(self, seconds: float) -> MonitorReady | Refused | Broken:
        arriving = select.poll()
        arriving.register(self.socket, select.POLLIN)
        if not arriving.poll(seconds * 1000):
            # Returned, so that everyone who waits learns it: the monitor is ended by the first.
            self.retire()
            return Broken(
                f"the fork server was not ready within {seconds:.0f} s",
                "the machine may be overloaded; run the cell again",
            )
        report, _ = packets.receive(self.socket, FROM_MONITOR)
        if not isinstance(report, MonitorReady):
            self.retire()
        return report or Broken("the monitor has ended")


class MonitoredRun:
    """A run in a monitor: sends requests about it, and receives its report.

    Parameters
    ----------
    monitor : MonitorClient
        A monitor that is ready.
    limits : Limits
        The limits of the run.
    descriptors : sequence of int
        Those passed to its worker: data socket, standard output and error, and pipes for large
        frames.

    Attributes
    ----------
    socket : socket
        Readable when there is a report.

    Raises
    ------
    SandboxBroken
        When the monitor has ended.
    """

    def __init__(
        self, monitor: MonitorClient, limits: Limits, descriptors: Iterable[int] = ()
    ) -> None:
        self._monitor = monitor
        self._owner = os.getpid()
        self.socket, theirs = packets.pair()
        try:
            monitor.send(StartRun(limits), [theirs.fileno(), *descriptors])
        except BaseException:
            self.socket.close()
            raise
        finally:
            theirs.close()

    def receive(self) -> RunEnded | Broken:
        """Receive the report of its end.

        Raises
        ------
        SandboxBroken
            When the monitor has ended without sending it.
        """
        report, _ = packets.receive(self.socket, FROM_RUN)
        if isinstance(report, RunEnded):
            return report
        self._monitor.retire()
        if isinstance(report, Broken):
            return report
        raise broken(Broken("the monitor has ended"))

    def kill(self, reason: str) -> None:
        """Kill the run; its report gives this reason.

        Raises
        ------
        SandboxBroken
            When the monitor has ended, or belongs to the process from which this one was forked.
        """
        try:
            if self._owner != os.getpid():
                raise OSError("it belongs to another process")
            packets.send(self.socket, KillRun(reason))
        except OSError as error:
            self._monitor.retire()
            raise broken(Broken(str(error))) from error

    def close(self) -> None:
        """Release the run folder, and kill what still runs."""
        if self._owner == os.getpid():
            # Sent explicitly: a process forked in the meantime may hold a copy of the socket.
            with contextlib.suppress(OSError):
                packets.send(self.socket, ReleaseRun())
        self.socket.close()


def broken(report: Broken) -> SandboxBroken:
    """Return the error for a monitor or fork server that died."""
    lines = [line for line in report.message.splitlines() if line.strip()]
    detail = lines[-1] if lines else "no reason was given"
    if report.hint:
        return SandboxBroken(f"no run can be started: {detail}", report.hint)
    return SandboxBroken(
        f"the processes around a run could not be started, or ended unexpectedly: {detail}",
        "run the cell again; if this repeats, run `azml-magic doctor`",
    )
