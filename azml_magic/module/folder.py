"""Reading a folder as a script bundle, without following links."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from azml_magic.errors import BundleError
from azml_magic.module.entries import (
    MAX_ENTRIES,
    Unpacked,
    cannot_unpack,
    check_amount,
    safe_parts,
)

# Left out without a finding: nobody means to upload them.
_LEFTOVERS = {".git", ".ipynb_checkpoints", ".DS_Store", ".venv", ".ruff_cache", ".mypy_cache"}


def read_folder(path: Path, max_bytes: int) -> Unpacked:
    """Read all files of a folder except hidden ones and ``__pycache__``.

    Parameters
    ----------
    path : Path
        The folder.
    max_bytes : int
        Limit of the total size.

    Returns
    -------
    Unpacked
        The files, by safe path, and the hidden files that were left out.

    Raises
    ------
    BundleError
        When it holds a link or a special file, cannot be read, or holds too much.
    """
    name = path.name or path.resolve().name
    unpacked = Unpacked()
    size = 0
    try:
        for entry, relative in _entries(path, "", unpacked):
            parts, _ = safe_parts(relative, name)
            if entry.is_symlink():
                raise BundleError(
                    f"the script bundle {name!r} holds a symbolic link: {relative!r}",
                    "put the file itself into the folder",
                )
            content = _content(Path(entry.path), relative, name, max_bytes - size)
            size += len(content)
            unpacked.files["/".join(parts)] = content
            check_amount(name, len(unpacked.files), size, max_bytes)
    except OSError as error:
        reason = f"cannot be read: {error.strerror or error}: {error.filename!r}"
        raise cannot_unpack(name, reason, "check its permissions") from error
    return unpacked


def _entries(
    folder: Path, prefix: str, unpacked: Unpacked
) -> Iterator[tuple[os.DirEntry[str], str]]:
    """Yield everything below `folder` except folders, with its relative path."""
    waiting = [(str(folder), prefix)]
    seen = 0
    while waiting:
        current, prefix = waiting.pop()
        with os.scandir(current) as found:
            for entry in found:
                seen += 1
                if seen > MAX_ENTRIES:
                    check_amount(folder.name, seen, 0, 0)
                relative = prefix + entry.name
                if entry.name == "__pycache__" or entry.name in _LEFTOVERS:
                    continue
                if entry.name.startswith("."):
                    unpacked.hidden.append(relative)
                elif entry.is_dir(follow_symlinks=False):
                    waiting.append((entry.path, f"{relative}/"))
                else:
                    yield entry, relative


def _content(path: Path, relative: str, bundle: str, allowed: int) -> bytes:
    # No link or pipe may replace the file between the check and the read.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise BundleError(
                f"the script bundle {bundle!r} holds a special file: {relative!r}",
                "leave it out",
            )
        return file.read(allowed + 1)
