"""Temporary folders that do not outlive the process that created them for long.

A folder is locked as long as its process lives. So the next process of the same kind can tell
folders in use from those left behind by processes that were killed, and deletes the latter.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Callable, Optional, Type

from azml_magic.errors import NoTemporaryFolder

__all__ = ["HINT", "NoTemporaryFolder", "OwnFolder"]

try:
    import fcntl
except ImportError:  # an exported module may run on a system without such locks
    fcntl = None  # type: ignore[assignment]

HINT = "set TMPDIR to a folder that you can write to, with some space left"
_NAMED_BY = ("TMPDIR", "TEMP", "TMP")
_USUAL = ("/tmp", "/var/tmp", "/usr/tmp")
_UNNAMED_SECONDS = 3600.0
"""How long it may take to rename a new folder to its final name, in seconds."""


def _remove(folder: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)


class OwnFolder:
    """A temporary folder, accessible by this user only.

    Creating it first deletes folders of the same kind whose processes were killed.

    Parameters
    ----------
    kind : str
        Prefix of its name, for example ``"azml_magic-debug"``.
    remove : callable
        Deletes a folder; by default ``shutil.rmtree``.

    Attributes
    ----------
    path : Path
        The folder.

    Raises
    ------
    NoTemporaryFolder
        When none can be created; the hint says what to set.
    """

    def __init__(self, kind: str, remove: Callable[[str], None] = _remove) -> None:
        self._remove = remove
        base = _base()
        _clear(base, kind, remove)
        made = _new_folder(base, f"{kind}-new-")
        # Locked before it gets a name that other processes look for, which may start at any time.
        self._lock = _locked(made)
        self.path = base / f"{kind}-{secrets.token_hex(8)}"
        made.rename(self.path)

    def close(self) -> None:
        """Delete the folder; what cannot be deleted is left to the next process of its kind."""
        with contextlib.suppress(OSError):
            self._remove(str(self.path))
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> OwnFolder:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()


def _base() -> Path:
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        named = [os.environ[name] for name in _NAMED_BY if os.environ.get(name)]
        tried = ", ".join(dict.fromkeys([*named, *_USUAL]))
        message = f"no temporary folder is writable (tried {tried})"
        raise NoTemporaryFolder(message, HINT) from error


def _new_folder(base: Path, prefix: str) -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix=prefix, dir=base))
    except OSError as error:
        message = f"no temporary folder can be created in {base}: {error.strerror}"
        raise NoTemporaryFolder(message, HINT) from error


def _locked(folder: Path) -> Optional[int]:
    """Return a descriptor that holds the folder's lock; ``None`` when another process does."""
    if fcntl is None:
        return None
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock


def _clear(base: Path, kind: str, remove: Callable[[str], None]) -> None:
    if fcntl is None:
        return
    for folder in base.glob(f"{kind}-*"):
        with contextlib.suppress(OSError):
            about = os.lstat(folder)
            unnamed = folder.name.startswith(f"{kind}-new-")
            if about.st_uid != os.getuid() or (
                unnamed and time.time() - about.st_mtime < _UNNAMED_SECONDS
            ):
                continue
            lock = _locked(folder)
            if lock is not None:
                try:
                    remove(str(folder))
                finally:
                    os.close(lock)
