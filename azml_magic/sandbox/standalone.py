"""Starting a program of the package by itself, without loading the package."""

from __future__ import annotations

import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent

# A bare parent package stands in for azml_magic, so that the processes load the rooms that
# they need and not the notebook's side; -I keeps the notebook's folder off the path.
_BOOTSTRAP = (
    "import sys, types; package = types.ModuleType('azml_magic'); "
    "package.__path__ = [sys.argv.pop(1)]; sys.modules['azml_magic'] = package; "
    "from azml_magic.{module} import main; main()"
)


def command(
    module: str, *arguments: str, site_packages: bool = False, python: str = ""
) -> list[str]:
    """Return the command line that runs ``azml_magic.<module>.main`` by itself.

    Parameters
    ----------
    module : str
        For example ``"monitor.monitor"``.
    *arguments : str
        What it finds in ``sys.argv[1:]``.
    site_packages : bool
        Whether installed packages can be imported.
    python : str
        Path of the interpreter; empty for the one that asks.
    """
    flags = ["-I"] if site_packages else ["-I", "-S"]
    bootstrap = _BOOTSTRAP.format(module=module)
    return [python or sys.executable, *flags, "-c", bootstrap, str(PACKAGE), *arguments]
