"""Family ``names``: names that the module uses but does not define."""

from __future__ import annotations

from collections.abc import Iterator

from azml_magic.checks.parsed_script import Script
from azml_magic.checks.surroundings import Surroundings
from azml_magic.findings import CODES
from azml_magic.module.global_names import ENTRY_POINT, NOTEBOOK_BUILTINS, UndefinedName
from azml_magic.module.scopes import MODULE
from azml_magic.result import Finding

NOTEBOOK_ONLY = CODES["AZ110"]
NOWHERE = CODES["AZ111"]

_MOVE = "move it into this cell or into the script bundle"
_USUAL_IMPORTS = {
    "np": "import numpy as np",
    "pd": "import pandas as pd",
    "plt": "import matplotlib.pyplot as plt",
    "mpl": "import matplotlib as mpl",
    "sns": "import seaborn as sns",
    "scipy": "import scipy",
    "sp": "import scipy as sp",
    "sklearn": "import sklearn",
    "matplotlib": "import matplotlib",
    "numpy": "import numpy",
    "pandas": "import pandas",
    "dt": "import datetime as dt",
}


def find(script: Script, around: Surroundings) -> Iterator[Finding]:
    """Yield the undefined names of the module."""
    if script.error is not None:
        return
    for missing in script.names.undefined:
        level = "" if missing.reached else "warning"
        place = _place(missing)
        if missing.name in around.known_names:
            where = around.known_names[missing.name]
            origin = f"is defined in {where}" if where else "is defined in the notebook only"
            message = f"`{missing.name}`{place} {origin}; it does not exist in Studio"
            fix = _import(missing.name, around) or _MOVE
            yield NOTEBOOK_ONLY.at(missing.line, message, fix, level=level)
        else:
            message = f"`{missing.name}`{place} is not defined anywhere"
            fix = _import(missing.name, around) or _other_fix(missing.name)
            yield NOWHERE.at(missing.line, message, fix, level=level)


def _place(missing: UndefinedName) -> str:
    if missing.function in {MODULE, ENTRY_POINT}:
        return ""
    unused = "" if missing.reached else f", which {ENTRY_POINT} does not use,"
    return f" in {missing.function}{unused}"


def _import(name: str, around: Surroundings) -> str:
    """Return a hint for a probably forgotten import; empty if the name is not a module."""
    if name in _USUAL_IMPORTS or name in around.bundle_modules:
        return f"add `{_USUAL_IMPORTS.get(name, f'import {name}')}` to the module"
    if not around.interpreter.can_import(name):
        return ""
    # A variable of the notebook may have the same name as a module.
    is_certain = name not in around.known_names
    return f"add `import {name}` to the module" + ("" if is_certain else f", or {_MOVE}")


def _other_fix(name: str) -> str:
    if name in NOTEBOOK_BUILTINS:
        return "remove it: it belongs to IPython; print writes to the log"
    return "define it in the module or correct its spelling; frames are passed in by ports"
