"""The notebook's handle on its monitors: each started once, shared by its runs."""

from __future__ import annotations

import atexit
import contextlib
import math
import os
import select
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
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
    PrepareWorker,
    Refused,
    ReleaseRun,
    RunEnded,
    StartRun,
)
from azml_magic.sandbox.standalone import command

READY_SECONDS = 180.0
IDLE_SECONDS = 900.0
STRONGEST = Access()


@dataclass(frozen=True)
class Key:
    """A monitor that was started for this serves every run that has the same."""

    access: Access
    environment: tuple[tuple[str, str], ...]
    package_folders: tuple[str, ...]


def key_of(access: Access) -> Key:
    """Return what a monitor would be started with now."""
    environment = tuple(launch.environment(caches.lasting()).items())
    return Key(access, environment, tuple(own_packages()))


class MonitorClient:
    """A monitor process and the socket to it; for use from many threads.

    Starting returns at once; the monitor gets its fork server ready meanwhile.

    Parameters
    ----------
    access : Access
        What its runs may reach.

    Attributes
    ----------
    confinement : str
        How its runs are confined; empty until it is ready.
    serves_many : bool
        Whether many runs may use it at a time; known when it is ready.
    caches : Caches
        Where it keeps caches; known when it is ready.
    users : int
        How many hold it now; the pool's to count.
    idle_since : float
        When the last run ended, on the monotonic clock.

    Raises
    ------
    SandboxBroken
        When the monitor cannot be started.
    """

    def __init__(self, access: Access = STRONGEST) -> None:
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
                start_new_session=True,  # an interrupt of the notebook is the notebook's to handle
                cwd="/",
            )
        except OSError as error:
            ours.close()
            raise SandboxBroken(
                f"the monitor of runs could not be started: {error}",
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
            When the fork server did not come up.
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
        """Have no more runs start with this monitor."""
        self._usable = False

    def close(self) -> None:
        """End the monitor, and with it all that it started."""
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
            raise SandboxBroken(
                f"the fork server was not ready within {seconds:.0f} s",
                "the machine may be overloaded; run the cell again",
            )
        report, _ = packets.receive(self.socket, FROM_MONITOR)
        if not isinstance(report, MonitorReady):
            self.retire()
        return report or Broken("the monitor has ended")


class MonitoredRun:
    """A run of a monitor: what is asked of it, and what is reported of it.

    Parameters
    ----------
    monitor : MonitorClient
        A monitor that is ready.
    limits : Limits
        What the run may use up.
    descriptors : sequence of int
        What its worker gets: data socket, standard output and error, pipes for large frames.

    Attributes
    ----------
    socket : socket
        Can be read when there is a report.

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
        """Take the report of its end.

        Raises
        ------
        SandboxBroken
            When the monitor has ended without one.
        """
        report, _ = packets.receive(self.socket, FROM_RUN)
        if isinstance(report, RunEnded):
            return report
        self._monitor.retire()
        if isinstance(report, Broken):
            return report
        raise broken(Broken("the monitor has ended"))

    def kill(self, reason: str) -> None:
        """End it; it is reported with this reason.

        Raises
        ------
        SandboxBroken
            When the monitor has ended, or is that of another process, from which this was forked.
        """
        try:
            if self._owner != os.getpid():
                raise OSError("it belongs to another process")
            packets.send(self.socket, KillRun(reason))
        except OSError as error:
            self._monitor.retire()
            raise broken(Broken(str(error))) from error

    def close(self) -> None:
        """Give up the run folder, and what still runs."""
        if self._owner == os.getpid():
            # Said, as a process that was forked meanwhile may hold the socket too.
            with contextlib.suppress(OSError):
                packets.send(self.socket, ReleaseRun())
        self.socket.close()


def broken(report: Broken) -> SandboxBroken:
    """Return the error of a monitor or fork server that died."""
    lines = [line for line in report.message.splitlines() if line.strip()]
    detail = lines[-1] if lines else "no reason was given"
    if report.hint:
        return SandboxBroken(f"no run can be started: {detail}", report.hint)
    return SandboxBroken(
        f"the processes around a run could not be started, or ended: {detail}",
        "run the cell again; if this repeats, run `azml-magic doctor`",
    )


class _Pool:
    """Monitors by what they were started for, and who uses them.

    One that serves many runs at a time is shared. Where runs could reach each other, those at
    the same time have one each, and one is kept. A monitor that was made for another environment
    or other options stays beside the new one, and all are given back when nothing has run for
    a while.
    """

    def __init__(self) -> None:
        self._kept: dict[Key, MonitorClient] = {}
        self._inherited: list[MonitorClient] = []
        self._lock = threading.Lock()
        self.asleep = False
        self._used = 0.0
        self._timer: threading.Timer | None = None

    def acquire(self, access: Access) -> MonitorClient:
        key = key_of(access)
        with self._lock:
            self.asleep = False
            client = self._kept.get(key)
            if client is None or not client.alive:
                client = self._start(key, access)
            shared = client.users > 0
            client.users += 1
        if not shared:
            return client
        try:
            client.wait_until_ready()
        except BaseException:
            self.release(client)
            raise
        if client.serves_many:
            return client
        self.release(client)
        own = MonitorClient(access)
        own.users = 1
        return own

    def release(self, client: MonitorClient) -> None:
        with self._lock:
            client.users -= 1
            client.idle_since = self._used = time.monotonic()
            if client.users or self._keeps(client):
                return
        client.close()

    def holds(self, access: Access) -> bool:
        with self._lock:
            client = self._kept.get(key_of(access))
            return client is not None and client.alive

    def close(self) -> None:
        """End the monitors that nobody uses; the others end when they are given back."""
        with self._lock:
            idle = [client for client in self._kept.values() if not client.users]
            self._kept.clear()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        for client in idle:
            client.close()

    def forget(self) -> None:
        """In a forked process: leave all monitors to the process that started them."""
        self._lock = threading.Lock()  # another thread may have held it
        self._inherited.extend(self._kept.values())
        self._kept.clear()
        self._timer = None

    def _start(self, key: Key, access: Access) -> MonitorClient:
        before = self._kept.pop(key, None)
        if before is not None and not before.users:
            before.close()
        client = self._kept[key] = MonitorClient(access)
        return client

    def _keeps(self, client: MonitorClient) -> bool:
        """Keep a monitor that nobody uses, if it is of use and there is none like it."""
        if not client.alive:
            if self._kept.get(client.key) is client:
                del self._kept[client.key]
            return False
        if self._kept.setdefault(client.key, client) is not client:
            return False
        if self._timer is None or not self._timer.is_alive():
            self._look_again_in(IDLE_SECONDS)
        return True

    def _look_again_in(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._give_back)
        self._timer.daemon = True
        self._timer.start()

    def _give_back(self) -> None:
        with self._lock:
            left = self._used + IDLE_SECONDS - time.monotonic()
            if any(client.users for client in self._kept.values()):
                left = IDLE_SECONDS
            if self._kept and left > 0:
                return self._look_again_in(left)
            self.asleep = bool(self._kept)
        return self.close()


_pool = _Pool()
atexit.register(_pool.close)
os.register_at_fork(after_in_child=_pool.forget)


def acquire(access: Access = STRONGEST) -> MonitorClient:
    """Return a monitor that is ready, starting one when none can be used; it is to be released.

    Raises
    ------
    SandboxError
        When there can be none.
    """
    client = _pool.acquire(access)
    try:
        client.wait_until_ready()
    except BaseException as error:
        release(client, error)
        raise
    return client


@contextlib.contextmanager
def acquired(access: Access = STRONGEST) -> Iterator[MonitorClient]:
    """Yield a monitor that is ready.

    One that breaks while it is used is ended, with all that it still runs.

    Raises
    ------
    SandboxError
        When there can be none.
    """
    client = acquire(access)
    try:
        yield client
    except BaseException as error:
        release(client, error)
        raise
    release(client)


def caches_of(access: Access) -> Caches:
    """Return where a monitor keeps caches: one that is there, or one that is started.

    Raises
    ------
    SandboxError
        When there can be none.
    """
    with acquired(access) as monitor:
        return monitor.caches


def release(client: MonitorClient, error: BaseException | None = None) -> None:
    """Give a monitor back after its run.

    Parameters
    ----------
    client : MonitorClient
        From :func:`acquire`.
    error : BaseException, optional
        What went wrong with it. One that is broken may hold processes: it is ended, with all of
        its runs.
    """
    if isinstance(error, SandboxBroken):
        client.close()
    _pool.release(client)


def warm_up(limits: Limits) -> None:
    """Start a monitor in the background, unless there is one.

    Parameters
    ----------
    limits : Limits
        Those that the first run is likely to have.
    """
    if not _pool.holds(STRONGEST):
        client = _pool.acquire(STRONGEST)
        client.send(PrepareWorker(limits))
        _pool.release(client)


def is_asleep() -> bool:
    """Return whether monitors were given back because nothing ran for long."""
    return _pool.asleep


def shut_down() -> None:
    """End the monitors that nobody uses; the next run starts a new one."""
    _pool.close()
