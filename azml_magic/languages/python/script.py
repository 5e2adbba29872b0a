"""Compiling and executing a module's code, and calling its ``azureml_main``.

Nothing here depends on where the code comes from or where its results go.
"""

from __future__ import annotations

import linecache
import os
import sys
import types
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

from azml_magic.contract.arguments import call_arguments
from azml_magic.contract.datasets import prepare_output
from azml_magic.contract.profile import Profile
from azml_magic.contract.returned_values import collect_outputs
from azml_magic.protocol.job_header import JobHeader
from azml_magic.result import Finding

ENTRY_POINT = "azureml_main"


@dataclass
class Progress:
    """The stage of a run, for reporting a failure.

    Attributes
    ----------
    stage : str
        ``"compile"``, ``"import"`` (the top level), ``"find"`` (the entry point),
        ``"call"``, ``"return"`` (what it returned) or ``"write"`` (values to datasets).
    """

    stage: str = "compile"


def run(
    job: JobHeader,
    profile: Profile,
    datasets: Dict[str, Any],
    folder: str,
    progress: Progress,
) -> Tuple[List[Optional[Any]], List[Finding]]:
    """Execute a module under the rules of a profile.

    Returns
    -------
    tuple
        The frames of the two output ports (``None`` for none), and findings.

    Raises
    ------
    BaseException
        Anything that the module raises; `progress` says at which stage.
    """
    function = load(job, profile, folder, progress)
    return call(function, profile, datasets, progress)


def load(job: JobHeader, profile: Profile, folder: str, progress: Progress) -> Any:
    """Compile a module, run its top level, and return its entry point."""
    progress.stage = "compile"
    code = _compile(job.source, job.filename)
    progress.stage = "import"
    namespace = _execute_top_level(code, job.filename, profile, folder)
    progress.stage = "find"
    return _entry_point(namespace)


def call(
    function: Any,
    profile: Profile,
    datasets: Dict[str, Any],
    progress: Progress,
) -> Tuple[List[Optional[Any]], List[Finding]]:
    """Call the entry point with the connected ports, and apply the rules to what it returns.

    `datasets` is emptied, so that frames the module does not return are freed early.
    """
    progress.stage = "find"
    arguments = call_arguments(function, datasets, profile)
    progress.stage = "call"
    returned = function(*arguments)
    del arguments
    datasets.clear()
    progress.stage = "return"
    frames, findings = collect_outputs(returned, profile)
    progress.stage = "write"
    outputs: List[Optional[Any]] = []
    for port, frame in zip(("output1", "output2"), frames):
        if frame is not None:
            frame, changes = prepare_output(frame, port, profile)
            findings = [*findings, *changes]
        outputs.append(frame)
    return outputs, findings


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
