"""The zip as an MLflow model, described by hand, as MLflow's own writer records local paths."""

from __future__ import annotations

import json

from azml_magic.exporting.component import to_yaml
from azml_magic.module.manifest import Manifest, Schema

_TYPES = {
    "integer": "long",
    "number": "double",
    "string": "string",
    "boolean": "boolean",
    "datetime": "datetime",
    "binary": "binary",
    "any": "string",
}


def model_file(manifest: Manifest) -> bytes:
    """Return ``MLmodel`` for a module with one input."""
    flavor = {
        "loader_module": "mlflow.pyfunc.loaders.code_model",
        "model_code_path": "mlflow_model.py",
        "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
        "python_version": manifest.python,
    }
    model: dict[str, object] = {"flavors": {"python_function": flavor}}
    (port,) = manifest.ports
    if port in manifest.inputs:
        signature = {"inputs": _columns(manifest.inputs[port])}
        if "output1" in manifest.outputs:
            signature["outputs"] = _columns(manifest.outputs["output1"])
        model["signature"] = signature
    return to_yaml(model)


def _columns(schema: Schema) -> str:
    columns = [
        {
            "name": column.name,
            # MLflow has no nullable integer.
            "type": "double"
            if column.type == "integer" and column.nullable
            else _TYPES[column.type],
            "required": True,
        }
        for column in schema
    ]
    return json.dumps(columns)
