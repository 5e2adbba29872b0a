"""A server in the background of a notebook or script, which ends with it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from types import TracebackType
from typing import Any

from azml_magic import errors
from azml_magic.errors import AzmlError, SandboxBroken
from azml_magic.scoring.documents import classic_base
from azml_magic.serving.child import order
from azml_magic.serving.keys import without_keys
from azml_magic.serving.service_settings import ServiceSettings
from azml_magic.temporary import OwnFolder

_START_SECONDS = 120.0
_STOP_SECONDS = 60.0


class RunningService:
    """A scoring service in a separate process.

    It stops when :meth:`stop` is called, at the end of a ``with`` block, or with the process
    that started it.

    Attributes
    ----------
    name : str
        Name of the module.
    url : str
        Address of the help page; ``score_url`` and ``execute_url`` accept requests.

    Raises
    ------
    AzmlError
        When the server cannot start.
    """

    def __init__(
        self, name: str, zip_path: str, settings: ServiceSettings, folder: OwnFolder | None = None
    ) -> None:
        self.name = name
        self._folder = folder
        ours, theirs = socket.socketpair()
        self._owner = ours
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "azml_magic.serving.child", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                env=without_keys(os.environ),
            )
        finally:
            theirs.close()
        ours.sendall(order(zip_path, settings))
        try:
            self.url = self._first_word()
        except BaseException:
            self.stop()
            raise

    @property
    def score_url(self) -> str:
        """Address for typed requests."""
        return f"{self.url}/score"

    @property
    def execute_url(self) -> str:
        """Address for classic requests."""
        return f"{self.url}{classic_base(self.name)}/execute?api-version=2.0&details=true"

    @property
    def running(self) -> bool:
        """Whether the server's process is running."""
        return self._process.poll() is None

    def stop(self) -> None:
        """Stop the server after it has answered the requests that it has begun."""
        self._owner.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._folder is not None:
            self._folder.close()

    def __enter__(self) -> RunningService:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = f"at {self.url}" if self.running else "stopped"
        return f"<service {self.name} {state}>"

    def _first_word(self) -> str:
        self._owner.settimeout(_START_SECONDS)
        line = b""
        with contextlib.suppress(TimeoutError):
            while not line.endswith(b"\n") and (piece := self._owner.recv(65536)):
                line += piece
        self._owner.settimeout(None)
        if not line.endswith(b"\n"):
            raise SandboxBroken(
                "the server ended before it was ready",
                "run `azml-magic serve` in a shell to see why",
            )
        message: dict[str, Any] = json.loads(line)
        if "url" in message:
            return str(message["url"])
        kind = getattr(errors, message["kind"], AzmlError)
        raise kind(message["message"], message["hint"])
