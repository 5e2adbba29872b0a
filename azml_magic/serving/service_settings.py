"""The settings of a scoring service."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

from azml_magic.errors import OptionError
from azml_magic.protocol.options import Options
from azml_magic.protocol.settings import Settings, choice, count, seconds, size, switch, text
from azml_magic.serving.keys import Keys


@dataclass(frozen=True)
class ServiceSettings(Settings):
    """The settings of a scoring service.

    Sizes may be given as ``"64MB"``, as in :func:`azml_magic.run`.

    Attributes
    ----------
    host : str
        Address to listen on; without a key, only a loopback address is allowed.
    port : int
        Port to listen on; 0 for a free port.
    workers : int
        Number of requests that are scored at a time.
    isolate : {"worker", "request"}
        ``"worker"``: a worker handles many requests; ``"request"``: each request gets a new
        worker.
    recycle : int
        Number of requests that a worker handles before it is replaced.
    timeout : float
        Time limit for one request in seconds, counted from when a worker takes it: reading
        the request, running the module and writing the response.
    memory : int
        Memory limit of one worker, in bytes; also the limit of what its scoring process may use
        in addition to read a request and to write the response.
    queue : int
        Maximum number of requests that wait for a worker.
    queue_timeout : float
        Maximum time that a request waits, in seconds.
    max_body : int
        Maximum size of a request body, in bytes.
    max_rows : int
        Maximum number of rows of one input.
    max_cells : int
        Maximum number of cells of a response.
    max_answer : int
        Maximum size of a response, in bytes of JSON.
    body_timeout : float
        Maximum time for the headers of a request to arrive, and again for its body, in seconds.
    batch_folder : str
        Folder that batch jobs read from and write to; empty for no batch service.
    allow_network : bool
        Whether the module may use the network.
    keys : Keys
        The API keys; without any, clients need no key.

    Raises
    ------
    OptionError
        When the value of a setting is invalid, or the host can be reached from other machines and
        no key is set.
    """

    host: str = text(
        "127.0.0.1",
        "address to listen on; addresses other than loopback need a key",
        metavar="ADDRESS",
    )
    port: int = count(8000, "port to listen on; 0 for a free port", least=0, most=65535)
    workers: int = count(2, "number of requests scored at a time")
    isolate: str = choice(
        "worker",
        ("worker", "request"),
        "worker: a worker handles many requests; request: a new worker for each request",
        metavar="HOW",
    )
    recycle: int = count(500, "number of requests that a worker handles before it is replaced")
    timeout: float = seconds(60.0, "time limit for a request, in seconds", none=False)
    memory: int = size("2GB", "memory limit of a worker", least="32MB")
    queue: int = count(64, "maximum number of requests that wait for a worker", least=0)
    queue_timeout: float = seconds(
        60.0, "maximum time that a request waits, in seconds", none=False, zero=True
    )
    max_body: int = size("32MB", "maximum size of a request body")
    max_rows: int = count(100_000, "maximum number of rows of an input")
    max_cells: int = count(5_000_000, "maximum number of cells of a response")
    max_answer: int = size("64MB", "maximum size of a response body")
    body_timeout: float = seconds(
        30.0,
        "maximum time for the headers to arrive, and again for the body, in seconds",
        none=False,
    )
    batch_folder: str = text("", "folder that batch jobs read and write", metavar="FOLDER")
    allow_network: bool = switch("allow the module to use the network")
    keys: Keys = field(default_factory=Keys)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.keys, Keys):
            raise OptionError("keys must be azml_magic.Keys", "write keys=Keys(PRIMARY, SECONDARY)")
        if not self.host:
            raise OptionError("host is empty", "give an address, for example 127.0.0.1")
        if not is_loopback(self.host) and not self.keys:
            raise OptionError(
                f"{self.host} can be reached from other machines, and no key is set",
                "set AZML_PRIMARY_KEY or --key-file, or listen on 127.0.0.1",
            )
        if self.batch_folder and not Path(self.batch_folder).is_dir():
            raise OptionError(f"there is no batch folder {self.batch_folder!r}", "create it first")

    @property
    def calls(self) -> int:
        """Number of calls that one worker handles."""
        return 1 if self.isolate == "request" else self.recycle

    def options(self, profile: str = "classic", **data: str) -> Options:
        """Return the options for the workers of this service."""
        return Options.of(
            profile=profile,
            timeout=self.timeout,
            memory=self.memory,
            allow_network=self.allow_network,
            **data,
        )


def is_loopback(host: str) -> bool:
    """Return whether an address can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
