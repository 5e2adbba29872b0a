"""The monitors of this process: each started once, and shared by simultaneous runs."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
import time
from collections.abc import Iterator

from azml_magic.errors import SandboxBroken
from azml_magic.monitor.client import Key, MonitorClient, key_of
from azml_magic.protocol.limits import Access, Limits
from azml_magic.protocol.messages import Caches, PrepareWorker

IDLE_SECONDS = 900.0
STRONGEST = Access()


class _Pool:
    """The monitors by their key, with the number of their users.

    One that serves many runs at the same time is shared. Where runs could access each other,
    simultaneous runs have one each, and one is kept. A monitor for another environment or other
    options stays alongside the new one, and all are ended when nothing has run for a while.
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
        """End the monitors that are not in use; the others end when they are released."""
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
        """Keep an unused monitor if it is alive and no other has its key; return whether kept."""
        if not client.alive:
            if self._kept.get(client.key) is client:
                del self._kept[client.key]
            return False
        if self._kept.setdefault(client.key, client) is not client:
            return False
        if self._timer is None or not self._timer.is_alive():
            self._check_again_in(IDLE_SECONDS)
        return True

    def _check_again_in(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._end_if_idle)
        self._timer.daemon = True
        self._timer.start()

    def _end_if_idle(self) -> None:
        with self._lock:
            left = self._used + IDLE_SECONDS - time.monotonic()
            if any(client.users for client in self._kept.values()):
                left = IDLE_SECONDS
            if self._kept and left > 0:
                return self._check_again_in(left)
            self.asleep = bool(self._kept)
        return self.close()


_pool = _Pool()
atexit.register(_pool.close)
os.register_at_fork(after_in_child=_pool.forget)


def acquire(access: Access = STRONGEST) -> MonitorClient:
    """Return a monitor that is ready, starting one if necessary; the caller must release it.

    Raises
    ------
    SandboxError
        When no monitor is available.
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

    One that breaks while in use is ended, with everything that it still runs.

    Raises
    ------
    SandboxError
        When no monitor is available.
    """
    client = acquire(access)
    try:
        yield client
    except BaseException as error:
        release(client, error)
        raise
    release(client)


def caches_of(access: Access) -> Caches:
    """Return where a monitor keeps caches, starting one if necessary.

    Raises
    ------
    SandboxError
        When no monitor is available.
    """
    with acquired(access) as monitor:
        return monitor.caches


def release(client: MonitorClient, error: BaseException | None = None) -> None:
    """Release a monitor after its run.

    Parameters
    ----------
    client : MonitorClient
        From :func:`acquire`.
    error : BaseException, optional
        What went wrong with it. A broken monitor may hold processes, so it is ended with all of
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
        try:
            client.send(PrepareWorker(limits))
        finally:
            _pool.release(client)


def is_asleep() -> bool:
    """Return whether monitors were ended because nothing had run for a long time."""
    return _pool.asleep


def shut_down() -> None:
    """End the monitors that are not in use; the next run starts a new one."""
    _pool.close()
