"""The notebook's handle on its monitor: started once, asked for one run at a time."""

from __future__ import annotations

import atexit
import contextlib
import math
import os
import subprocess
import threading
import time
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
    Broken,
    Caches,
    MonitorOrder,
    MonitorReady,
    PrepareWorker,
    Refused,
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
    """A monitor process and the socket to it.

    Starting returns at once; the monitor gets its fork server ready meanwhile.

    Parameters
    ----------
    access : Access
        What its runs may reach.

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
        self.caches = Caches()
        self.owner = os.getpid()
        self.idle_since = -math.inf
        self._usable = True
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
            raise SandboxBroken(
                f"the monitor of runs could not be started: {error}",
                "free some memory or processes, then run the cell again",
            ) from error
        finally:
            theirs.close()

    @property
    def alive(self) -> bool:
        """Whether this process can still use the monitor."""
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
        if self.confinement:
            return
        self.socket.settimeout(READY_SECONDS)
        try:
            message = self.receive()
        except TimeoutError:
            raise SandboxBroken(
                f"the fork server was not ready within {READY_SECONDS:.0f} s",
                "the machine may be overloaded; run the cell again",
            ) from None
        finally:
            self.socket.settimeout(None)
        if isinstance(message, Refused):
            raise SandboxUnavailable(message.message, "run `azml-magic doctor` for the details")
        if not isinstance(message, MonitorReady):
            raise broken(message)
        self.confinement = message.confinement
        self.caches = message.caches

    def send(self, message: Any, descriptors: Iterable[int] = ()) -> None:
        """Send a request, with descriptors that the monitor passes on."""
        try:
            packets.send(self.socket, message, descriptors)
        except OSError as error:
            raise broken(Broken(str(error))) from error

    def receive(self) -> Any:
        """Take the next report of the monitor."""
        message, _ = packets.receive(self.socket, FROM_MONITOR)
        if message is None:
            raise broken(Broken("the monitor has ended"))
        # It ends after that, and is not to be used until it has.
        self._usable = not isinstance(message, Broken)
        return message

    def close(self) -> None:
        """End the monitor, and with it all that it started."""
        self.socket.close()
        if self.owner == os.getpid():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
            if self.process.returncode is None:
                self.process.kill()
                self.process.wait()


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
    """Monitors that wait for a run. One of each key is kept; runs at the same time start more.

    One that was made for another environment or other options stays beside the new one, and
    all are given back when nothing has run for a while.
    """

    def __init__(self) -> None:
        self._idle: dict[Key, MonitorClient] = {}
        self._lock = threading.Lock()
        self.asleep = False
        self._used = 0.0
        self._timer: threading.Timer | None = None

    def acquire(self, access: Access) -> MonitorClient:
        with self._lock:
            self.asleep = False
            client = self._idle.pop(key_of(access), None)
        if client is not None:
            if client.alive:
                return client
            if client.owner == os.getpid():
                client.close()
        return MonitorClient(access)

    def release(self, client: MonitorClient) -> None:
        with self._lock:
            if client.alive and client.key not in self._idle:
                self._idle[client.key] = client
                client.idle_since = self._used = time.monotonic()
                if self._timer is None or not self._timer.is_alive():
                    self._look_again_in(IDLE_SECONDS)
                return
        client.close()

    def holds(self, access: Access) -> bool:
        with self._lock:
            client = self._idle.get(key_of(access))
            return client is not None and client.alive

    def close(self) -> None:
        with self._lock:
            idle, self._idle = list(self._idle.values()), {}
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        for client in idle:
            if client.owner == os.getpid():
                client.close()

    def _look_again_in(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._give_back)
        self._timer.daemon = True
        self._timer.start()

    def _give_back(self) -> None:
        with self._lock:
            left = self._used + IDLE_SECONDS - time.monotonic()
            if self._idle and left > 0:
                return self._look_again_in(left)
            self.asleep = bool(self._idle)
        return self.close()


_pool = _Pool()
atexit.register(_pool.close)


def acquire(access: Access = STRONGEST) -> MonitorClient:
    """Return a monitor that no other run uses, starting one when none waits."""
    return _pool.acquire(access)


def caches_of(access: Access) -> Caches:
    """Return where a monitor keeps caches: the one that waits, or one that is started.

    Raises
    ------
    SandboxError
        When there can be none.
    """
    monitor = acquire(access)
    try:
        monitor.wait_until_ready()
    except BaseException:
        monitor.close()
        raise
    release(monitor)
    return monitor.caches


def release(client: MonitorClient) -> None:
    """Give a monitor back after its run."""
    _pool.release(client)


def warm_up(limits: Limits) -> None:
    """Start a monitor in the background, unless one waits already.

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
    """End the monitors that wait; the next run starts a new one."""
    _pool.close()
