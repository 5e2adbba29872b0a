"""The Swagger 2.0 document, as the classic service provided it."""

from __future__ import annotations

from typing import Any, Dict, Sequence

from azml_magic.module.manifest import Column, Manifest
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

_SWAGGER_TYPES: Dict[str, Dict[str, Any]] = {
    "integer": {"type": "integer", "format": "int64"},
    "number": {"type": "number", "format": "double"},
    "boolean": {"type": "boolean"},
    "string": {"type": "string"},
    "datetime": {"type": "string", "format": "date-time"},
    "binary": {"type": "string", "format": "byte"},
    "any": {"type": "string"},
}


def swagger(manifest: Manifest, *, keyed: bool = False) -> Dict[str, Any]:
    """Return the Swagger 2.0 document of the classic service.

    Clients expect the scoring path to be the second one, with its query in the key.

    Parameters
    ----------
    manifest : Manifest
        The module's manifest.
    keyed : bool
        Whether requests need a key.
    """
    items = {
        **{f"{name}Item": _swagger_item(schema) for name, schema in inputs_of(manifest)},
        **{f"{name}Item": _swagger_item(schema) for name, schema in outputs_of(manifest)},
    }
    requests = {name: _list_of(f"{name}Item") for name, _ in inputs_of(manifest)}
    answers = {name: _list_of(f"{name}Item") for name, _ in outputs_of(manifest)}
    faults = {
        status: {"description": text, "schema": {"$ref": "#/definitions/ErrorResponse"}}
        for status, text in FAULTS.items()
    }
    return {
        "swagger": "2.0",
        "info": {"version": "2.0", "title": manifest.name, "description": describe(manifest)},
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
                    **security(keyed),
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
            "ErrorResponse": error_schema(),
        },
    }


def _swagger_item(schema: Sequence[Column]) -> Dict[str, Any]:
    properties = {}
    for column in schema:
        nullable = {"x-nullable": True} if column.nullable else {}
        properties[column.name] = {**_SWAGGER_TYPES[column.type], **nullable}
    return {"type": "object", "properties": properties}


def _list_of(definition: str) -> Dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/definitions/{definition}"}}
