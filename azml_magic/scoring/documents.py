"""The service described: Swagger 2.0 as the classic service had it, and OpenAPI 3.1."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence, Tuple

from azml_magic.module.manifest import Column, Manifest, Schema
from azml_magic.scoring.tables import INPUT_NAMES

WORKSPACE = "local"
_FAULTS = {
    "400": "The request does not fit the service, or the module failed.",
    "401": "The key is missing or wrong.",
    "408": "The request took too long.",
    "413": "The request is too large, or the module passed its memory limit.",
    "415": "The body is not declared as JSON.",
    "500": "The worker ended without an answer.",
    "503": "The service has no room for the request now.",
}
_SWAGGER_TYPES: Dict[str, Dict[str, Any]] = {
    "integer": {"type": "integer", "format": "int64"},
    "number": {"type": "number", "format": "double"},
    "boolean": {"type": "boolean"},
    "string": {"type": "string"},
    "datetime": {"type": "string", "format": "date-time"},
    "binary": {"type": "string", "format": "byte"},
    "any": {"type": "string"},
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
    # Infinities are text: JSON has no number for them.
    "number": {"anyOf": [{"type": ["number", "null"]}, {"enum": ["Infinity", "-Infinity"]}]},
    "boolean": {"type": ["boolean", "null"]},
    "string": {"type": ["string", "null"]},
    "datetime": {"type": ["string", "null"]},
    "binary": {"type": ["string", "null"]},
    "any": {},
}


def classic_base(name: str) -> str:
    """Return the path below which the classic service of a module stands."""
    return f"/workspaces/{WORKSPACE}/services/{name}"


def example(manifest: Manifest) -> Dict[str, Any]:
    """Return a request's body with one made-up row; it shows types, not data."""
    inputs = {}
    for name, schema in _inputs(manifest):
        inputs[name] = [{column.name: _EXAMPLES[column.type] for column in schema}]
    return {"Inputs": inputs, "GlobalParameters": {}}


def swagger(manifest: Manifest, *, keyed: bool = False) -> Dict[str, Any]:
    """Return the Swagger 2.0 document of the classic service.

    Clients find the scoring path as the second one, with its query in the key.

    Parameters
    ----------
    manifest : Manifest
        Of the module.
    keyed : bool
        Whether requests need a key.
    """
    items = {
        **{f"{name}Item": _swagger_item(schema) for name, schema in _inputs(manifest)},
        **{f"{name}Item": _swagger_item(schema) for name, schema in _outputs(manifest)},
    }
    requests = {name: _list_of(f"{name}Item") for name, _ in _inputs(manifest)}
    answers = {name: _list_of(f"{name}Item") for name, _ in _outputs(manifest)}
    faults = {
        status: {"description": text, "schema": {"$ref": "#/definitions/ErrorResponse"}}
        for status, text in _FAULTS.items()
    }
    return {
        "swagger": "2.0",
        "info": {"version": "2.0", "title": manifest.name, "description": _describe(manifest)},
        "basePath": classic_base(manifest.name),
        "schemes": ["http", "https"],
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "paths": {
            "/swagger.json": {
                "get": {
                    "summary": "Get the swagger document of this service",
                    "operationId": "getSwaggerDocument",
                    "responses": {"200": {"description": "This document"}},
                }
            },
            "/execute?api-version=2.0&format=swagger": {
                "post": {
                    "summary": "Execute the web service and get a response synchronously",
                    "operationId": "execute",
                    "parameters": [
                        {
                            "name": "executionRequest",
                            "in": "body",
                            "required": True,
                            "schema": {"$ref": "#/definitions/ExecutionRequest"},
                        }
                    ],
                    **_security(keyed),
                    "responses": {
                        "200": {
                            "description": "Execution successful",
                            "schema": {"$ref": "#/definitions/ExecutionResponse"},
                        },
                        **faults,
                    },
                }
            },
        },
        "securityDefinitions": {
            "Bearer": {"type": "apiKey", "name": "Authorization", "in": "header"}
        },
        "definitions": {
            "ExecutionRequest": {
                "type": "object",
                "properties": {
                    "Inputs": {"type": "object", "properties": requests},
                    "GlobalParameters": {"type": "object"},
                },
                "required": ["Inputs"],
                "example": example(manifest),
            },
            "ExecutionResponse": {
                "type": "object",
                "properties": {"Results": {"type": "object", "properties": answers}},
            },
            **items,
            "ErrorResponse": _error_schema(),
        },
    }


