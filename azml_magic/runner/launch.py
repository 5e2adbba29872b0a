"""What the two trusted processes inherit, and where they find installed packages."""

from __future__ import annotations

import os
import site
import sys
from pathlib import Path

_PASSED_ON = ("LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "PATH")


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
