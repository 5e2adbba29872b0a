"""Compiling and executing a module's code, up to its ``azureml_main``."""

from __future__ import annotations

import linecache
import os
import sys
import types
from typing import Any

from azml_magic.contract.profile import Profile
from azml_magic.languages.call import Progress
from azml_magic.protocol.job_header import JobHeader

ENTRY_POINT = "azureml_main"


def load(job: JobHeader, profile: Profile, folder: str, progress: Progress) -> Any:
    """Compile a module, run its top level, and return its entry point."""
    progress.stage = "compile"
    code = _compile(job.source, job.filename)
    progress.stage = "import"
    namespace = _execute_top_level(code, job.filename, profile, folder)
    progress.stage = "find"
    return _entry_point(namespace)


def _compile(source: str, filename: str) -> types.CodeType:
    # Registered with linecache, so that tracebacks and inspect.getsource show the source lines.
    lines = source.splitlines(keepends=True)
    linecache.cache[filename] = (len(source), None, lines, filename)
    return compile(source, filename, "exec", dont_inherit=True)


def _execute_top_level(
    code: types.CodeType, filename: str, profile: Profile, folder: str
) -> types.ModuleType:
    """Run the script's top level in its profile's working directory (rules W1, Z9)."""
    home = os.path.join(folder, "work")
    module = types.ModuleType(profile.module_name)
    module.__file__ = os.path.join(home, f"{profile.module_name}.py")
    sys.modules[profile.module_name] = module
    os.chdir(home if profile.top_level_in_run_folder else os.path.join(folder, "start"))
    exec(code, module.__dict__)
    os.chdir(home)
    return module


def _entry_point(module: types.ModuleType) -> Any:
    function = getattr(module, ENTRY_POINT)
    if not callable(function):
        raise TypeError(f"{ENTRY_POINT} is {type(function).__name__!r}, not a function")
    return function
