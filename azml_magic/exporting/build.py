"""Building a module zip from a module, its recorded columns and its requirements."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from azml_magic.errors import ExportError
from azml_magic.exporting import requirements
from azml_magic.exporting.component import component_file, environment_files
from azml_magic.exporting.mlmodel import model_file
from azml_magic.exporting.vendor import RUNTIME, runtime_files
from azml_magic.module.bundle import Bundle
from azml_magic.module.manifest import MANIFEST_FILE, Manifest, Schema
from azml_magic.result import Finding
from azml_magic.scoring.openapi import openapi
from azml_magic.scoring.swagger import swagger

# The earliest time that zips can store; a fixed time makes builds reproducible.
_TIME = (1980, 1, 1, 0, 0, 0)
_PERMISSIONS = 0o100644 << 16
_SCRIPT_BOX = "script_box.txt"

_MAIN = f'''\
"""python MODULE.zip --dataset1 in.csv --output out.parquet; see --help for all options."""

import sys

from {RUNTIME}.exporting.runtime.main import main

sys.exit(main())
'''
_SCORE = f'''\
"""An online endpoint's scoring script."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from {RUNTIME}.exporting.runtime.endpoint import init, run  # noqa: E402, F401
'''
_MLFLOW = f'''\
"""The module as an MLflow model."""

import os
import sys

import mlflow.models

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from {RUNTIME}.exporting.runtime.pyfunc import ModuleModel  # noqa: E402

mlflow.models.set_model(ModuleModel())
'''


@dataclass(frozen=True)
class Contents:
    """The contents of a zip.

    Attributes
    ----------
    name : str
        Name of the module in it.
    source : str
        The module's source.
    bundle : Bundle or None
        Its script bundle.
    profile : str
        ``"classic"`` or ``"designer"``.
    ports : tuple of str
        The connected input ports.
    inputs, outputs : mapping of str to Schema
        The recorded columns of the ports.
    options : mapping of str to str
        Options that change the module's inputs.
    findings : tuple of Finding
        The findings about the module.
    input_type : str
        Type of the component's inputs.
    """

    name: str
    source: str
    bundle: Bundle | None
    profile: str
    ports: tuple[str, ...]
    inputs: Mapping[str, Schema] = field(default_factory=dict)
    outputs: Mapping[str, Schema] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    input_type: str = "uri_file"


def build(contents: Contents) -> tuple[bytes, Manifest]:
    """Build the zip; return its bytes and its manifest. The same contents give the same bytes.

    Raises
    ------
    ExportError
        When a name is invalid or already taken.
    """
    own = dict(contents.bundle.files) if contents.bundle is not None else {}
    manifest = _manifest(contents, tuple(sorted(own)))
    files = _made(contents, manifest)
    _check_names(contents.name, own, files)
    files |= own
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    manifest = replace(manifest, files=dict(sorted(hashes.items())))
    files[MANIFEST_FILE] = manifest.to_json()
    return _zip(files), manifest


def script_box(name: str) -> str:
    """Return the text for the script box when the zip is the module's script bundle."""
    return f"from {name} import azureml_main\n"


def _manifest(contents: Contents, bundle: tuple[str, ...]) -> Manifest:
    names = requirements.imported_by_all(contents.source, contents.bundle)
    return Manifest(
        name=contents.name,
        profile=contents.profile,
        ports=contents.ports,
        inputs=contents.inputs,
        outputs=contents.outputs,
        bundle=bundle,
        python=platform.python_version(),
        packages=requirements.installed(names),
        options=contents.options,
        findings=tuple(asdict(finding) for finding in contents.findings),
        files={},
    )


def _made(contents: Contents, manifest: Manifest) -> dict[str, bytes]:
    """Return all generated files except the manifest."""
    files = {
        f"{contents.name}.py": contents.source.encode(),
        "__main__.py": _MAIN.encode(),
        "score.py": _SCORE.encode(),
        "component.yaml": component_file(manifest, contents.input_type),
        "swagger2.json": _json(swagger(manifest)),
        "swagger3.json": _json(openapi(manifest, classic=False)),
        _SCRIPT_BOX: script_box(contents.name).encode(),
        **environment_files(manifest),
        **runtime_files(),
    }
    if len(manifest.ports) == 1:
        files |= {"MLmodel": model_file(manifest), "mlflow_model.py": _MLFLOW.encode()}
    return files


def _check_names(name: str, own: Mapping[str, bytes], made: Mapping[str, bytes]) -> None:
    if not name.isidentifier() or not name.isascii():
        raise ExportError(f"{name!r} cannot be a module's name", "use letters, digits and _")
    if requirements.is_installed(name) or name == RUNTIME:
        raise ExportError(
            f"{name!r} is the name of an installed package",
            "a bundle is last on the import path; choose another name",
        )
    if name in {"score", "mlflow_model", "__main__", "test", "app"}:
        raise ExportError(f"the name {name!r} is reserved", "choose another name")
    taken: Sequence[str] = sorted(
        path
        for path in own
        if path in made or path == MANIFEST_FILE or path.split("/")[0] == RUNTIME
    )
    if taken:
        raise ExportError(
            f"the bundle's file {taken[0]!r} has the same name as a file of the export",
            "rename it in the bundle, or export the module under another name",
        )


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def _zip(files: Mapping[str, bytes]) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.external_attr = _PERMISSIONS
            entry.create_system = 3
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name], compresslevel=6)
    return memory.getvalue()
