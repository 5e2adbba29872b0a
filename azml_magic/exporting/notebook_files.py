"""Files in the notebook's folder that a module needs: finding and including them."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable
from pathlib import Path

from azml_magic.errors import ExportError, did_you_mean
from azml_magic.exporting.requirements import imported, is_installed
from azml_magic.module.bundle import Bundle
from azml_magic.module.syntax import decode, parse

_MAX_BYTES = 256 << 20
_COMPILED = {".so", ".pyd", ".dll", ".dylib"}


def missing_modules(source: str, bundle: Bundle | None, folder: Path) -> list[str]:
    """Return the modules in the notebook's folder that a source imports and the bundle lacks."""
    carried = set(bundle.modules) if bundle is not None else set()
    return sorted(
        name
        for name in imported(source)
        if name not in carried and not is_installed(name) and _module_path(folder, name)
    )


def named_files(source: str, bundle: Bundle | None, folder: Path) -> list[str]:
    """Return the files in the notebook's folder that a source names in its strings."""
    carried = {path for path, _ in bundle.files} if bundle is not None else set()
    names = set()
    for node in ast.walk(parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            name = node.value.replace("\\", "/").removeprefix("./").removeprefix("Script Bundle/")
            plain = 0 < len(name) < 200 and "\0" not in name and not name.startswith("/")
            if plain and name not in carried and "\n" not in name and (folder / name).is_file():
                names.add(name)
    return sorted(names)


def with_included(bundle: Bundle | None, names: Iterable[str], folder: Path) -> Bundle | None:
    """Return the bundle with modules and files of a folder added to it.

    Local modules imported by these modules are included too; data files only by name.

    Parameters
    ----------
    bundle : Bundle or None
        The module's bundle.
    names : iterable of str
        Names of modules, or paths of files relative to the folder.
    folder : Path
        The folder that contains them.

    Raises
    ------
    ExportError
        When one does not exist, is outside the folder, or would not work on another machine.
    """
    files = dict(bundle.files) if bundle is not None else {}
    waiting = list(names)
    taken: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in taken:
            continue
        taken.add(name)
        for path in _paths(name, folder):
            relative = path.relative_to(folder).as_posix()
            files[relative] = _content(path, relative, folder)
            if path.suffix == ".py":
                waiting += _local_imports(files[relative], folder, taken)
    if sum(map(len, files.values())) > _MAX_BYTES:
        raise ExportError(
            f"the files to include have more than {_MAX_BYTES >> 20} MB in total",
            "leave out data, and pass it to the module by a port",
        )
    if not files:
        return bundle
    return Bundle(bundle.name if bundle is not None else "included", tuple(sorted(files.items())))


def _local_imports(content: bytes, folder: Path, taken: Collection[str]) -> list[str]:
    try:
        names = imported(decode(content))
    except SyntaxError:
        return []
    return [
        name
        for name in sorted(names)
        if name not in taken and not is_installed(name) and _module_path(folder, name)
    ]


def _module_path(folder: Path, name: str) -> Path | None:
    for path in (folder / f"{name}.py", folder / name / "__init__.py"):
        if path.is_file():
            return path
    compiled = [path for path in folder.glob(f"{name}.*") if path.suffix in _COMPILED]
    return compiled[0] if compiled else None


def _paths(name: str, folder: Path) -> list[Path]:
    """Return the files of a module, of a package, or of a path."""
    found = _module_path(folder, name) if name.isidentifier() else None
    if found is not None and found.name == "__init__.py":
        return [
            path
            for path in sorted(found.parent.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        ]
    path = found or folder / name
    if not path.is_file():
        known = [entry.stem for entry in folder.glob("*.py")]
        known += [entry.name for entry in folder.iterdir() if entry.is_file()]
        raise ExportError(
            f"there is no module or file {name!r} in {folder}", did_you_mean(name, known)
        )
    return [path]


def _content(path: Path, relative: str, folder: Path) -> bytes:
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ExportError(
            f"{relative} is outside the folder", "copy the file itself into the folder"
        )
    if path.suffix in _COMPILED:
        raise ExportError(
            f"{relative} is compiled for this machine", "package it as a wheel and install it"
        )
    try:
        return path.read_bytes()
    except OSError as error:
        raise ExportError(f"{relative} cannot be read: {error.strerror}") from error
