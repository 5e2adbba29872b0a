"""Where caches are kept: they make starting faster, and may be missing or lost at any time.

Nothing else in the package needs a home folder. Containers and services may lack one: ``HOME``
is ``/`` or not set, the user has no entry in the list of users, or the root is read-only.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

OWN_FOLDER = "azml_magic"
MATPLOTLIB = "matplotlib"
LIBRARIES = (MATPLOTLIB,)


def lasting() -> Path | None:
    """Return the folder for caches that outlive this process, creating it if necessary.

    Returns
    -------
    Path or None
        ``azml_magic`` in ``XDG_CACHE_HOME`` if that is an absolute path, otherwise in
        ``~/.cache``. None if that cannot be written to, or belongs to another user: the fork
        server, which is trusted, reads its contents.
    """
    named = os.environ.get("XDG_CACHE_HOME", "")
    # Without HOME and an entry in the list of users, "~" is not expanded.
    base = named if os.path.isabs(named) else os.path.expanduser("~/.cache")
    if not os.path.isabs(base):
        return None
    folder = Path(base, OWN_FOLDER)
    try:
        # A folder that the user named is created with its parents; a missing home folder is not.
        Path(base).mkdir(mode=0o700, parents=os.path.isabs(named), exist_ok=True)
        folder.mkdir(exist_ok=True)
        furnish(folder)
        suits = os.stat(base).st_uid in {0, os.geteuid()}
    except OSError:
        return None
    return folder if suits else None


def furnish(folder: Path) -> None:
    """Create the folders that libraries expect in the cache folder.

    Raises
    ------
    OSError
        When it cannot be written to, belongs to another user, or can be written to by others.
    """
    _require_own(folder)
    for name in LIBRARIES:
        (folder / name).mkdir(exist_ok=True)
        _require_own(folder / name)


def _require_own(folder: Path) -> None:
    # The owner matters for root too: in its user namespace, the fork server's root has no more
    # rights than any other user to a folder that it does not own.
    found = os.stat(folder)
    if found.st_uid != os.geteuid() or found.st_mode & stat.S_IWOTH:
        raise PermissionError(f"{folder} belongs to another user, or others can write to it")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise PermissionError(f"{folder} cannot be written to")
