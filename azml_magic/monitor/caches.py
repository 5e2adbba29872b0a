"""Where caches go: what makes a start quicker, and may be missing or be lost at any time.

Nothing else of the package asks for a home folder. Containers and services have none: ``HOME``
is ``/``, or not set, the user has no entry in the list of users, or the root is read-only.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

OWN_FOLDER = "azml_magic"
MATPLOTLIB = "matplotlib"
LIBRARIES = (MATPLOTLIB,)


def lasting() -> Path | None:
    """Return the folder for caches that outlive this process, made if need be.

    Returns
    -------
    Path or None
        ``azml_magic`` below ``XDG_CACHE_HOME``, which counts when it is an absolute path, or else
        below ``~/.cache``. None where that cannot be written to, or belongs to somebody else: the
        fork server, which is trusted, reads what is in there.
    """
    named = os.environ.get("XDG_CACHE_HOME", "")
    # Without HOME, and without an entry in the list of users, it stays as it is written here.
    base = named if os.path.isabs(named) else os.path.expanduser("~/.cache")
    if not os.path.isabs(base):
        return None
    folder = Path(base, OWN_FOLDER)
    try:
        # What a person named is made; a home that is not there is nobody's to make.
        Path(base).mkdir(mode=0o700, parents=os.path.isabs(named), exist_ok=True)
        folder.mkdir(exist_ok=True)
        furnish(folder)
        suits = os.stat(base).st_uid in {0, os.geteuid()}
    except OSError:
        return None
    return folder if suits else None


def furnish(folder: Path) -> None:
    """Make what libraries expect in the folder of caches.

    Raises
    ------
    OSError
        When it cannot be written to, or is not this user's own.
    """
    _require_own(folder)
    for name in LIBRARIES:
        (folder / name).mkdir(exist_ok=True)
        _require_own(folder / name)


def _require_own(folder: Path) -> None:
    # The owner counts for root too: in its user namespace the fork server's root is no more than
    # any other user in a folder that is not its own.
    found = os.stat(folder)
    if found.st_uid != os.geteuid() or found.st_mode & stat.S_IWOTH:
        raise PermissionError(f"{folder} is not this user's own")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise PermissionError(f"{folder} cannot be written to")
