"""The threads of linear algebra libraries, which must not exist when a worker is forked.

The fork server is started with one thread per library, and raises the number once everything is
imported. At a fork, such a library ends its threads; a worker's start when it first needs them,
so that a run that needs none has none.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any, List

_SETTERS = (
    "scipy_openblas_set_num_threads64_",
    "scipy_openblas_set_num_threads",
    "openblas_set_num_threads64_",
    "openblas_set_num_threads",
)
_found: List[Any] = []

THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def find_libraries() -> None:
    """Find the thread setters of the OpenBLAS libraries that are loaded now."""
    _found.clear()
    with open("/proc/self/maps") as maps:
        paths = {line.split(None, 5)[-1].strip() for line in maps if "openblas" in line}
    for path in sorted(paths):
        library = ctypes.CDLL(path)
        for name in _SETTERS:
            setter = getattr(library, name, None)
            if setter is not None:
                _found.append(setter)
                break


def use_all_cores() -> None:
    """Let the libraries use every core that this process may run on."""
    for variable in THREAD_VARIABLES:
        os.environ.pop(variable, None)
    cores = len(os.sched_getaffinity(0))
    for setter in _found:
        setter(ctypes.c_int(cores))
