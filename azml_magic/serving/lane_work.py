"""What a lane does: bodies to frames, a call of the module, frames to bodies."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azml_magic.contract.profile import get_profile
from azml_magic.errors import AzmlError, RunError
from azml_magic.module.bundle import read_bundle
from azml_magic.module.exported import manifest_of
from azml_magic.module.module import Module
from azml_magic.runner.options import RunOptions
from azml_magic.runner.session import Session
from azml_magic.serving.messages import pack, receive
from azml_magic.serving.places import BatchFolder
from azml_magic.serving.scoring import Clock, RequestLimits, answer, fault_of
from azml_magic.tables import format_table, parse_table

if TYPE_CHECKING:
    import pandas as pd

    from azml_magic.result import Result


class Lane:
    """One module and its session, for one request at a time.

    Parameters
    ----------
    endpoint : socket
        To the server.
    order : dict
        The server's first message: the zip and the limits.
    """

    def __init__(self, endpoint: socket.socket, order: dict[str, Any]) -> None:
        self._endpoint = endpoint
        self._limits = RequestLimits(
            rows=order["max_rows"],
            cells=order["max_cells"],
            size=order["max_answer"],
            seconds=order["seconds"],
            memory=order["memory"],
        )
        place = Path(order["zip"])
        module = Module.from_zip(place)
        profile = get_profile(module.profile or "classic")
        manifest = manifest_of(read_bundle(place, profile)[0])
        assert manifest is not None, "the server checks the zip before it starts a lane"
        self._manifest = manifest
        text = {"object": "object", "str": "native"}[manifest.text]
        options = RunOptions(
            seconds=order["seconds"],
            memory=order["memory"],
            dates=manifest.dates,
            text=text,
            network=order["network"],
        )
        self._session = Session(
            module, module.bundle, profile, options, calls=order["calls"], text="object"
        )

    def open(self) -> None:
        """Have the first worker ready, and say so."""
        try:
            self._session.prepare()
        except AzmlError as error:
            self._say({"op": "failed", "message": error.message, "hint": error.hint})
            return
        self._say({"op": "ready", "confinement": self._session.confinement})

    def serve(self) -> None:
        """Answer until the server closes."""
        actions = {"score": self._score, "table": self._table}
        try:
            while (message := receive(self._endpoint)) is not None:
                header, body = message
                told, result = actions[header["op"]](header, body)
                # Asked once: a worker may end at any time, and the server goes by what it is told.
                busy = not self._session.worker_ready
                self._say({**told, "id": header["id"], "busy": busy}, result)
                if busy:
                    self.open()
        finally:
            self._session.close()

    def _score(self, header: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        begun = False

        def call(frames: Mapping[str, pd.DataFrame], clock: Clock) -> Result:
            def on_begin() -> None:
                nonlocal begun
                begun = True
                clock.go_on()
                # From here on another lane must not be given the request.
                self._say({"op": "begun"})

            self._say({"op": "read"})
            return self._session.call(
                frames,
                # In memory a frame is rarely larger than its JSON.
                most=self._limits.size,
                seconds=clock.left,
                on_begin=on_begin,
            )

        result = answer(
            call,
            self._manifest,
            body,
            header["form"],
            details=header["details"],
            limits=self._limits,
        )
        told = {"status": result.status, "code": result.code, "rows": result.rows}
        return {**told, "begun": begun, "reason": result.reason}, result.body

    def _table(self, header: dict[str, Any], _: bytes) -> tuple[dict[str, Any], bytes]:
        """Run the module over a file of a batch job; its output appears whole or not at all."""
        told: dict[str, Any] = {"status": 200, "rows": 0, "detail": ""}
        try:
            with BatchFolder(header["folder"]) as folder:
                with folder.reading(header["source"]) as file:
                    frame = parse_table(file, header["source"])
                result = self._session.call({self._manifest.ports[0]: frame})
                if result.output1 is not None:
                    with folder.writing(header["target"]) as file:
                        format_table(result.output1, file, header["target"])
            told["rows"] = len(frame)
        except RunError as error:
            fault = fault_of(error)
            told |= {"status": fault.status, "detail": fault.detail}
        except AzmlError as error:
            told |= {"status": 400, "detail": error.message}
        except OSError as error:
            told |= {"status": 400, "detail": error.strerror or type(error).__name__}
        return told, b""

    def _say(self, header: dict[str, Any], body: bytes = b"") -> None:
        self._endpoint.sendall(pack(header, body))
