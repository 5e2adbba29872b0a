"""The surroundings of a script in a debug run, restored when it is over.

The worker of a confined run needs none of this, as it ends.
"""

from __future__ import annotations

import contextlib
import io
import linecache
import os
import pdb
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from azml_magic.contract.profile import PROFILES, Profile
from azml_magic.languages.python import run_object
from azml_magic.languages.python.layout import lay_out
from azml_magic.module.bundle import Bundle
from azml_magic.protocol.job_header import RUN_FOLDERS

_OF_A_SCRIPT = {"azureml", *(profile.module_name for profile in PROFILES.values())}


class World:
    """What a debug run produces besides its frames."""

    def __init__(self) -> None:
        self.stdout, self.stderr = io.StringIO(), io.StringIO()
        self.uploads: list[dict[str, str]] = []


class _Tee:
    """A stream that also keeps what is written to it."""

    def __init__(self, stream: Any, kept: io.StringIO) -> None:
        self._stream, self._kept = stream, kept

    def write(self, text: str) -> int:
        self._kept.write(text)
        self._stream.write(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def module_world(
    file: str, bundle: Bundle | None, profile: Profile, folder: str
) -> Iterator[World]:
    """Set up the surroundings of a script, and restore everything afterwards.

    Parameters
    ----------
    file : str
        The file name of the module's code.
    bundle : Bundle or None
        The third port.
    profile : Profile
        The rules.
    folder : str
        An empty folder for the run.
    """
    home = os.path.join(folder, "work")
    for name in RUN_FOLDERS:
        os.makedirs(os.path.join(folder, name))
    world = World()
    kept_lines: Any = linecache.cache.get(file)
    before = (os.getcwd(), sys.path[:], sys.argv[:], dict(sys.modules), _backend())
    streams, hook = (sys.stdout, sys.stderr), sys.breakpointhook
    _hide_namesakes(bundle, before[0])
    try:
        sys.stdout, sys.stderr = _Tee(sys.stdout, world.stdout), _Tee(sys.stderr, world.stderr)
        sys.breakpointhook = _breakpoint_hook()
        run_object.Run._uploads.clear()
        world.uploads = lay_out(folder, bundle.files if bundle is not None else None, profile)
        yield world
    finally:
        (sys.stdout, sys.stderr), sys.breakpointhook = streams, hook
        os.chdir(before[0])
        sys.path[:], sys.argv = before[1], before[2]
        _restore_modules(before[3], folder)
        _restore_backend(before[4])
        _keep_lines(file, kept_lines, folder, home)


def _breakpoint_hook() -> Any:
    """Return what ``breakpoint()`` calls: pdb if debugpy is loaded but has no client."""
    debugpy: Any = sys.modules.get("debugpy")
    if debugpy is None or debugpy.is_client_connected():
        return sys.breakpointhook
    return pdb.set_trace


def _hide_namesakes(bundle: Bundle | None, notebook_folder: str) -> None:
    """Unload modules of the notebook's folder that share a name with those of the bundle."""
    for name in bundle.modules if bundle is not None else ():
        file = getattr(sys.modules.get(name), "__file__", None) or ""
        if file.startswith(notebook_folder + os.sep) and "site-packages" not in file:
            del sys.modules[name]


def _restore_modules(before: dict[str, ModuleType], folder: str) -> None:
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        if file.startswith(folder + os.sep) or name.partition(".")[0] in _OF_A_SCRIPT:
            del sys.modules[name]
    for name, module in before.items():
        sys.modules.setdefault(name, module)


def _backend() -> str | None:
    plt = sys.modules.get("matplotlib.pyplot")
    return None if plt is None else str(plt.get_backend())


def _restore_backend(before: str | None) -> None:
    """Restore the notebook's backend of pyplot, which scripts often change."""
    plt = sys.modules.get("matplotlib.pyplot")
    wanted = before or os.environ.get("MPLBACKEND")
    if plt is not None and wanted and plt.get_backend() != wanted:
        plt.switch_backend(wanted)


def _keep_lines(file: str, before: Any, folder: str, home: str) -> None:
    """Keep the lines of deleted files for a debugger, and restore those of the cell."""
    if before is not None and len(before[2]) >= len(linecache.getlines(file)):
        linecache.cache[file] = before
    for name in list(linecache.cache):
        if name.startswith(folder + os.sep):
            lines: list[str] = linecache.getlines(name)
            linecache.cache[name] = (len(lines), None, lines, name)
