"""Mounting by system calls, as Python has no function for it."""

from __future__ import annotations

import codecs
import ctypes
import os
from collections.abc import Iterable

from azml_magic.sandbox import kernel

READ_ONLY, NO_SUID, NO_DEVICES, NO_EXECUTION = 1, 2, 4, 8
BIND, RECURSIVE, PRIVATE = 1 << 12, 1 << 14, 1 << 18
_REMOUNT = 1 << 5
# Those of these flags that a mount inherits from outside cannot be cleared inside.
_KEPT_FLAGS = {
    "nosuid": NO_SUID, "nodev": NO_DEVICES, "noexec": NO_EXECUTION, "noatime": 1 << 10,
    "nodiratime": 1 << 11, "relatime": 1 << 21,
}  # fmt: skip
_AS_WRITTEN = "unicode_escape"
# It is loaded when it is first asked for, from files that a view of another interpreter lacks.
codecs.lookup(_AS_WRITTEN)


def mount(
    source: str | None, place: str, kind: str | None, flags: int, options: str | None = None
) -> None:
    """Mount a file system, or change a mount; see ``mount(2)``.

    Raises
    ------
    OSError
        With the kernel's error number.
    """
    arguments = [
        ctypes.c_char_p(None if text is None else os.fsencode(text))
        for text in (source, place, kind, options)
    ]
    kernel.syscall("mount", arguments[0], arguments[1], arguments[2], flags, arguments[3])


def mount_processes(place: str) -> None:
    """Mount a read-only /proc for the current process namespace.

    Read-only, as it also has settings of the whole machine, which root can write even without
    capabilities.
    """
    flags = NO_SUID | NO_DEVICES | NO_EXECUTION
    mount("proc", place, "proc", flags)
    make_read_only(place, flags)


def remount_read_only(top: str, writable: Iterable[str]) -> None:
    """Make all mounts at or below a folder read-only, except those that stay writable.

    Parameters
    ----------
    top : str
        The folder.
    writable : iterable of str
        Folders that are not changed, with everything below them.
    """
    spared = tuple(f"{path.rstrip('/')}/" for path in writable)
    with open("/proc/self/mountinfo", "rb") as file:
        lines = file.read().splitlines()
    for line in lines:
        fields = line.split(b" ")
        place = os.fsdecode(fields[4].decode(_AS_WRITTEN).encode("latin-1"))
        inside = f"{place.rstrip('/')}/".startswith(f"{top.rstrip('/')}/")
        if not inside or f"{place}/".startswith(spared):
            continue
        flags = 0
        for option in fields[5].decode().split(","):
            flags |= _KEPT_FLAGS.get(option, 0)
        make_read_only(place, flags)


def make_read_only(place: str, flags: int) -> None:
    """Make a mount read-only, keeping its `flags`."""
    mount(None, place, None, READ_ONLY | _REMOUNT | BIND | flags)
