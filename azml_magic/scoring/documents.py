"""What both documents of a service say: its paths, its columns, its errors."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

from azml_magic.module.manifest import Manifest, Schema
from azml_magic.scoring.request_tables import INPUT_NAMES

WORKSPACE = "local"
FAULTS = {
    "400": "The request does not fit the service, or the module failed.",
    "401": "The key is missing or wrong.",
    "408": "The request took too long.",
    "413": "The request is too large, or the module passed its memory limit.",
    "415": "The body is not declared as JSON.",
    "500": "The worker ended without an answer.",
    "503": "The service has no room for the request now.",
}
_EXAMPLES: Dict[str, Any] = {
    "integer": 1,
    "number": 1.5,
    "boolean": True,
    "string": "text",
    "datetime": "2015-03-13T12:00:00",
    "binary": "AA==",
    "any": "text",
}


def classic_base(name: str) -> str:
    """Return the path below which the classic service of a module stands."""
    return f"/workspaces/{WORKSPACE}/services/{name}"


def example(manifest: Manifest) -> Dict[str, Any]:
    """Return a request's body with one made-up row; it shows types, not data."""
    inputs = {}
    for name, schema in inputs_of(manifest):
        inputs[name] = [{column.name: _EXAMPLES[column.type] for column in schema}]
    return {"Inputs": inputs, "GlobalParameters": {}}


def security(keyed: bool) -> Dict[str, Any]:
    """Return what a document says of the key of a request."""
    return {"security": [{"Bearer": []}]} if keyed else {}


def inputs_of(manifest: Manifest) -> List[Tuple[str, Schema]]:
    """Return the inputs by the names that requests use, with their columns."""
    return [
        (name, manifest.inputs.get(port, ())) for port, name in zip(manifest.ports, INPUT_NAMES)
    ]


def outputs_of(manifest: Manifest) -> List[Tuple[str, Schema]]:
    """Return the outputs by name, with their columns."""
    return [
        (port, manifest.outputs.get(port, ()))
        for port in ("output1", "output2")
        if port == "output1" or port in manifest.outputs
    ]


def error_schema() -> Dict[str, Any]:
    """Return the schema of the body of an error."""
    text = {"type": "string"}
    detail = {
        "type": "object",
        "properties": {"code": text, "target": text, "message": text},
        "required": ["code", "message"],
    }
    details = {"type": "array", "items": detail}
    error = {
        "type": "object",
        "properties": {"code": text, "message": text, "details": details},
        "required": ["code", "message", "details"],
    }
    return {"type": "object", "properties": {"error": error}, "required": ["error"]}


def describe(manifest: Manifest) -> str:
    """Return one sentence on a service."""
    return f"The module {manifest.name} under the {manifest.profile} profile."