def openapi(
    manifest: Manifest, *, classic: bool = True, keyed: bool = False
) -> Dict[str, Any]:
    """Return the OpenAPI 3.1 document.

    Parameters
    ----------
    manifest : Manifest
        Of the module.
    classic : bool
        Whether the classic paths are there too, and not ``/score`` alone.
    keyed : bool
        Whether requests need a key.
    """
    paths = {"/score": {"post": {**_score(manifest), **_security(keyed)}}}
    if classic:
        execute = {**_execute(manifest), **_security(keyed)}
        paths[f"{classic_base(manifest.name)}/execute"] = {"post": execute}
    return {
        "openapi": "3.1.0",
        "info": {"version": "2.0", "title": manifest.name, "description": _describe(manifest)},
        "paths": paths,
        "components": {
            "securitySchemes": {"Bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": {"ErrorResponse": _error_schema()},
        },
    }


def _score(manifest: Manifest) -> Dict[str, Any]:
    answers = {}
    for name, schema in _outputs(manifest):
        properties = {column.name: _TYPED[column.type] for column in schema}
        answers[name] = {"type": "array", "items": {"type": "object", "properties": properties}}
    result = {"type": "object", "properties": answers, "required": ["output1"]}
    response = {"type": "object", "properties": {"Results": result}, "required": ["Results"]}
    return {
        "summary": "Score rows; values of the answer have JSON types",
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
        "summary": "Score rows as the classic service did; every value of the answer is text",
        "operationId": "execute",
        "parameters": parameters,
        "requestBody": _request_body(manifest),
        "responses": {"200": _json_response("The module's output", response), **_faults()},
    }


def _request_body(manifest: Manifest) -> Dict[str, Any]:
    inputs = {name: _accepted_input(schema) for name, schema in _inputs(manifest)}
    wanted = {
        "type": "object",
        "properties": inputs,
        "required": list(inputs),
        "additionalProperties": False,
    }
    parameters = {"type": ["object", "null"], "additionalProperties": False}
    schema = {
        "type": "object",
        "properties": {"Inputs": wanted, "GlobalParameters": parameters},
        "required": ["Inputs"],
        "additionalProperties": False,
    }
    content = {"application/json": {"schema": schema, "example": example(manifest)}}
    return {"required": True, "content": content}


def _accepted_input(schema: Schema) -> Dict[str, Any]:
    """Describe the records of an input; ColumnNames and Values are accepted as well."""
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


def _security(keyed: bool) -> Dict[str, Any]:
    return {"security": [{"Bearer": []}]} if keyed else {}


def _inputs(manifest: Manifest) -> List[Tuple[str, Schema]]:
    return [
        (name, manifest.inputs.get(port, ()))
        for port, name in zip(manifest.ports, INPUT_NAMES)
    ]


def _outputs(manifest: Manifest) -> List[Tuple[str, Schema]]:
    return [
        (port, manifest.outputs.get(port, ()))
        for port in ("output1", "output2")
        if port == "output1" or port in manifest.outputs
    ]


def _swagger_item(schema: Sequence[Column]) -> Dict[str, Any]:
    properties = {}
    for column in schema:
        nullable = {"x-nullable": True} if column.nullable else {}
        properties[column.name] = {**_SWAGGER_TYPES[column.type], **nullable}
    return {"type": "object", "properties": properties}


def _list_of(definition: str) -> Dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/definitions/{definition}"}}


def _faults() -> Dict[str, Any]:
    schema = {"$ref": "#/components/schemas/ErrorResponse"}
    return {status: _json_response(text, schema) for status, text in _FAULTS.items()}


def _json_response(text: str, schema: Dict[str, Any]) -> Dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _error_schema() -> Dict[str, Any]:
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


def _describe(manifest: Manifest) -> str:
    return f"The module {manifest.name} under the {manifest.profile} profile."
