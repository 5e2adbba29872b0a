"""Mounting, by the system call itself: Python has no function for it."""

from __future__ import annotations

import codecs
import ctypes
import os
from collections.abc import Iterable

from azml_magic.sandbox import kernel

READ_ONLY, NO_SUID, NO_DEVICES, NO_EXECUTION = 1, 2, 4, 8
BIND, RECURSIVE, PRIVATE = 1 << 12, 1 << 14, 1 << 18
_REMOUNT = 1 << 5
# What a mount has of these when it comes from outside cannot be taken off inside.
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
    """Mount what the kernel tells of the processes of this process namespace, read-only.

    It has the settings of the whole machine too, which are root's to write whatever root may do.
    """
    flags = NO_SUID | NO_DEVICES | NO_EXECUTION
    mount("proc", place, "proc", flags)
    make_read_only(place, flags)


def remount_read_only(top: str, writable: Iterable[str]) -> None:
    """Make every mount at or below a folder read-only, but for those that stay writable.

    Parameters
    ----------
    top : str
        The folder.
    writable : iterable of str
        Folders that stay as they are, with all below them.
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
    """Make one mount read-only; the flags are those that it has and keeps."""
    mount(None, place, None, READ_ONLY | _REMOUNT | BIND | flags)
