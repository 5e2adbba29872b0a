"""Measuring and deleting a folder that hostile code has filled.

Names may be any bytes; folders may deny access to their owner, be nested deeper than the maximum
length of a path, or change while they are measured. Links are never followed.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from azml_magic.sandbox.processes import live_task

# Minimum size of an entry, so that a folder of empty files has a size too.
ENTRY_BYTES = 4096
# Measuring needs an open descriptor for each level.
_DEEPEST = 400
BEYOND_MEASURE = 1 << 62
_numbers = itertools.count()

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class _Level(NamedTuple):
    """A folder that is being measured, and its remaining entries."""

    folder: int
    entries: Any

    def close(self) -> None:
        self.entries.close()
        os.close(self.folder)


class Contents(NamedTuple):
    """The size of a folder's contents.

    Attributes
    ----------
    size : int
        Bytes on disk; ``BEYOND_MEASURE`` if it is nested too deeply to be measured.
    entries : int
        The number of files, folders and links.
    """

    size: int
    entries: int


def contents(
    path: str, stop_above: int = BEYOND_MEASURE, most_entries: int = BEYOND_MEASURE
) -> Contents:
    """Measure a folder with everything below it.

    Parameters
    ----------
    path : str
        The folder.
    stop_above : int
        Stop measuring as soon as the bytes exceed this.
    most_entries : int
        Stop measuring as soon as there are more entries than this.

    Returns
    -------
    Contents
        What was found up to that point.
    """
    total = count = 0
    seen: set[tuple[int, int]] = set()
    levels: list[_Level] = []
    try:
        _enter(levels, os.open(path, _FOLDER))
        while levels:
            folder, entries = levels[-1]
            entry = next(entries, None)
            if entry is None:
                levels.pop().close()
                continue
            status = _status(entry)
            if status is None:
                continue
            count += 1
            total += _taken(status, seen)
            if total > stop_above or count > most_entries:
                return Contents(total, count)
            if stat.S_ISDIR(status.st_mode):
                if len(levels) > _DEEPEST:
                    return Contents(BEYOND_MEASURE, count)
                with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
                    _enter(levels, os.open(entry.name, _FOLDER, dir_fd=folder))
    finally:
        for level in levels:
            level.close()
    return Contents(total, count)


def unlinked_bytes(pids: Iterable[int]) -> int:
    """Return the disk usage of deleted files that processes still hold open or mapped.

    Parameters
    ----------
    pids : iterable of int
        The processes. One that may not be inspected counts as zero.

    Returns
    -------
    int
        Bytes on disk. Of a file that is only mapped, the mapped part.
    """
    total = 0
    seen: set[tuple[int, int]] = set()
    for task in map(live_task, pids):
        for device, inode, size in itertools.chain(_unlinked_open(task), _unlinked_mapped(task)):
            if (device, inode) not in seen:
                seen.add((device, inode))
                total += size
    return total


def _unlinked_open(task: int) -> Iterator[tuple[int, int, int]]:
    folder = f"/proc/{task}/fd"
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        with contextlib.suppress(OSError):
            status = os.stat(f"{folder}/{name}")
            if stat.S_ISREG(status.st_mode) and not status.st_nlink:
                yield status.st_dev, status.st_ino, status.st_blocks * 512


def _unlinked_mapped(task: int) -> Iterator[tuple[int, int, int]]:
    try:
        with open(f"/proc/{task}/maps", "rb") as file:
            lines = file.read().splitlines()
    except OSError:
        return
    for line in lines:
        # 7f0c-7f0d rw-s 00000000 fe:00 1234 /path (deleted); shared memory is listed there too.
        if line.endswith(b" (deleted)") and b"/dev/zero" not in line:
            addresses, _, _, device, inode = line.split(None, 5)[:5]
            start, end = (int(part, 16) for part in addresses.split(b"-"))
            major, minor = (int(part, 16) for part in device.split(b":"))
            yield os.makedev(major, minor), int(inode), end - start


def remove_tree(path: str) -> None:
    """Delete a folder and everything below it, while no process is changing it.

    Subfolders are moved up to the top before they are emptied, so that depth does not matter.

    Parameters
    ----------
    path : str
        The folder; it need not exist.
    """
    try:
        os.chmod(path, 0o700)
        top = os.open(path, _FOLDER)
    except OSError:
        return
    try:
        waiting = _empty(top, top, [])
        while waiting:
            name = waiting.pop()
            folder = os.open(name, _FOLDER, dir_fd=top)
            try:
                waiting = _empty(folder, top, waiting)
            finally:
                os.close(folder)
            os.rmdir(name, dir_fd=top)
    finally:
        os.close(top)
    os.rmdir(path)


def _empty(folder: int, top: int, waiting: list[str]) -> list[str]:
    """Delete the files of a folder and move its folders to the top; add those to `waiting`."""
    with os.scandir(folder) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_folder in found:
        if not is_folder:
            os.unlink(name, dir_fd=folder)
            continue
        os.chmod(name, 0o700, dir_fd=folder)
        waiting.append(name if folder == top else _move_up(name, folder, top))
    return waiting


def _move_up(name: str, folder: int, top: int) -> str:
    while True:
        new_name = f"moved-{next(_numbers)}"
        try:
            os.stat(new_name, dir_fd=top, follow_symlinks=False)
        except FileNotFoundError:
            os.rename(name, new_name, src_dir_fd=folder, dst_dir_fd=top)
            return new_name


def _enter(levels: list[_Level], folder: int) -> None:
    try:
        levels.append(_Level(folder, os.scandir(folder)))
    except OSError:
        os.close(folder)


def _status(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat(follow_symlinks=False)
    except OSError:  # deleted meanwhile
        return None


def _taken(status: os.stat_result, seen: set[tuple[int, int]]) -> int:
    """Return the disk usage of one entry; a file with several names counts once."""
    if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
        identity = status.st_dev, status.st_ino
        if identity in seen:
            return ENTRY_BYTES
        seen.add(identity)
    return max(ENTRY_BYTES, status.st_blocks * 512)
