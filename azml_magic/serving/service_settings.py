"""The settings of a service."""

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
    """The settings of a service.

    Sizes may be given as ``"64MB"``, as in :func:`azml_magic.run`.

    Attributes
    ----------
    host : str
        Address to listen on; without a key, only a loopback address is allowed.
    port : int
        Port to listen on; 0 for a free one.
    workers : int
        How many requests are scored at the same time.
    isolate : {"worker", "request"}
        ``"worker"``: a worker answers many requests; ``"request"``: each request has a
        fresh worker.
    recycle : int
        How many requests a worker answers before it is replaced.
    timeout : float
        Time limit of one request in seconds, once a worker has it: for reading the request, the
        module, and the response.
    memory : int
        Memory limit of one worker, in bytes; also limits the memory that its scoring process
        needs to read a request and to write the response.
    queue : int
        Maximum number of requests that wait for a worker.
    queue_timeout : float
        How long a request may wait, in seconds.
    max_body : int
        Maximum size of a request's body, in bytes.
    max_rows : int
        Maximum number of rows of one input.
    max_cells : int
        Maximum number of cells of a response.
    max_answer : int
        Maximum size of a response, in bytes of JSON.
    body_timeout : float
        How long the headers of a request, and then its body, may take to arrive, in seconds.
    batch_folder : str
        Folder that batch jobs read from and write to; empty for no batch service.
    allow_network : bool
        Whether the module may use the network.
    keys : Keys
        The API keys; if there are none, no key is required.

    Raises
    ------
    OptionError
        When a setting has an invalid value, or the host can be reached from other machines and no
        key is set.
    """

    host: str = text(
        "127.0.0.1", "address; others than this machine's need a key", metavar="ADDRESS"
    )
    port: int = count(8000, "port; 0 for a free one", least=0, most=65535)
    workers: int = count(2, "requests scored at a time")
    isolate: str = choice(
        "worker",
        ("worker", "request"),
        "worker: one answers many requests; request: a fresh one for each",
        metavar="HOW",
    )
    recycle: int = count(500, "requests that a worker answers before it is replaced")
    timeout: float = seconds(60.0, "time limit of a request, in seconds", none=False)
    memory: int = size("2GB", "memory limit of a worker", least="32MB")
    queue: int = count(64, "requests that may wait", least=0)
    queue_timeout: float = seconds(60.0, "how long one may wait, in seconds", none=False, zero=True)
    max_body: int = size("32MB", "limit of a request's body")
    max_rows: int = count(100_000, "limit of the rows of an input")
    max_cells: int = count(5_000_000, "limit of the cells of an answer")
    max_answer: int = size("64MB", "limit of an answer's body")
    body_timeout: float = seconds(
        30.0, "how long headers, and then a body, may take to arrive, in seconds", none=False
    )
    batch_folder: str = text("", "folder of batch jobs", metavar="FOLDER")
    allow_network: bool = switch("let the module use the network")
    keys: Keys = field(default_factory=Keys)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.keys, Keys):
            raise OptionError("keys must be azml_magic.Keys", "write keys=Keys(PRIMARY, SECONDARY)")
        if not self.host:
            raise OptionError("host is empty", "give an address, for example 127.0.0.1")
        if not is_loopback(self.host) and not self.keys:
            raise OptionError(
                f"{self.host} can be reached from other machines, but no key is set",
                "set AZML_PRIMARY_KEY or --key-file, or listen on 127.0.0.1",
            )
        if self.batch_folder and not Path(self.batch_folder).is_dir():
            raise OptionError(f"there is no batch folder {self.batch_folder!r}", "create it first")

    @property
    def calls(self) -> int:
        """The number of calls that one worker answers."""
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
