"""Content that both API documents of a service share: paths, columns, errors."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

from azml_magic.module.manifest import Manifest, Schema
from azml_magic.scoring.request_tables import INPUT_NAMES

WORKSPACE = "local"
FAULTS = {
    "400": "The request does not fit the service, or the module failed.",
    "401": "The key is missing or wrong.",
    "408": "The request took too long.",
    "413": "The request is too large, or the module exceeded its memory limit.",
    "415": "The body is not declared as JSON.",
    "500": "The worker ended without a response.",
    "503": "The service cannot accept the request now.",
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
    """Return the base path of the classic service of a module."""
    return f"/workspaces/{WORKSPACE}/services/{name}"


def example(manifest: Manifest) -> Dict[str, Any]:
    """Return the body of an example request with one made-up row, which shows types, not data."""
    inputs = {}
    for name, schema in inputs_of(manifest):
        inputs[name] = [{column.name: _EXAMPLES[column.type] for column in schema}]
    return {"Inputs": inputs, "GlobalParameters": {}}


def security(keyed: bool) -> Dict[str, Any]:
    """Return the security section of a document."""
    return {"security": [{"Bearer": []}]} if keyed else {}


def inputs_of(manifest: Manifest) -> List[Tuple[str, Schema]]:
    """Return the inputs with their columns, by the names that requests use."""
    return [
        (name, manifest.inputs.get(port, ())) for port, name in zip(manifest.ports, INPUT_NAMES)
    ]


def outputs_of(manifest: Manifest) -> List[Tuple[str, Schema]]:
    """Return the outputs with their columns, by name."""
    return [
        (port, manifest.outputs.get(port, ()))
        for port in ("output1", "output2")
        if port == "output1" or port in manifest.outputs
    ]


def error_schema() -> Dict[str, Any]:
    """Return the schema of the body of an error response."""
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
    """Describe a service in one sentence."""
    return f"The module {manifest.name} under the {manifest.profile} profile."
