"""Starting the two trusted processes: how they find the package, and what they inherit."""

from __future__ import annotations

import os
import site
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

_PASSED_ON = ("LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "PATH")


def command(module: str, *arguments: str, site_packages: bool) -> list[str]:
    """Return the command line that runs ``azml_magic.<module>.main`` by itself."""
    flags = ["-I"] if site_packages else ["-I", "-S"]
    bootstrap = _BOOTSTRAP.format(module=module)
    return [sys.executable, *flags, "-c", bootstrap, str(PACKAGE), *arguments]


def environment() -> dict[str, str]:
    """Return the environment of the fork server: nothing of the notebook's but the locale."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {
        **passed_on,
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": str(cache / "azml_magic" / "matplotlib"),
        # Without these, libraries start threads at import, and a fork wants one thread.
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "JE_ARROW_MALLOC_CONF": "background_thread:false",
    }


def extra_package_folders() -> list[str]:
    """Return the folders of installed packages that ``-I`` leaves out: the user's own."""
    user = site.getusersitepackages() if site.ENABLE_USER_SITE else ""
    return [user] if user and user in sys.path else []
