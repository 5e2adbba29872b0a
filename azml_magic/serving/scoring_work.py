"""The work of a scoring process: bodies to frames, a call of the module, frames to bodies."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azml_magic.contract.profile import get_profile, rules_of
from azml_magic.dataset_files import format_table, parse_table
from azml_magic.errors import AzmlError, RunError
from azml_magic.module.bundle import read_bundle
from azml_magic.module.exported import manifest_of
from azml_magic.module.module import Module
from azml_magic.protocol.options import Options
from azml_magic.runner.session import Session
from azml_magic.serving.places import BatchFolder
from azml_magic.serving.scoring import Clock, RequestLimits, answer, fault_of
from azml_magic.serving.scoring_messages import (
    FileScored,
    RequestBegun,
    RequestRead,
    Score,
    Scored,
    ScoreFile,
    ScoringFailed,
    ScoringOrder,
    ScoringReady,
    pack,
    receive,
)

if TYPE_CHECKING:
    import pandas as pd

    from azml_magic.result import Result


class ScoringWork:
    """A module and its session, for one request at a time.

    Parameters
    ----------
    endpoint : socket
        The socket to the server.
    order : ScoringOrder
        The server's first message.
    """

    def __init__(self, endpoint: socket.socket, order: ScoringOrder) -> None:
        self._endpoint = endpoint
        self._limits = RequestLimits(
            rows=order.max_rows,
            cells=order.max_cells,
            size=order.max_answer,
            seconds=order.timeout,
            memory=order.memory,
        )
        place = Path(order.zip_path)
        module = Module.from_zip(place)
        profile = get_profile(module.profile or "classic")
        manifest = manifest_of(read_bundle(place, profile)[0])
        assert manifest is not None, "the server checks the zip before it starts a scoring process"
        self._manifest = manifest
        options = Options.of(
            profile=profile.name,
            timeout=order.timeout,
            memory=order.memory,
            allow_network=order.allow_network,
            **manifest.options,
        )
        self._session = Session(
            module, module.bundle, rules_of(options), options, calls=order.calls, text="object"
        )

    def open(self) -> None:
        """Make the first worker ready, and report it."""
        try:
            self._session.prepare()
        except AzmlError as error:
            self._say(ScoringFailed(error.message, error.hint))
            return
        self._say(ScoringReady(self._session.confinement))

    def serve(self) -> None:
        """Answer requests until the server closes the socket."""
        try:
            while (envelope := receive(self._endpoint)) is not None:
                reply: Scored | FileScored
                if isinstance(envelope.message, Score):
                    reply, body = self._score(envelope.message, envelope.body)
                else:
                    reply, body = self._score_file(envelope.message), b""
                # Asked once: a worker may end at any time, and the server relies on this.
                busy = not self._session.worker_ready
                self._say(replace(reply, busy=busy), body, envelope.number)
                if busy:
                    self.open()
        finally:
            self._session.close()

    def _score(self, request: Score, body: bytes) -> tuple[Scored, bytes]:
        begun = False

        def call(frames: Mapping[str, pd.DataFrame], clock: Clock) -> Result:
            def on_begin() -> None:
                nonlocal begun
                begun = True
                clock.go_on()
                # From here on, the request must not be given to another scoring process.
                self._say(RequestBegun())

            self._say(RequestRead())
            return self._session.call(
                frames,
                # In memory a frame is rarely larger than its JSON.
                most=self._limits.size,
                timeout=clock.left,
                on_begin=on_begin,
            )

        result = answer(
            call,
            self._manifest,
            body,
            request.form,
            details=request.details,
            limits=self._limits,
        )
        reply = Scored(result.status, result.code, result.rows, begun, result.reason)
        return reply, result.body

    def _score_file(self, request: ScoreFile) -> FileScored:
        """Run the module on a file of a batch job; its output appears complete or not at all."""
        try:
            with BatchFolder(request.folder) as folder:
                with folder.reading(request.source) as file:
                    frame = parse_table(file, request.source)
                result = self._session.call({self._manifest.ports[0]: frame})
                if result.output1 is not None:
                    with folder.writing(request.target) as file:
                        format_table(result.output1, file, request.target)
            return FileScored(rows=len(frame))
        except RunError as error:
            fault = fault_of(error)
            return FileScored(fault.status, detail=fault.detail)
        except AzmlError as error:
            return FileScored(400, detail=error.message)
        except OSError as error:
            return FileScored(400, detail=error.strerror or type(error).__name__)

    def _say(self, message: Any, body: bytes = b"", number: int = 0) -> None:
        self._endpoint.sendall(pack(message, body, number))
