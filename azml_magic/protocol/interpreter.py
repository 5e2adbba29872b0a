"""The Python interpreter that runs a module: its version, and what it can import.

Use this instead of ``sys``, as a run cannot import everything that the notebook can: the
notebook's folder, and additions to ``sys.path``, are missing in a run.
"""

from __future__ import annotations

import functools
import os
import site
import sys
import sysconfig
from dataclasses import dataclass
from importlib import metadata
from importlib.machinery import PathFinder
from typing import Dict, FrozenSet, Iterable, List, Mapping, Optional, Tuple

_EDITABLE = "__editable__"


@dataclass(frozen=True)
class Interpreter:
    """An interpreter and its packages.

    Attributes
    ----------
    program : str
        Path of its executable.
    version : tuple of int
        Python version.
    path : tuple of str
        The import path of its isolated mode (``-I``), and the user's own packages.
    standard : frozenset of str
        Top-level names of its standard library.
    """

    program: str
    version: Tuple[int, int, int]
    path: Tuple[str, ...]
    standard: FrozenSet[str]

    @classmethod
    def here(cls) -> Interpreter:
        """Return the interpreter of this process."""
        return _here()

    def can_import(self, name: str) -> bool:
        """Return whether a run can import a top-level module, without importing it."""
        return name in self.standard or _is_found(self.path, name)

    def version_of(self, distribution: str) -> str:
        """Return the version of a distribution; empty if it is not installed."""
        return _version(self.path, distribution)

    def distributions(self) -> Mapping[str, str]:
        """Return the distribution that provides each top-level name."""
        return _distributions(self.path)


@functools.lru_cache(maxsize=1)
def _here() -> Interpreter:
    return Interpreter(
        sys.executable,
        sys.version_info[:3],
        tuple(_import_path()),
        frozenset(sys.stdlib_module_names),
    )


def _import_path() -> List[str]:
    """Return the import path of an isolated interpreter, and the user's own folders."""
    standard = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib")]
    standard += [os.path.join(folder, "lib-dynload") for folder in standard]
    packages = [*site.getsitepackages(), *own_packages()]
    # The folders in a .pth file are on the path of every interpreter that uses its folder.
    added = [line for folder in packages for line in _pth_lines(folder)]
    return list(filter(os.path.isdir, dict.fromkeys((*standard, *packages, *added))))


def own_packages() -> List[str]:
    """Return the folders of installed packages that ``-I`` leaves out: the user's own."""
    user = site.getusersitepackages() if site.ENABLE_USER_SITE else ""
    return [user] if user and user in sys.path else []


def _pth_lines(folder: str) -> Iterable[str]:
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".pth"))
    except OSError:
        return
    for name in names:
        try:
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                lines = file.read().splitlines()
        except OSError:
            continue
        for line in lines:
            if line.strip() and not line.startswith(("#", "import ", "import\t")):
                yield os.path.normpath(os.path.join(folder, line.strip()))


@functools.lru_cache(maxsize=1024)
def _is_found(path: Tuple[str, ...], name: str) -> bool:
    try:
        spec = PathFinder.find_spec(name, list(path))
        # Editable installs may use their own finder.
        for finder in sys.meta_path if spec is None else ():
            if getattr(finder, "__module__", "").startswith(_EDITABLE):
                spec = spec or finder.find_spec(name, None)
    except (ImportError, ValueError):
        return False
    # Any folder is a namespace package, so this proves nothing.
    return spec is not None and spec.origin is not None


@functools.lru_cache(maxsize=256)
def _version(path: Tuple[str, ...], name: str) -> str:
    found: Optional[metadata.Distribution] = next(
        iter(metadata.distributions(name=name, path=list(path))), None
    )
    return found.version if found is not None else ""


@functools.lru_cache(maxsize=4)
def _distributions(path: Tuple[str, ...]) -> Mapping[str, str]:
    # Reads the metadata of all installed distributions.
    found: Dict[str, str] = {}
    for distribution in metadata.distributions(path=list(path)):
        for name in _top_level(distribution):
            found.setdefault(name, distribution.metadata["Name"])
    return found


def _top_level(distribution: metadata.Distribution) -> List[str]:
    declared = (distribution.read_text("top_level.txt") or "").split()
    if declared:
        return declared
    names = set()
    for file in distribution.files or ():
        first = file.parts[0]
        if len(file.parts) > 1:
            names.add(first)
        elif file.suffix in {".py", ".so", ".pyd"}:
            names.add(first.partition(".")[0])
    return sorted(name for name in names if name.isidentifier())
