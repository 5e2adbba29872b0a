"""Turning a script box's text, a zip or a file back into a notebook cell with its bundle."""

from __future__ import annotations

import ast
import io
import shlex
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

from azml_magic.contract.profile import get_profile
from azml_magic.exporting.files import module_zip
from azml_magic.exporting.requirements import imported
from azml_magic.module.bundle import Bundle, open_bundle
from azml_magic.module.global_names import ENTRY_POINT
from azml_magic.module.manifest import Manifest
from azml_magic.module.module import Module
from azml_magic.module.syntax import decode, parse
from azml_magic.protocol.options import DEFAULTS


@dataclass(frozen=True)
class Imported:
    """A cell made from a module.

    Attributes
    ----------
    name : str
        Name of the module.
    cell : str
        The cell's text.
    bundle : str
        Path of its script bundle; empty for none.
    """

    name: str
    cell: str
    bundle: str


@dataclass(frozen=True)
class Parts:
    """A module and its bundle."""

    name: str
    source: str
    bundle: Bundle | None
    profile: str = "classic"
    ports: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)


def read_source(place: Path, bundle: str | PathLike[str] | None, folder: Path) -> Imported:
    """Return the cell for a file; a bundle inside it is written to `folder`."""
    is_text = place.suffix.lower() == ".txt"
    module = Module.from_file(place) if is_text else Module.from_path(place)
    manifest = module_zip(str(place))
    opened, _ = open_bundle(bundle, get_profile(module.profile or "classic"))
    parts = _parts_of(module, opened, manifest)
    bundle_path = str(bundle) if bundle is not None else ""
    if parts.bundle is not None and parts.bundle is not opened:
        written = folder / f"{parts.name}_bundle.zip"
        _write_bundle(parts.bundle, written)
        bundle_path = str(written)
    elif parts.bundle is None:
        bundle_path = ""
    return Imported(parts.name, _cell_text(parts, bundle_path), bundle_path)


def _parts_of(module: Module, bundle: Bundle | None, manifest: Manifest | None) -> Parts:
    """Return the parts of a module that was read.

    A script box with nothing but ``from NAME import azureml_main`` stands for the file of that
    name in the bundle.
    """
    bundle = bundle or module.bundle
    ports = manifest.ports if manifest is not None else ()
    options = manifest.options if manifest is not None else {}
    profile = module.profile or "classic"
    name = module.name or _name(module)
    boxed = _imported_entry(module.source)
    files = dict(bundle.files) if bundle is not None else {}
    if boxed and f"{boxed}.py" in files:
        source = decode(files[f"{boxed}.py"])
        if not _is_needed(boxed, files):
            del files[f"{boxed}.py"]
        rest = Bundle(bundle.name, tuple(sorted(files.items()))) if bundle and files else None
        return Parts(boxed, source, rest, profile, ports, options)
    return Parts(name, module.source, bundle, profile, ports, options)


def _cell_text(parts: Parts, bundle_path: str) -> str:
    """Return the text of the cell: the magic's line, followed by the module."""
    words = ["%%azureml_module", "-n", parts.name]
    for port in parts.ports:
        words += ["-i", f"{port}={port}"]
    if bundle_path:
        words += ["-z", shlex.quote(bundle_path)]
    if parts.profile != "classic":
        words += ["-p", parts.profile]
    for option, value in parts.options.items():
        if value != getattr(DEFAULTS, option):
            words += [f"--{option}", value]
    return f"{' '.join(words)}\n{parts.source}"


def _write_bundle(bundle: Bundle, place: Path) -> None:
    """Write a bundle as a zip."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in bundle.files:
            archive.writestr(zipfile.ZipInfo(name), content)
    place.write_bytes(memory.getvalue())


def _name(module: Module) -> str:
    stem = Path(module.label).stem
    return stem if stem.isidentifier() else "imported"


def _imported_entry(source: str) -> str:
    """Return NAME if a source is just ``from NAME import azureml_main``, else an empty text."""
    try:
        body = parse(source).body
    except SyntaxError:
        return ""
    statements = [
        node
        for node in body
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    ]
    node = statements[0] if len(statements) == 1 else None
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        names = [(alias.name, alias.asname) for alias in node.names]
        return node.module or "" if (ENTRY_POINT, None) in names else ""
    return ""


def _is_needed(name: str, files: dict[str, bytes]) -> bool:
    """Return whether another file of the bundle imports a module."""
    for path, content in files.items():
        if path.endswith(".py") and path != f"{name}.py":
            try:
                if name in imported(decode(content)):
                    return True
            except SyntaxError:
                continue
    return False
