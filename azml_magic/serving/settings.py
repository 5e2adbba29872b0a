"""How a service is run, as one value."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

from azml_magic.errors import OptionError
from azml_magic.serving.keys import Keys

ISOLATION = ("worker", "request")


@dataclass(frozen=True)
class ServiceSettings:
    """How a service is run.

    Attributes
    ----------
    host : str
        Address to listen at; without a key only a loopback address.
    port : int
        Port to listen at; 0 for a free one.
    keys : Keys
        The API keys; without any, no key is asked for.
    workers : int
        How many requests are scored at a time.
    isolate : str
        ``"worker"``: a worker answers many requests; ``"request"``: each request has a
        fresh worker.
    recycle : int
        How many requests a worker answers before it is replaced.
    seconds : float
        Time limit of one request once a worker has it: reading it, the module, the answer.
    memory : int
        Memory limit of one worker, in bytes; also of what its scoring process needs to read a
        request and to write its answer.
    queue : int
        How many requests may wait for a worker.
    queue_seconds : float
        How long one may wait.
    max_body : int
        Limit of a request's body, in bytes.
    max_rows : int
        Limit of the rows of one input.
    max_cells : int
        Limit of the cells of an answer.
    max_answer : int
        Limit of an answer, in bytes of JSON.
    body_seconds : float
        How long a request's headers, and then its body, may take to arrive.
    network : bool
        Whether the module may use the network.
    batch_folder : str
        Folder that batch jobs read and write; empty for no batch service.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    keys: Keys = field(default_factory=Keys)
    workers: int = 2
    isolate: str = "worker"
    recycle: int = 500
    seconds: float = 60.0
    memory: int = 2 << 30
    queue: int = 64
    queue_seconds: float = 60.0
    max_body: int = 32 << 20
    max_rows: int = 100_000
    max_cells: int = 5_000_000
    max_answer: int = 64 << 20
    body_seconds: float = 30.0
    network: bool = False
    batch_folder: str = ""

    def __post_init__(self) -> None:
        if self.isolate not in ISOLATION:
            raise OptionError(f"isolate is 'worker' or 'request', not {self.isolate!r}")
        if not is_loopback(self.host) and not self.keys:
            raise OptionError(
                f"{self.host} can be reached from elsewhere, and no key is set",
                "set AZML_PRIMARY_KEY or --key-file, or listen at 127.0.0.1",
            )
        if self.batch_folder and not Path(self.batch_folder).is_dir():
            raise OptionError(f"there is no batch folder {self.batch_folder!r}", "make it first")
        limits = {
            "workers": self.workers,
            "recycle": self.recycle,
            "seconds": self.seconds,
            "max_body": self.max_body,
            "max_rows": self.max_rows,
            "max_cells": self.max_cells,
            "max_answer": self.max_answer,
        }
        for name, value in limits.items():
            if not value > 0:
                raise OptionError(f"{name} is {value}", "give a number above 0")

    @property
    def calls(self) -> int:
        """How many calls one worker answers."""
        return 1 if self.isolate == "request" else self.recycle


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
