"""Running the server: checks, socket, scoring processes, HTTP, graceful shutdown."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import resource
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import uvicorn

from azml_magic.contract.profile import CLASSIC
from azml_magic.errors import BundleError, OptionError
from azml_magic.module.bundle import read_bundle
from azml_magic.module.exported import manifest_of
from azml_magic.module.manifest import Manifest
from azml_magic.serving.app import Service, application
from azml_magic.serving.batch import Batch
from azml_magic.serving.connection import timed_connection
from azml_magic.serving.pool import Pool
from azml_magic.serving.service_settings import ServiceSettings
from azml_magic.serving.telemetry import Metrics, open_log
from azml_magic.temporary import OwnFolder

_BACKLOG = 512
_CONNECTIONS = 1024
_OTHER_FILES = 256


def serve(
    zip_path: str,
    settings: ServiceSettings,
    on_ready: Callable[[str], None],
    owner: socket.socket | None = None,
) -> None:
    """Serve a module zip until a signal arrives or the owner ends.

    Parameters
    ----------
    zip_path : str
        An exported zip.
    settings : ServiceSettings
        The settings of the service.
    on_ready : callable
        Called with the address when the server is ready.
    owner : socket, optional
        The server stops when its other end is closed.

    Raises
    ------
    BundleError
        When it is not a module zip, or was changed after its export.
    OptionError
        When the address is in use, or listening there fails.
    SandboxError
        When no worker can be started, or the module cannot be loaded.
    """
    with (
        stopping_ends_this_process(),
        _own_copy(zip_path) as copy,
        _listening(settings) as listener,
    ):
        manifest = _manifest(copy)
        asyncio.run(_serve(copy, manifest, settings, listener, on_ready, owner))


@contextlib.contextmanager
def stopping_ends_this_process() -> Iterator[None]:
    """Turn signals into an exception, so that this process cleans up before it ends."""

    def stop(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, stop) for number in _stopping() - {signal.SIGINT}}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stopping() -> set[signal.Signals]:
    """Return the signals that stop a server, with SIGHUP unless it is ignored (``nohup``)."""
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return {signal.SIGINT, signal.SIGTERM, *([] if ignored else [signal.SIGHUP])}


async def _serve(
    zip_path: str,
    manifest: Manifest,
    settings: ServiceSettings,
    listener: socket.socket,
    on_ready: Callable[[str], None],
    owner: socket.socket | None,
) -> None:
    metrics, log = Metrics(), open_log()

    def on_restart(reason: str) -> None:
        metrics.replaced.inc()
        log.warning("scoring process replaced", extra={"fields": {"reason": reason}})

    pool = Pool(zip_path, settings, on_restart)
    if not await _started(pool, owner):
        return
    service = Service(manifest, pool, settings, metrics, log)
    batch = Batch(service, pool) if settings.batch_folder else None
    server = _Server(
        uvicorn.Config(
            application(service, batch.routes() if batch is not None else []),
            http=timed_connection(settings.body_timeout, service.slow, _most_connections()),
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=int(settings.timeout) + 5,
        )
    )
    server.stop_on_signals()
    if owner is not None:
        server.stop_with(owner)
    address = _address(listener)
    log.info("start", extra={"fields": {"url": address, "confinement": pool.confinement}})
    server.when_started(lambda: on_ready(address))
    try:
        await server.serve(sockets=[listener])
    finally:
        if batch is not None:
            await batch.close()
        await pool.close()
        log.info("stop", extra={"fields": {"url": address}})


async def _started(pool: Pool, owner: socket.socket | None) -> bool:
    """Start the scoring processes; return False if a signal or the owner's end came first."""
    loop = asyncio.get_running_loop()
    starting = asyncio.ensure_future(pool.start())
    for number in _stopping():
        loop.add_signal_handler(number, starting.cancel)
    if owner is not None:
        loop.add_reader(owner, starting.cancel)
    try:
        await starting
    except asyncio.CancelledError:
        return False
    finally:
        if owner is not None:
            loop.remove_reader(owner)
    return True


def _most_connections() -> int:
    """Return the maximum number of connections that the limit of open files allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = _CONNECTIONS + _OTHER_FILES
    if soft < needed:
        soft = min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(1, min(soft - _OTHER_FILES, _CONNECTIONS))


class _Server(uvicorn.Server):
    """A server that leaves signals to the event loop, and reports when it has started."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._on_started: Callable[[], None] | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do not capture signals: the library would raise them again before all processes end."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start serving, then call the callbacks."""
        await super().startup(sockets)
        if self._on_started is not None:
            self._on_started()

    def when_started(self, action: Callable[[], None]) -> None:
        """Call `action` once the server is ready."""
        self._on_started = action

    def stop_on_signals(self) -> None:
        """Stop gracefully at the first signal, immediately at the second."""
        loop = asyncio.get_running_loop()
        for number in _stopping():
            loop.add_signal_handler(number, self._stop)

    def stop_with(self, owner: socket.socket) -> None:
        """Stop when the other end of a socket is closed."""
        loop = asyncio.get_running_loop()

        def gone() -> None:
            loop.remove_reader(owner)
            self._stop()

        loop.add_reader(owner, gone)

    def _stop(self) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True


@contextlib.contextmanager
def _own_copy(zip_path: str) -> Iterator[str]:
    """Make a private copy, which nobody changes while the server runs."""
    place = Path(os.path.expanduser(zip_path))
    with OwnFolder("azml-serve") as folder:
        copy = folder.path / (place.name or "module.zip")
        try:
            shutil.copyfile(place, copy)
        except OSError as error:
            raise OptionError(f"{zip_path} cannot be read: {error.strerror}") from error
        yield str(copy)


def _manifest(zip_path: str) -> Manifest:
    manifest = manifest_of(read_bundle(zip_path, CLASSIC)[0])
    if manifest is None:
        raise BundleError(
            f"{os.path.basename(zip_path)} is not a module zip", "make one with `azml-magic export`"
        )
    return manifest


@contextlib.contextmanager
def _listening(settings: ServiceSettings) -> Iterator[socket.socket]:
    host, port = settings.host, settings.port
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OverflowError:
        raise OptionError(f"{port} is not a port", "give one from 0 to 65535") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise OptionError(
                f"{host}:{port} is used by another server", "stop it, or give another --port"
            ) from None
        raise OptionError(f"cannot listen on {host}:{port}: {error}") from None
    with listener:
        # Accepted connections inherit it; without it, responses wait for acknowledgements.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
