"""The environment that the two trusted processes inherit."""

from __future__ import annotations

import os
from pathlib import Path

from azml_magic.monitor import caches

_PASSED_ON = ("LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "PATH")


def environment(cache_folder: Path | None) -> dict[str, str]:
    """Return the environment of the fork server: of the notebook's, only locale and search paths.

    Parameters
    ----------
    cache_folder : Path or None
        Where caches are kept; None if not known yet, as the monitor itself creates the folder.
    """
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {
        **passed_on,
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": str(cache_folder / caches.MATPLOTLIB) if cache_folder else "",
        # Without these, libraries start threads at import, but a fork needs a single thread.
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "JE_ARROW_MALLOC_CONF": "background_thread:false",
    }
