"""The notebook's handle on its monitor: started once, asked for one run at a time."""

from __future__ import annotations

import atexit
import contextlib
import json
import math
import os
import socket
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import Any

from azml_magic.errors import SandboxBroken, SandboxUnavailable
from azml_magic.monitor import caches, launch
from azml_magic.sandbox.standalone import command

READY_SECONDS = 180.0
IDLE_SECONDS = 900.0
MESSAGE_BYTES = 1 << 18


@dataclass(frozen=True)
class Kind:
    """What a monitor lets its runs do, for as long as it lives.

    Attributes
    ----------
    confinement : str
        ``"strongest"``, or the weaker ``"files-open"`` that a person asked for.
    network : bool
        Whether runs may use the network.
    """

    confinement: str = "strongest"
    network: bool = False


STRONGEST = Kind()


@dataclass(frozen=True)
class Caches:
    """Where a monitor keeps caches, and whether they outlive it."""

    folder: str = ""
    last: bool = True


@dataclass(frozen=True)
class Key:
    """A monitor that was started for this serves every run that has the same."""

    kind: Kind
    environment: tuple[tuple[str, str], ...]
    package_folders: tuple[str, ...]


def key_of(kind: Kind) -> Key:
    """Return what a monitor of a kind would be started with now."""
    environment = tuple(launch.environment(caches.lasting()).items())
    return Key(kind, environment, tuple(launch.extra_package_folders()))


class MonitorClient:
    """A monitor process and the socket to it.

    Starting returns at once; the monitor gets its fork server ready meanwhile.

    Parameters
    ----------
    kind : Kind
        What its runs may do.

    Raises
    ------
    SandboxBroken
        When the monitor cannot be started.
    """

    def __init__(self, kind: Kind = STRONGEST) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.key = key_of(kind)
        self.socket = ours
        self.confinement = ""
        self.caches = Caches()
        self.owner = os.getpid()
        self.idle_since = -math.inf
        self._usable = True
        start = command(
            "monitor.monitor",
            str(theirs.fileno()),
            str(os.getpid()),
            kind.confinement,
            "network" if kind.network else "",
            *self.key.package_folders,
        )
        try:
            self.process = subprocess.Popen(
                start,
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
        if message["op"] == "refused":
            raise SandboxUnavailable(message["message"], "run `azml-magic doctor` for the details")
        if message["op"] != "ready":
            raise broken(message)
        self.confinement = message["confinement"]
        self.caches = Caches(**message["caches"])

    def send(self, message: dict[str, Any], descriptors: list[int] | None = None) -> None:
        """Send a request, with descriptors that the monitor passes on."""
        try:
            socket.send_fds(self.socket, [json.dumps(message).encode()], descriptors or [])
        except OSError as error:
            raise broken({"message": str(error)}) from error

    def receive(self) -> dict[str, Any]:
        """Take the next report of the monitor."""
        try:
            data = self.socket.recv(MESSAGE_BYTES)
        except ConnectionError:  # it was killed
            data = b""
        if not data:
            raise broken({"message": "the monitor has ended"})
        message: dict[str, Any] = json.loads(data)
        # It ends after that, and is not to be used until it has.
        self._usable = message["op"] != "broken"
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


def broken(message: dict[str, Any]) -> SandboxBroken:
    """Return the error of a monitor or fork server that died."""
    lines = [line for line in str(message.get("message", "")).splitlines() if line.strip()]
    detail = lines[-1] if lines else "no reason was given"
    if message.get("hint"):
        return SandboxBroken(f"no run can be started: {detail}", message["hint"])
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

    def acquire(self, kind: Kind) -> MonitorClient:
        with self._lock:
            self.asleep = False
            client = self._idle.pop(key_of(kind), None)
        if client is not None:
            if client.alive:
                return client
            if client.owner == os.getpid():
                client.close()
        return MonitorClient(kind)

    def release(self, client: MonitorClient) -> None:
        with self._lock:
            if client.alive and client.key not in self._idle:
                self._idle[client.key] = client
                client.idle_since = self._used = time.monotonic()
                if self._timer is None or not self._timer.is_alive():
                    self._look_again_in(IDLE_SECONDS)
                return
        client.close()

    def holds(self, kind: Kind) -> bool:
        with self._lock:
            client = self._idle.get(key_of(kind))
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


def acquire(kind: Kind = STRONGEST) -> MonitorClient:
    """Return a monitor that no other run uses, starting one when none waits."""
    return _pool.acquire(kind)


def caches_of(kind: Kind) -> Caches:
    """Return where a monitor keeps caches: the one that waits, or one that is started.

    Raises
    ------
    SandboxError
        When there can be none.
    """
    monitor = acquire(kind)
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


def warm_up(limits: dict[str, object]) -> None:
    """Start a monitor in the background, unless one waits already.

    Parameters
    ----------
    limits : dict
        Those that the first run is likely to have.
    """
    if not _pool.holds(STRONGEST):
        client = _pool.acquire(STRONGEST)
        client.send({"op": "prepare", "limits": limits})
        _pool.release(client)


def is_asleep() -> bool:
    """Return whether monitors were given back because nothing ran for long."""
    return _pool.asleep


def shut_down() -> None:
    """End the monitors that wait; the next run starts a new one."""
    _pool.close()
