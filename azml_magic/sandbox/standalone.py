"""Starting a module of the package as a program, without importing the whole package."""

from __future__ import annotations

import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent

# An empty package replaces azml_magic, so that the processes load only the rooms that they need,
# not the notebook's side; -I keeps the notebook's folder off the path.
_BOOTSTRAP = (
    "import sys, types; package = types.ModuleType('azml_magic'); "
    "package.__path__ = [sys.argv.pop(1)]; sys.modules['azml_magic'] = package; "
    "from azml_magic.{module} import main; main()"
)


def command(
    module: str, *arguments: str, site_packages: bool = False, python: str = ""
) -> list[str]:
    """Return the command line that runs ``azml_magic.<module>.main``.

    Parameters
    ----------
    module : str
        The module, for example ``"monitor.monitor"``.
    *arguments : str
        Its ``sys.argv[1:]``.
    site_packages : bool
        Whether installed packages can be imported.
    python : str
        Path of the interpreter; empty for that of this process.
    """
    flags = ["-I"] if site_packages else ["-I", "-S"]
    bootstrap = _BOOTSTRAP.format(module=module)
    return [python or sys.executable, *flags, "-c", bootstrap, str(PACKAGE), *arguments]
