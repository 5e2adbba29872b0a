"""The entries of a script bundle, from a zip or a folder: safe names, counts and sizes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from azml_magic.errors import BundleError

BUNDLE_BYTES = 1 << 30
"""Default limit of a bundle's unpacked size: 1 GiB."""

MAX_ENTRIES = 20_000
_PART_BYTES = 255
_PATH_BYTES = 1024
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass
class Unpacked:
    """The part of a bundle that has been read.

    Attributes
    ----------
    files : dict of str to bytes
        Contents by safe path.
    stripped : list of str
        Entries with paths that led outside and were cut.
    hidden : list of str
        Hidden files that were left out.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    stripped: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)


def cannot_unpack(name: str, reason: str, hint: str = "", rule: str = "Z7") -> BundleError:
    """Return the error for a bundle that both profiles refuse with Error 0102."""
    message = f"Error 0102 (rule {rule}): the script bundle {name!r} {reason}"
    return BundleError(message, hint or "zip the files again")


def safe_parts(entry: str, bundle: str) -> tuple[list[str], bool]:
    """Split an entry's path into the parts that lie inside the bundle.

    Parameters
    ----------
    entry : str
        The path in the bundle, with ``/`` or backslash separators.
    bundle : str
        Name of the bundle, for messages.

    Returns
    -------
    list of str
        Its parts without drive, root, ``.`` and ``..``.
    bool
        Whether the original path leads outside.

    Raises
    ------
    BundleError
        When no file can have that name: it has a NUL, cannot be decoded, or is too long.
    """
    if "\0" in entry:
        raise cannot_unpack(bundle, f"has a name with a NUL character: {entry!r}")
    path = entry.replace("\\", "/")
    outside = path.startswith("/") or _DRIVE.match(path) is not None
    parts = _DRIVE.sub("", path, count=1) if _DRIVE.match(path) else path
    kept = [part for part in parts.split("/") if part not in {"", ".", ".."}]
    outside |= ".." in parts.split("/")
    try:
        sizes = [len(part.encode()) for part in kept]
    except UnicodeEncodeError as error:
        raise cannot_unpack(bundle, f"has a name that is not valid text: {entry!r}") from error
    if max(sizes, default=0) > _PART_BYTES or sum(sizes) + len(sizes) > _PATH_BYTES:
        raise cannot_unpack(bundle, f"has a name that is too long: {entry[:60]!r}...")
    return kept, outside


def check_amount(bundle: str, entries: int, size: int, max_bytes: int) -> None:
    """Refuse a bundle with too many files or bytes.

    Raises
    ------
    BundleError
        With the limit that is exceeded.
    """
    if entries > MAX_ENTRIES:
        raise BundleError(
            f"the script bundle {bundle!r} has more than {MAX_ENTRIES:,} entries",
            "leave out what the module does not read",
        )
    if size > max_bytes:
        raise BundleError(
            f"the script bundle {bundle!r} holds more than {max_bytes:,} bytes",
            "leave out what the module does not read",
        )


def check_no_collisions(paths: list[str], bundle: str) -> None:
    """Refuse two files with the same path, and a file where another entry needs a folder.

    Raises
    ------
    BundleError
        With the path.
    """
    seen: set[str] = set()
    folders: set[str] = set()
    for path in paths:
        if path in seen:
            raise cannot_unpack(bundle, f"has two files named {path!r}")
        seen.add(path)
        position = path.find("/")
        while position >= 0:
            folders.add(path[:position])
            position = path.find("/", position + 1)
    both = sorted(seen & folders)
    if both:
        raise cannot_unpack(bundle, f"has both a file and a folder named {both[0]!r}")
