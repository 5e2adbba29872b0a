"""Paths that a batch request names, held inside the batch folder."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path, PurePath
from types import TracebackType
from typing import BinaryIO

from azml_magic.dataset_files import ENDINGS
from azml_magic.errors import PortError
from azml_magic.scoring.faults import Fault, bad_argument

STATE_FILE = ".azml-jobs.sqlite"
LOCK_FILE = ".azml-jobs.lock"
_PARTIAL = "_partial-"
_NAME_BYTES = 255
_LOCATION_CHARACTERS = 1024
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class BatchFolder:
    """The files of a batch folder, reached one folder after the other and through no link.

    The paths of a job had no links when it was made, so one that is met later was put there
    since, and may lead anywhere.

    Parameters
    ----------
    folder : str
        The folder that jobs are held in.
    """

    def __init__(self, folder: str) -> None:
        self._path = Path(folder).resolve()
        self._root = os.open(self._path, _FOLDER)

    def __enter__(self) -> BatchFolder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._root)

    @contextlib.contextmanager
    def reading(self, path: str) -> Iterator[BinaryIO]:
        """Open a file.

        Raises
        ------
        PortError
            When it is not there any more, or is not a regular file.
        """
        with self._parent(path, make=False) as (parent, name):
            try:
                descriptor = os.open(name, _READ, dir_fd=parent)
            except OSError as error:
                raise _gone(path, error) from None
            with os.fdopen(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise PortError(f"{path} is not a regular file")
                yield file

    @contextlib.contextmanager
    def writing(self, path: str) -> Iterator[BinaryIO]:
        """Open a file that appears under its name once it is whole, or not at all.

        Raises
        ------
        PortError
            When a folder on its way, or a file of its name, cannot be made.
        """
        with self._parent(path, make=True) as (parent, name):
            _clear_partial(parent)
            partial = f"{_PARTIAL}{uuid.uuid4().hex}{PurePath(name).suffix}"
            descriptor = os.open(partial, _WRITE, 0o666, dir_fd=parent)
            try:
                with os.fdopen(descriptor, "w+b") as file:
                    # While it is locked, a process writes it.
                    fcntl.flock(descriptor, fcntl.LOCK_EX)
                    yield file
                    file.flush()
                    try:
                        os.replace(partial, name, src_dir_fd=parent, dst_dir_fd=parent)
                    except OSError as error:
                        raise _gone(path, error) from None
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(partial, dir_fd=parent)
                raise

    @contextlib.contextmanager
    def _parent(self, path: str, *, make: bool) -> Iterator[tuple[int, str]]:
        """Open the folder of a file; give its descriptor and the file's name."""
        relative = PurePath(path)
        if relative.is_absolute():  # as an earlier version kept them
            relative = PurePath(os.path.relpath(path, self._path))
        *folders, name = relative.parts
        here = os.dup(self._root)
        try:
            for part in folders:
                if part == "..":
                    raise PortError(f"{path} leads out of the batch folder")
                if make:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(part, dir_fd=here)
                below = os.open(part, _FOLDER, dir_fd=here)
                os.close(here)
                here = below
        except OSError as error:
            os.close(here)
            raise _gone(path, error) from None
        except PortError:
            os.close(here)
            raise
        try:
            yield here, name
        finally:
            os.close(here)


def _gone(path: str, error: OSError) -> PortError:
    if error.errno in {errno.ELOOP, errno.ENOTDIR}:
        return PortError(f"a link or a file stands on the way to {path}")
    return PortError(f"{path}: {error.strerror}")


def _clear_partial(folder: int) -> None:
    """Delete what servers that were killed left half written."""
    for name in os.listdir(folder):
        if name.startswith(_PARTIAL):
            with contextlib.suppress(OSError):
                descriptor = os.open(name, _READ, dir_fd=folder)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    os.unlink(name, dir_fd=folder)
                finally:
                    os.close(descriptor)


def steps_of(folder: Path, source: str, target: str) -> list[tuple[str, str]]:
    """Return the files of a job and where the output of each goes, relative to the folder.

    Parameters
    ----------
    folder : Path
        The batch folder.
    source : str
        A file, or a folder of files, relative to it.
    target : str
        A file for a file; a folder for either.

    Raises
    ------
    Fault
        When a path leads outside, or there is nothing to read.
    """
    root = folder.resolve()
    found, goal = _inside(root, source), _inside(root, target)
    if found.is_file():
        _check_ending(found.name, source)
        return _steps(root, [(found, _goal_of_file(goal, found))])
    if not found.is_dir():
        raise _bad(f"There is no file or folder {source!r}.", "Input")
    if goal.suffix.lower() in ENDINGS:
        raise _bad("The output of a folder is a folder.", "Outputs")
    if goal == found or found in goal.parents:
        raise _bad("The output must not lie in the input's folder.", "Outputs")
    files = sorted(
        path
        for path in found.iterdir()
        if path.name.lower().endswith(ENDINGS)
        and not path.name.startswith((".", "_"))
        and path.is_file()
    )
    if not files:
        raise _bad(f"There is no dataset in {source!r}.", "Input")
    # A file may be a link to another in the folder; its output has the link's name.
    resolved = [(_inside(root, path.relative_to(root).as_posix()), path.name) for path in files]
    return _steps(root, [(path, goal / name) for path, name in resolved])


def _steps(root: Path, pairs: list[tuple[Path, Path]]) -> list[tuple[str, str]]:
    return [
        (source.relative_to(root).as_posix(), target.relative_to(root).as_posix())
        for source, target in pairs
    ]


def _goal_of_file(goal: Path, source: Path) -> Path:
    return goal if goal.suffix.lower() in ENDINGS else goal / source.name


def _inside(root: Path, location: str) -> Path:
    """Return the path, with links followed, when it lies in the folder."""
    if len(location) > _LOCATION_CHARACTERS:
        detail = f"A location has {_LOCATION_CHARACTERS:,} characters at most."
        raise _bad(detail, "RelativeLocation")
    parts = Path(location.replace("\\", "/").lstrip("/"))
    if "\0" in location or not location.strip() or parts.name.startswith("."):
        raise _bad(f"{location!r} names no file.", "RelativeLocation")
    try:
        path = (root / parts).resolve()
        too_long = any(len(os.fsencode(part)) > _NAME_BYTES for part in path.parts)
    except (OSError, UnicodeError, RuntimeError):  # a circle of links, or no name at all
        raise _bad(f"{location!r} names no file.", "RelativeLocation") from None
    if too_long:
        raise _bad(f"A name has {_NAME_BYTES} bytes at most.", "RelativeLocation")
    if not path.is_relative_to(root) or path == root:
        raise _bad(f"{location!r} leads out of the batch folder.", "RelativeLocation")
    return path


def _check_ending(name: str, source: str) -> None:
    if not name.lower().endswith(ENDINGS):
        raise _bad(f"{source!r} is none of {', '.join(ENDINGS)}.", "Input")


def _bad(detail: str, target: str) -> Fault:
    return bad_argument("BatchJobInputsInvalid", detail, target=target)
