"""``init`` and ``run`` of an online endpoint, with the same JSON as our server's ``/score``."""

from __future__ import annotations

import json
from typing import Any, Optional

from azml_magic.errors import InputError
from azml_magic.exporting.runtime.loaded import Failed, Loaded
from azml_magic.exporting.runtime.zip_files import root
from azml_magic.scoring.answers import write_answer
from azml_magic.scoring.faults import Fault, mismatch, module_failed
from azml_magic.scoring.request_frames import read_frames

MAX_ROWS = 100_000

_loaded: Optional[Loaded] = None


def init() -> None:
    """Load the module, once."""
    global _loaded
    _loaded = Loaded(root())


def run(raw_data: Any) -> Any:
    """Answer one request."""
    assert _loaded is not None
    body = raw_data.encode("utf-8") if isinstance(raw_data, str) else bytes(raw_data)
    try:
        return _response(json.loads(score(_loaded, body)), 200)
    except Fault as fault:
        return _response(fault.to_json(), fault.status)


def score(loaded: Loaded, body: bytes) -> bytes:
    """Return the body of the response to a request's body.

    Raises
    ------
    Fault
        When the request is invalid, or the module fails.
    """
    manifest = loaded.manifest
    frames = read_frames(body, manifest.ports, manifest.inputs, MAX_ROWS)
    try:
        return write_answer(loaded.call(frames), "typed")
    except InputError as error:
        raise mismatch(error.message) from error
    except Failed as error:
        raise module_failed(str(error)) from error


def _response(value: Any, status: int) -> Any:
    """Wrap a response for the inference server, which turns any exception into a 500."""
    try:
        from azureml_inference_server_http.api.aml_response import AMLResponse
    except ImportError:
        return value
    return AMLResponse(value, status, json_str=True)
