"""The files that make the zip an Azure ML v2 command component, and its environment."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from azml_magic.module.manifest import Manifest

_SCHEMA = "https://azuremlschemas.azureedge.net/latest/commandComponent.schema.json"
_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04"
INPUT_TYPES = ("uri_file", "uri_folder")


def environment_files(manifest: Manifest) -> dict[str, bytes]:
    """Return the environment files for the different tools, with pinned packages."""
    pins = [f"{name}=={version}" for name, version in manifest.packages.items()]
    minor = ".".join(manifest.python.split(".")[:2])
    conda = {
        "name": manifest.name,
        "channels": ["conda-forge"],
        "dependencies": [f"python={minor}", "pip", {"pip": pins}],
    }
    python_env = {
        "python": manifest.python,
        "build_dependencies": ["pip"],
        "dependencies": ["-r requirements.txt"],
    }
    return {
        "conda.yaml": to_yaml(conda),
        "python_env.yaml": to_yaml(python_env),
        "requirements.txt": "".join(f"{pin}\n" for pin in pins).encode(),
    }


def component_file(manifest: Manifest, input_type: str) -> bytes:
    """Return ``component.yaml``.

    Parameters
    ----------
    manifest : Manifest
        The module's manifest.
    input_type : str
        ``"uri_file"`` or ``"uri_folder"``: what the pipeline passes.
    """
    words = ["python __main__.py"]
    inputs: dict[str, Any] = {}
    for port in manifest.ports:
        inputs[port] = {"type": input_type, "description": f"The module's {port}"}
        words.append(f"--{port} ${{{{inputs.{port}}}}}")
    outputs = {}
    for port in _output_ports(manifest):
        outputs[port] = {"type": "uri_folder", "description": "A folder with data.parquet"}
        option = {"output1": "output", "output2": "output2"}[port]
        words.append(f"--{option} ${{{{outputs.{port}}}}}")
    outputs["figures"] = {"type": "uri_folder", "description": "The PNG files of the module"}
    words.append("--figures ${{outputs.figures}}")
    component = {
        "$schema": _SCHEMA,
        "type": "command",
        "name": manifest.name.lower(),
        "display_name": manifest.name,
        "description": f"The Execute Python Script module {manifest.name}",
        "version": "1",
        **({"inputs": inputs} if inputs else {}),
        "outputs": outputs,
        "code": ".",
        "environment": {"image": _IMAGE, "conda_file": "conda.yaml"},
        "command": " ".join(words),
    }
    return to_yaml(component)


def to_yaml(value: Mapping[str, Any]) -> bytes:
    """Return plain values as YAML; text is always quoted, so that it is never misread."""
    return ("\n".join(_lines(value)) + "\n").encode()


def _lines(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        lines = []
        for name, item in value.items():
            lines += _entry(f"{name}:", item)
        return lines
    lines = []
    for item in value:
        first, *rest = _lines(item) if _is_nested(item) else [_scalar(item)]
        lines += [f"- {first}", *(f"  {line}" for line in rest)]
    return lines


def _entry(start: str, item: Any) -> list[str]:
    if not _is_nested(item):
        return [f"{start} {_scalar(item)}"]
    return [start, *(f"  {line}" for line in _lines(item))]


def _is_nested(value: Any) -> bool:
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    return (is_list or isinstance(value, Mapping)) and bool(value)


def _scalar(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _output_ports(manifest: Manifest) -> tuple[str, ...]:
    return ("output1", "output2") if "output2" in manifest.outputs else ("output1",)
