"""The OpenAPI 3.1 document."""

from __future__ import annotations

from typing import Any, Dict, List

from azml_magic.module.manifest import Manifest, Schema
from azml_magic.scoring.documents import (
    FAULTS,
    classic_base,
    describe,
    error_schema,
    example,
    inputs_of,
    outputs_of,
    security,
)

_ACCEPTED: Dict[str, List[Dict[str, Any]]] = {
    "integer": [
        {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
        {"type": "string", "pattern": r"^(NaN|nan|null|[+-]?[0-9]{1,18}(\.0*)?)?$"},
    ],
    "number": [
        {"type": "number"},
        {
            "type": "string",
            "pattern": r"^(NaN|nan|null|-?Infinity|-?INF|"
            r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?)?$",
        },
    ],
    "boolean": [
        {"type": "boolean"},
        {"enum": ["True", "true", "False", "false", "", "NaN", "nan", "null"]},
    ],
    "string": [{"type": ["string", "number", "boolean"]}],
    "datetime": [{"type": "string", "format": "date-time"}],
    "binary": [{"type": "string", "contentEncoding": "base64"}],
    "any": [{"type": ["string", "number", "boolean"]}],
}
_TYPED: Dict[str, Dict[str, Any]] = {
    "integer": {"type": ["integer", "null"]},
    # Infinities are text, as JSON cannot represent them.
    "number": {"anyOf": [{"type": ["number", "null"]}, {"enum": ["Infinity", "-Infinity"]}]},
    "boolean": {"type": ["boolean", "null"]},
    "string": {"type": ["string", "null"]},
    "datetime": {"type": ["string", "null"]},
    "binary": {"type": ["string", "null"]},
    "any": {},
}


def openapi(manifest: Manifest, *, classic: bool = True, keyed: bool = False) -> Dict[str, Any]:
    """Return the OpenAPI 3.1 document.

    Parameters
    ----------
    manifest : Manifest
        The module's manifest.
    classic : bool
        Whether to include the classic paths, in addition to ``/score``.
    keyed : bool
        Whether requests need a key.
    """
    paths = {"/score": {"post": {**_score(manifest), **security(keyed)}}}
    if classic:
        execute = {**_execute(manifest), **security(keyed)}
        paths[f"{classic_base(manifest.name)}/execute"] = {"post": execute}
    return {
        "openapi": "3.1.0",
        "info": {"version": "2.0", "title": manifest.name, "description": describe(manifest)},
        "paths": paths,
        "components": {
            "securitySchemes": {"Bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": {"ErrorResponse": error_schema()},
        },
    }


def _score(manifest: Manifest) -> Dict[str, Any]:
    answers = {}
    for name, schema in outputs_of(manifest):
        properties = {column.name: _TYPED[column.type] for column in schema}
        answers[name] = {"type": "array", "items": {"type": "object", "properties": properties}}
    result = {"type": "object", "properties": answers, "required": ["output1"]}
    response = {"type": "object", "properties": {"Results": result}, "required": ["Results"]}
    return {
        "summary": "Score rows; values in the response have JSON types",
        "operationId": "score",
        "requestBody": _request_body(manifest),
        "responses": {"200": _json_response("The module's output", response), **_faults()},
    }


def _execute(manifest: Manifest) -> Dict[str, Any]:
    text: Dict[str, Any] = {"type": "string"}
    rows = {"type": "array", "items": {"type": "array", "items": text}}
    names = {"type": "array", "items": text}
    value = {
        "type": "object",
        "properties": {"ColumnNames": names, "ColumnTypes": names, "Values": rows},
        "required": ["Values"],
    }
    table = {
        "type": "object",
        "properties": {"type": {"const": "table"}, "value": value},
        "required": ["type", "value"],
    }
    objects = {"type": "array", "items": {"type": "object", "additionalProperties": text}}
    results = {"type": "object", "additionalProperties": {"anyOf": [table, objects]}}
    response = {"type": "object", "properties": {"Results": results}, "required": ["Results"]}
    parameters = [
        {"name": "api-version", "in": "query", "schema": {"enum": ["2.0"]}},
        {"name": "details", "in": "query", "schema": {"enum": ["true", "false"]}},
        {"name": "format", "in": "query", "schema": {"enum": ["swagger"]}},
    ]
    return {
        "summary": "Score rows like the classic service; all values in the response are text",
        "operationId": "execute",
        "parameters": parameters,
        "requestBody": _request_body(manifest),
        "responses": {"200": _json_response("The module's output", response), **_faults()},
    }


def _request_body(manifest: Manifest) -> Dict[str, Any]:
    inputs = {name: _accepted_input(schema) for name, schema in inputs_of(manifest)}
    accepted = {
        "type": "object",
        "properties": inputs,
        "required": list(inputs),
        "additionalProperties": False,
    }
    parameters = {"type": ["object", "null"], "additionalProperties": False}
    schema = {
        "type": "object",
        "properties": {"Inputs": accepted, "GlobalParameters": parameters},
        "required": ["Inputs"],
        "additionalProperties": False,
    }
    content = {"application/json": {"schema": schema, "example": example(manifest)}}
    return {"required": True, "content": content}


def _accepted_input(schema: Schema) -> Dict[str, Any]:
    """Describe the records of an input; ColumnNames and Values are accepted too."""
    if not schema:
        record: Dict[str, Any] = {
            "type": "object",
            "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
        }
        return {"type": "array", "items": record}
    properties = {
        column.name: {"anyOf": [*_ACCEPTED[column.type], {"type": "null"}]} for column in schema
    }
    return {
        "type": "array",
        "items": {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        },
    }


def _faults() -> Dict[str, Any]:
    schema = {"$ref": "#/components/schemas/ErrorResponse"}
    return {status: _json_response(text, schema) for status, text in FAULTS.items()}


def _json_response(text: str, schema: Dict[str, Any]) -> Dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}}
